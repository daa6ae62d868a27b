from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.deals import store
from aggregator.journal.reading import Pool, entries
from aggregator.ledger import queries
from aggregator.ledger.verifying import verify

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading


async def test_a_deal_splits_into_lines_that_sum_to_its_total(trading: Trading) -> None:
    deal_id = await trading.form(lots=7, goods_minor=495_100, freight_minor=12_345)

    deal = await store.load(Pool(), deal_id)
    lines = await store.lines_of(Pool(), deal_id, "agreed")

    assert [(line.kind, line.amount_minor) for line in lines] == [
        ("goods", 3_465_700),
        ("logistics", 86_415),
        ("capital", 0),
        ("information", 10_397),
        ("tax", 461_775),
        ("service_tax", 624),
    ]
    assert sum(line.amount_minor for line in lines) == deal.total_minor == 4_024_911
    assert {line.counterparty for line in lines} == {trading.id_of("mill"), "platform"}


async def test_the_deposit_goes_to_escrow_and_the_rest_is_called(trading: Trading) -> None:
    await trading.give("factory", 100_000_00)
    await trading.give("mill", 1_000_000_00)

    deal_id = await trading.form()

    deal = await store.load(Pool(), deal_id)
    assert await queries.escrow_balance(deal_id, "CNY") == deal.deposit_minor
    assert deal.deposit_minor + deal.call_minor == deal.total_minor
    assert deal.performance_minor == 4_950_000
    holds = await queries.pending_holds(trading.id_of("mill"))
    assert [hold.amount_minor for hold in holds] == [4_950_000]
    assert not (await verify()).differences


async def test_a_buyer_without_cash_is_called_for_everything(trading: Trading) -> None:
    deal_id = await trading.form()

    deal = await store.load(Pool(), deal_id)

    assert (deal.deposit_minor, deal.call_minor) == (0, deal.total_minor)
    assert deal.performance_hold_id is None


async def test_forming_is_the_first_entry_of_the_deals_stream(trading: Trading) -> None:
    await trading.give("mill", 1_000_000_00)
    deal_id = await trading.form()

    (entry,) = await entries(None, f"deal:{deal_id}")

    assert (entry.seq, type(entry.fact).__name__) == (1, "DealFormed")
    assert entry.fact.deal_id == deal_id


async def test_a_deposit_of_nothing_is_no_transfer(trading: Trading) -> None:
    await trading.form()

    assert (await verify()).transfers == 0
