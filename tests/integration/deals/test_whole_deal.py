from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.deals import cancelling, funding, store
from aggregator.deals.terms import terms_of
from aggregator.errors import InsufficientFunds, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.fulfilment import accepting, shipping
from aggregator.fulfilment import queries as fulfilment_queries
from aggregator.invoices import issuing
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool, entries
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.integration.deals.playing import (
    FEE,
    RICH,
    SELLER_PART,
    SERVICE_TAX,
    TOTAL,
    accept,
    accounts,
    act,
    deliver,
    funded,
    give_back,
    held,
    invoice,
    is_sound,
    settled,
    to_accepted,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading


async def test_a_deal_settles_and_every_fen_is_explained(trading: Trading) -> None:
    deal_id = await funded(trading)
    await to_accepted(trading, deal_id)

    outcome = await invoice(trading, deal_id)

    assert outcome.answer["state"] == "settled"
    assert outcome.answer["missing"] == []
    assert outcome.answer["number"] == 1
    assert await accounts() == {
        "bank": -2 * RICH,
        "cash factory": RICH - TOTAL,
        "cash mill": RICH + SELLER_PART,
        "escrow": 0,
        "fees": FEE,
        "tax": SERVICE_TAX,
    }
    assert await held() == 0
    await is_sound()


async def test_the_stream_of_a_deal_tells_its_way(trading: Trading) -> None:
    deal_id = await settled(trading)

    told = [type(entry.fact).__name__ for entry in await entries(None, f"deal:{deal_id}")]

    assert told == [
        "DealFormed",
        "DealFunded",
        "GoodsShipped",
        "GoodsDelivered",
        "GoodsAccepted",
        "TitlePassed",
        "InvoiceIssued",
        "InvoiceIssued",
        "DealSettled",
    ]


async def test_short_delivery_settles_on_the_accepted_lots(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=90, carrier="Rail")
    await deliver(trading, deal_id, 85)

    accepted = await accept(trading, deal_id, 80)
    await invoice(trading, deal_id)

    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.note, deal.accepted_lots) == ("settled", "shortfall", 80)
    assert accepted.answer["refunded_minor"] == TOTAL - 80 * TOTAL // 100
    found = await accounts()
    assert found["escrow"] == 0
    forfeited = 15 * 4_950_000 // 100
    assert found["cash factory"] == RICH - 80 * TOTAL // 100 + forfeited
    assert found["cash mill"] == RICH + 80 * SELLER_PART // 100 - forfeited
    await is_sound()


async def test_a_quantity_within_tolerance_is_no_shortfall(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    accepted = await accept(trading, deal_id, 99, measured={"quality": "150 IU, dry"})

    assert accepted.answer["is_within_tolerance"] is True
    assert (await store.load(Pool(), deal_id)).note == ""


async def test_a_receipt_says_what_was_measured_until_the_buyer_says_otherwise(
    trading: Trading,
) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    by_receipt = {one.dimension: one.measured for one in await terms_of(Pool(), deal_id)}
    await accept(trading, deal_id, 99, measured={"quantity": "99 t on our scale"})
    by_buyer = {one.dimension: one.measured for one in await terms_of(Pool(), deal_id)}

    assert by_receipt["place"] == "Nanning warehouse 3"
    assert by_receipt["quantity"] == "100 × 1 t · 100000 kg"
    assert by_receipt["time"] == stamp(trading.clock.now())
    assert by_receipt["quality"] is None
    assert by_buyer == {**by_receipt, "quantity": "99 t on our scale"}


async def test_the_carriers_receipt_stands_beside_that_of_the_warehouse(trading: Trading) -> None:
    deal_id = await funded(trading)
    signed = shipping.CarrierReceipt("CMR 4711", 100_020)
    more = {"lots": 100, "carrier": "Rail", "vehicle": "C70 1", "receipt": signed}
    await act(shipping.ship, trading, "mill", "seller", deal_id, **more)
    await deliver(trading, deal_id, 100)

    shown = await fulfilment_queries.goods(trading.actor("factory", "buyer"), deal_id)

    assert shown.shipment is not None
    assert shown.receipt is not None
    assert (shown.shipment["document"], shown.shipment["weight_kg"]) == ("CMR 4711", 100_020)
    assert (shown.receipt["document"], shown.receipt["weight_kg"]) == ("WB-0001", 100_000)


async def test_silence_accepts_what_was_delivered(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    await trading.at(trading.clock.now() + timedelta(days=3))

    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.accepted_lots) == ("accepted", 100)


async def test_an_unpaid_deal_lapses_and_the_deposit_is_forfeit(trading: Trading) -> None:
    await trading.give("factory", 5_000_000)
    await trading.give("mill", RICH)
    deal_id = await trading.form()

    await trading.at(trading.clock.now() + timedelta(days=3))

    deal = await store.load(Pool(), deal_id)
    assert deal.state == "lapsed"
    assert (await accounts())["cash mill"] == RICH + 5_000_000
    assert await held() == 0
    await is_sound()


async def test_an_undelivered_deal_defaults_with_compensation(trading: Trading) -> None:
    deal_id = await funded(trading)
    deal = await store.load(Pool(), deal_id)

    await trading.at(deal.ship_due_at)

    assert (await store.load(Pool(), deal_id)).state == "defaulted"
    assert (await accounts())["cash factory"] == RICH + deal.performance_minor
    assert await held() == 0
    await is_sound()


async def test_cancelling_takes_both(trading: Trading) -> None:
    deal_id = await funded(trading)

    first = await act(cancelling.cancel, trading, "factory", "buyer", deal_id)
    again = await act(cancelling.cancel, trading, "factory", "buyer", deal_id)
    both = await act(cancelling.cancel, trading, "mill", "seller", deal_id)

    assert [o.answer["state"] for o in (first, again, both)] == ["funded", "funded", "cancelled"]
    assert (await accounts())["cash factory"] == RICH
    await is_sound()


async def test_a_refused_delivery_is_decided_by_the_operator(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    await act(accepting.refuse, trading, "factory", "buyer", deal_id, reason="all wet")
    answer = (await act(accepting.resolve, trading, "operator", "operator", deal_id, lots=0)).answer

    assert answer == {"deal_id": deal_id, "lots": 0}
    assert (await store.load(Pool(), deal_id)).state == "cancelled"
    assert (await accounts())["cash factory"] == RICH
    await is_sound()


async def test_an_undecided_dispute_refunds_the_buyer(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await act(accepting.refuse, trading, "factory", "buyer", deal_id, reason="all wet")

    await trading.at(trading.clock.now() + timedelta(days=14))

    assert (await store.load(Pool(), deal_id)).state == "cancelled"


async def test_an_overdue_invoice_is_reminded_once(trading: Trading) -> None:
    deal_id = await funded(trading)
    await to_accepted(trading, deal_id)

    await trading.at(trading.clock.now() + timedelta(days=5))
    await trading.at(trading.clock.now() + timedelta(days=5))

    told = [type(entry.fact).__name__ for entry in await entries(None, f"deal:{deal_id}")]
    assert told.count("InvoiceOverdue") == 1


async def test_the_same_command_acts_once(trading: Trading) -> None:
    deal_id = await funded(trading)
    await to_accepted(trading, deal_id)
    command = trading.command({"invoice": deal_id})
    seller = trading.actor("mill", "seller")

    first = await issuing.issue(trading.market, seller, command, deal_id)
    second = await issuing.issue(trading.market, seller, command, deal_id)

    assert (first.replayed, second.replayed) == (False, True)
    assert first.answer == second.answer


async def test_each_act_waits_for_the_one_before(trading: Trading) -> None:
    deal_id = await funded(trading)

    with pytest.raises(WrongState):
        await deliver(trading, deal_id, 100)
    with pytest.raises(WrongState):
        await accept(trading, deal_id, 100)
    with pytest.raises(WrongState):
        await invoice(trading, deal_id)
    with pytest.raises(WrongState):
        await give_back(trading, deal_id, 1)
    with pytest.raises(WrongState):
        await act(funding.fund, trading, "factory", "finance", deal_id)


async def test_an_unfunded_call_is_refused_with_figures(trading: Trading) -> None:
    await trading.give("factory", 10_000_000)
    deal_id = await trading.form()

    with pytest.raises(InsufficientFunds) as refusal:
        await act(funding.fund, trading, "factory", "finance", deal_id)

    deal = await store.load(Pool(), deal_id)
    assert refusal.value.required_minor == deal.call_minor
    assert refusal.value.available_minor == 10_000_000 - deal.deposit_minor


async def test_strangers_find_no_deal_and_sides_are_not_swapped(trading: Trading) -> None:
    deal_id = await funded(trading)

    with pytest.raises(NotFound):
        await act(shipping.ship, trading, "rival", "seller", deal_id, lots=1, carrier="Rail")
    with pytest.raises(NotFound):
        await act(funding.fund, trading, "bakery", "finance", deal_id)
    with pytest.raises(NotAllowed):
        await act(shipping.ship, trading, "factory", "logistics", deal_id, lots=1, carrier="Rail")
    with pytest.raises(NotAllowed):
        await act(funding.fund, trading, "factory", "buyer", deal_id)
    with pytest.raises(NotFound):
        await act(funding.fund, trading, "factory", "finance", "deal_unknown")
    assert await Pool().rows("select 1 from stream_head where stream = 'deal:deal_unknown'") == []


async def test_no_more_is_delivered_or_accepted_than_before(trading: Trading) -> None:
    deal_id = await funded(trading)

    with pytest.raises(InvalidField):
        await act(shipping.ship, trading, "mill", "seller", deal_id, lots=101, carrier="Rail")
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=90, carrier="Rail")
    with pytest.raises(InvalidField):
        await deliver(trading, deal_id, 91)
    await deliver(trading, deal_id, 80)
    with pytest.raises(InvalidField):
        await accept(trading, deal_id, 81)


async def test_ringing_twice_changes_nothing(trading: Trading) -> None:
    deal_id = await funded(trading)
    deal = await store.load(Pool(), deal_id)
    await trading.at(deal.ship_due_at)
    before = await accounts()

    for ring in ("deals.formed", "deals.funded", "deals.shipping", "deals.delivered"):
        await ON_TIMER[ring](trading.market, deal_id)
    await ring_due(trading.market, ON_TIMER)

    assert await accounts() == before
