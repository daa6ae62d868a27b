from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aggregator.deals import cancelling, funding, store
from aggregator.errors import InsufficientFunds, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.fulfilment import accepting, delivering, returning, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.fulfilment.returning import GoodsReturn, ReturnWindowOver
from aggregator.invoices import issuing, queries
from aggregator.journal.reading import Pool, entries
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Outcome
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

# 100 t at 4950.00, freight 123.45, 13 % tax, fee 0.3 % with 6 % tax on it.
GOODS, FREIGHT, TAX, FEE, SERVICE_TAX = 49_500_000, 1_234_500, 6_595_485, 148_500, 8_910
TOTAL = GOODS + FREIGHT + TAX + FEE + SERVICE_TAX
SELLER_PART = GOODS + FREIGHT + TAX
RICH = 100_000_000


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
    assert found["cash factory"] == RICH - 80 * TOTAL // 100
    assert found["cash mill"] == RICH + 80 * SELLER_PART // 100
    await is_sound()


async def test_a_quantity_within_tolerance_is_no_shortfall(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    accepted = await accept(trading, deal_id, 99, measured={"quality": "150 IU, dry"})

    assert accepted.answer["is_within_tolerance"] is True
    assert (await store.load(Pool(), deal_id)).note == ""


async def test_silence_accepts_what_was_delivered(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)

    await trading.at(trading.clock.now() + timedelta(days=3))

    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.accepted_lots) == ("accepted", 100)


async def test_a_wet_lot_goes_back_with_its_share_of_everything(trading: Trading) -> None:
    deal_id = await settled(trading)
    before = await accounts()

    await give_back(trading, deal_id, 1)

    after = await accounts()
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    # 1 t: 4950.00 + 123.45 and its tax 659.55 (6595485 of 100 t less that of 99 t).
    assert moved == {
        "cash factory": 495_000 + 12_345 + 65_955 + 1_485 + 89,
        "cash mill": -(495_000 + 12_345 + 65_955),
        "fees": -1_485,
        "tax": -89,
    }
    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.note, deal.returned_lots) == ("settled", "returned", 1)
    documents = await queries.documents(trading.actor("factory", "buyer"), deal_id)
    assert [(d.kind, d.issuer == "platform", d.number, d.refund) for d in documents] == [
        ("invoice", False, 1, None),
        ("invoice", True, 1, None),
        ("credit_note", False, 1, "paid"),
        ("credit_note", True, 1, "paid"),
    ]
    await is_sound()


async def test_credit_notes_of_many_returns_sum_to_the_invoice(trading: Trading) -> None:
    deal_id = await settled(trading)

    for lots in (1, 2, 3, 33, 61):
        await give_back(trading, deal_id, lots)

    documents = await queries.documents(trading.actor("mill", "finance"), deal_id)
    for issuer, total in ((trading.id_of("mill"), SELLER_PART), ("platform", FEE + SERVICE_TAX)):
        mine = [d for d in documents if d.issuer == issuer]
        assert [d.total_minor for d in mine if d.kind == "invoice"] == [total]
        assert sum(d.total_minor for d in mine if d.kind == "credit_note") == total
        assert [d.number for d in mine if d.kind == "credit_note"] == [1, 2, 3, 4, 5]
    assert (await accounts())["cash factory"] == RICH
    assert (await store.load(Pool(), deal_id)).state == "returned"
    await is_sound()


async def test_unwanted_lots_go_back_without_freight_and_fee(trading: Trading) -> None:
    deal_id = await settled(trading)
    before = (await accounts())["cash factory"]

    await give_back(trading, deal_id, 10, reason="unwanted")

    assert (await accounts())["cash factory"] - before == 4_950_000 + 643_500


async def test_more_than_was_accepted_cannot_go_back(trading: Trading) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 60)

    with pytest.raises(InvalidField) as refusal:
        await give_back(trading, deal_id, 41)

    assert refusal.value.figures() == {"pointer": "/lots", "rule": "at_most", "figure": 40}


async def test_a_return_of_a_return_is_refused(trading: Trading) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 100)

    with pytest.raises(WrongState):
        await give_back(trading, deal_id, 1)
    wanted = GoodsReturn(1, "wet", "photo")
    with pytest.raises(NotAllowed):
        await act(returning.return_lots, trading, "mill", "logistics", deal_id, wanted)


async def test_nothing_goes_back_after_the_window(trading: Trading) -> None:
    deal_id = await settled(trading)
    trading.clock.advance(timedelta(days=30))

    with pytest.raises(ReturnWindowOver):
        await give_back(trading, deal_id, 1)


async def test_a_refund_waits_until_the_seller_has_cash(trading: Trading) -> None:
    deal_id = await settled(trading)
    everything = (await accounts())["cash mill"]
    await trading.give("mill", -everything)
    before = (await accounts())["cash factory"]

    await give_back(trading, deal_id, 1)
    assert (await accounts())["cash factory"] - before == 1_485 + 89
    await trading.give("mill", 10_000_000)
    await trading.at(trading.clock.now() + timedelta(days=1))

    assert (await accounts())["cash factory"] - before == 495_000 + 12_345 + 65_955 + 1_485 + 89
    await is_sound()


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


async def funded(trading: Trading) -> str:
    """Return a paid deal of 100 t between a factory and a mill with money."""
    await trading.give("factory", RICH)
    await trading.give("mill", RICH)
    deal_id = await trading.form()
    await act(funding.fund, trading, "factory", "finance", deal_id)
    return deal_id


async def settled(trading: Trading) -> str:
    deal_id = await funded(trading)
    await to_accepted(trading, deal_id)
    await invoice(trading, deal_id)
    return deal_id


async def to_accepted(trading: Trading, deal_id: str) -> None:
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await accept(trading, deal_id, 100)


async def deliver(trading: Trading, deal_id: str, lots: int) -> Outcome:
    receipt = Receipt(lots, "Nanning warehouse 3", "WB-0001", lots * 1000)
    return await act(delivering.deliver, trading, "mill", "logistics", deal_id, receipt)


async def accept(trading: Trading, deal_id: str, lots: int, **more: Any) -> Outcome:
    return await act(accepting.accept, trading, "factory", "logistics", deal_id, lots=lots, **more)


async def invoice(trading: Trading, deal_id: str) -> Outcome:
    return await act(issuing.issue, trading, "mill", "seller", deal_id)


async def give_back(trading: Trading, deal_id: str, lots: int, reason: str = "wet") -> Outcome:
    wanted = GoodsReturn(lots, reason, "photo 7: wet bags")
    return await act(returning.return_lots, trading, "factory", "logistics", deal_id, wanted)


async def act(
    use_case: Callable[..., Awaitable[Outcome]],
    trading: Trading,
    name: str,
    role: str,
    *args: Any,
    **more: Any,
) -> Outcome:
    actor: Actor = trading.actor(name, role)
    return await use_case(trading.market, actor, trading.command(), *args, **more)


async def accounts() -> dict[str, int]:
    """Return every balance by purpose, cash by its owner's name as well; escrows summed."""
    found: dict[str, int] = {}
    for row in await Pool().rows(
        "select a.purpose, o.name, a.balance_minor from account a"
        " left join organisation o on o.id = a.organisation_id order by a.id"
    ):
        name = row["purpose"] + (f" {row['name'].split()[0]}" if row["name"] else "")
        found[name] = found.get(name, 0) + row["balance_minor"]
    return found


async def held() -> int:
    (row,) = await Pool().rows("select coalesce(sum(held_minor), 0)::bigint as n from account")
    return int(row["n"])


async def is_sound() -> None:
    assert (await verify()).differences == ()
