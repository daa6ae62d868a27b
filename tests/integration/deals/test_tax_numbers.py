"""The tax platform's numbers: kept once, and waited for where they are required."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.deals import funding, store
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound
from aggregator.fulfilment import delivering, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.invoices import filing, issuing
from aggregator.invoices.filing import TaxNumber
from aggregator.journal.reading import Pool
from tests.integration.deals.playing import (
    RICH,
    accept,
    act,
    funded,
    give_back,
    invoice,
    is_sound,
    settled,
    to_accepted,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

NUMBER = TaxNumber("25452000000012345678")


async def give(
    trading: Trading, deal_id: str, document_id: str, tax: TaxNumber, name: str = "mill"
) -> dict[str, object]:
    made = await act(filing.give_number, trading, name, "finance", deal_id, document_id, tax)
    return dict(made.answer)


async def waiting(trading: Trading) -> tuple[str, str]:
    """Return a deal that waits for its number, and its invoice."""
    await act(filing.require_numbers, trading, "operator", "operator", "SUGAR-W1")
    deal_id = await funded(trading)
    await to_accepted(trading, deal_id)
    issued = await invoice(trading, deal_id)
    assert (issued.answer["state"], issued.answer["missing"]) == ("invoiced", ["invoice"])
    return deal_id, str(issued.answer["invoice_id"])


async def test_a_required_number_settles_the_deal_when_it_comes(trading: Trading) -> None:
    deal_id, document_id = await waiting(trading)

    answer = await give(trading, deal_id, document_id, NUMBER)

    assert (answer["state"], answer["missing"]) == ("settled", [])
    assert await filing.numbers_of(Pool(), deal_id) == {document_id: NUMBER}
    with pytest.raises(Conflict):
        await give(trading, deal_id, document_id, TaxNumber("25452000000099999999"))
    await is_sound()


async def test_a_deal_without_its_number_feeds_nothing_and_its_seller_is_reminded(
    trading: Trading,
) -> None:
    deal_id, _ = await waiting(trading)
    start = trading.clock.now()

    await trading.at(start + timedelta(days=5))
    await trading.at(start + timedelta(days=10))

    notices = await Pool().rows("select 1 from notice where kind = 'invoice_overdue'")
    assert (await store.load(Pool(), deal_id)).state == "invoiced"
    assert len(notices) == 4
    assert await Pool().rows("select 1 from price_deal") == []


async def test_where_none_is_required_a_number_may_follow_for_every_document(
    trading: Trading,
) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 10)
    rows = await Pool().rows(
        "select id from invoice where issuer = $1 order by id", trading.id_of("mill")
    )

    for number, row in enumerate(rows):
        await give(trading, deal_id, row["id"], TaxNumber(f"2545200000001234567{number}", "44"))

    assert len(rows) == 2
    assert len(await filing.numbers_of(Pool(), deal_id)) == 2


async def test_a_number_is_for_one_document_and_from_its_issuer(trading: Trading) -> None:
    deal_id, document_id = await waiting(trading)
    other = await trading.form()

    with pytest.raises(NotAllowed):
        await give(trading, deal_id, document_id, NUMBER, "factory")
    with pytest.raises(NotFound):
        await give(trading, deal_id, document_id, NUMBER, "rival")
    with pytest.raises(NotFound):
        await give(trading, other, document_id, NUMBER)
    with pytest.raises(InvalidField):
        await give(trading, deal_id, document_id, TaxNumber("= 1+1"))
    with pytest.raises(Conflict):
        await act(filing.require_numbers, trading, "operator", "operator", "SUGAR-W1")


async def test_a_number_that_a_rival_named_first_is_the_issuers_still(trading: Trading) -> None:
    deal_id, document_id = await waiting(trading)
    await trading.give("rival", RICH)
    await trading.give("factory", RICH)
    bought = await trading.form(seller="rival")
    await act(funding.fund, trading, "factory", "finance", bought)
    await act(shipping.ship, trading, "rival", "seller", bought, lots=100, carrier="Rail")
    receipt = Receipt(100, "Nanning warehouse 3", "WB-0002")
    await act(delivering.deliver, trading, "rival", "logistics", bought, receipt)
    await accept(trading, bought, 100)
    issued = await act(issuing.issue, trading, "rival", "seller", bought)
    await give(trading, bought, issued.answer["invoice_id"], NUMBER, "rival")

    answer = await give(trading, deal_id, document_id, NUMBER)
    await give_back(trading, deal_id, 10)
    (note,) = await Pool().rows(
        "select id from invoice where issuer = $1 and kind = 'credit_note'", trading.id_of("mill")
    )

    assert answer["state"] == "settled"
    with pytest.raises(Conflict, match="tax_number_known"):
        await give(trading, deal_id, note["id"], NUMBER)
