"""The market's fee is made of a part for each flow, and each may be zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aggregator.catalogue.fees import Fees
from aggregator.deals import funding, history, queries, store
from aggregator.deals.lines import Fee, Rates, fee_minor, lines_of, total
from aggregator.fulfilment import shipping
from aggregator.journal.reading import Pool
from aggregator.pools.landed import landed, net_limit
from tests.builders import an_instrument
from tests.integration.deals.conftest import SUGAR
from tests.integration.deals.playing import (
    RICH,
    accept,
    accounts,
    act,
    deliver,
    give_back,
    invoice,
    is_sound,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

FOUR = Fees(goods_bps=30, logistics_bps=250, capital_bps=700, lot_minor=155)


async def formed(trading: Trading) -> str:
    """Return a deal in an instrument of which every flow bears a fee."""
    more = {"logistics_fee_bps": 250, "capital_fee_bps": 700, "lot_fee_minor": 155}
    await an_instrument(trading.market, **SUGAR, **more, id="SUGAR-F")
    for name in ("factory", "mill"):
        await trading.give(name, RICH)
    return await trading.form(instrument_id="SUGAR-F", capital_minor=1_003)


async def test_each_flow_bears_its_part_and_the_lines_are_the_total(trading: Trading) -> None:
    deal_id = await formed(trading)

    shown = await queries.deal(trading.actor("factory", "buyer"), deal_id)

    assert shown.fees == (
        Fee("goods", 148_500),
        Fee("logistics", 30_862),  # 30,862.5, half to even
        Fee("capital", 7_021),
        Fee("information", 15_500),
    )
    by_kind = {line.kind: line for line in shown.lines}
    assert by_kind["information"].amount_minor == sum(fee.amount_minor for fee in shown.fees)
    assert by_kind["information"].rate_bps is None
    assert total(shown.lines) == shown.summary.total_minor


async def test_a_deal_with_four_fees_settles_and_credits_to_the_last_fen(trading: Trading) -> None:
    deal_id = await formed(trading)
    await act(funding.fund, trading, "factory", "finance", deal_id)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await accept(trading, deal_id, 97)
    await invoice(trading, deal_id)
    deal = await store.load(Pool(), deal_id)
    fees_minor = (await accounts())["fees"]
    paid = await history.last_price(Pool(), deal.buyer_id, "SUGAR-F", "GX")
    for _ in range(97):
        await give_back(trading, deal_id, 1)

    found = await accounts()
    assert fees_minor == fee_minor(deal.rates, 97)
    assert paid is not None
    assert paid.landed_minor == 495_000 + 12_345 + 1_003 + FOUR.of_lot(495_000, 12_345, 1_003)
    assert (found["fees"], found["tax"], found["escrow"]) == (0, 0, 0)
    await is_sound()


@pytest.mark.parametrize("fees", [FOUR, Fees(0), Fees(30), Fees(0, 10_000), Fees(1, lot_minor=1)])
def test_the_net_limit_is_the_highest_price_within_the_limit(fees: Fees) -> None:
    for limit_minor in (60_000, 60_001, 61_234, 99_999):
        highest = net_limit(limit_minor, 12_345, fees)

        assert landed(highest, 12_345, fees).landed_minor <= limit_minor
        assert landed(highest + 1, 12_345, fees).landed_minor > limit_minor


@pytest.mark.parametrize("lots", [1, 3, 97, 100])
def test_a_deal_costs_no_more_than_its_landed_price_says(lots: int) -> None:
    rates = Rates(
        goods_minor=495_003,
        freight_minor=12_347,
        capital_minor=0,
        fee_minor=None,
        fees=FOUR,
        tax_bps=0,
        service_tax_bps=0,
    )

    price = landed(rates.goods_minor, rates.freight_minor, FOUR)

    assert total(lines_of(rates, lots, seller_id="s")) <= price.landed_minor * lots
