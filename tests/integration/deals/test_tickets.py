"""Service tickets: every desk at once, each with its clock, and the disputed part held."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.deals import cancelling, store
from aggregator.errors import (
    Conflict,
    InsufficientFunds,
    InvalidField,
    NotAllowed,
    NotFound,
    WrongState,
)
from aggregator.fulfilment import ticket_queries, ticket_rows, tickets
from aggregator.fulfilment.disputed import price_of
from aggregator.fulfilment.ticket_rows import Ticket
from aggregator.journal.reading import Pool
from aggregator.settlement import payouts
from tests.builders import with_account
from tests.integration.deals.playing import (
    RICH,
    SELLER_PART,
    accounts,
    act,
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


async def opened(trading: Trading, deal_id: str, lots: int, matter: str = "quality") -> str:
    outcome = await act(
        tickets.raise_ticket,
        trading,
        "factory",
        "buyer",
        deal_id,
        matter=matter,
        lots=lots,
        reason="yellow bags in the second wagon",
    )
    return str(outcome.answer["ticket_id"])


async def only_ticket(deal_id: str) -> Ticket:
    (found,) = await ticket_rows.tickets_of(Pool(), deal_id)
    return found


async def states(ticket_id: str) -> dict[str, str]:
    return {desk.desk: desk.state for desk in await ticket_rows.desks_of(Pool(), ticket_id)}


async def priced(deal_id: str) -> tuple[str, int]:
    (row,) = await Pool().rows("select state, lots from price_deal where deal_id = $1", deal_id)
    return row["state"], row["lots"]


async def test_a_ticket_opens_every_desk_and_holds_the_disputed_part(trading: Trading) -> None:
    deal_id = await settled(trading)

    ticket_id = await opened(trading, deal_id, 40)

    now = trading.clock.now()
    desks = {desk.desk: desk.due_at - now for desk in await ticket_rows.desks_of(Pool(), ticket_id)}
    deal = await store.load(Pool(), deal_id)
    assert desks == ticket_rows.DESKS["quality"]
    assert await held() == price_of(deal, 40) == SELLER_PART * 40 // 100
    assert await priced(deal_id) == ("parked", 100)
    with pytest.raises(InsufficientFunds):
        await spend(trading, (await accounts())["cash mill"])
    await is_sound()


async def test_a_ticket_before_settlement_is_held_when_the_money_comes(trading: Trading) -> None:
    deal_id = await funded(trading)
    ticket_id = await opened(trading, deal_id, 40, "delay")
    await to_accepted(trading, deal_id)
    with pytest.raises(WrongState):
        await act(tickets.concede, trading, "mill", "seller", deal_id, ticket_id)
    with pytest.raises(WrongState):
        await act(tickets.decide, trading, "operator", "operator", ticket_id, lots=1)

    await invoice(trading, deal_id)

    assert await held() == SELLER_PART * 40 // 100
    assert await priced(deal_id) == ("parked", 100)
    await act(tickets.concede, trading, "mill", "seller", deal_id, ticket_id)
    ticket = await only_ticket(deal_id)
    assert (ticket.state, ticket.compensation_minor) == ("upheld", SELLER_PART * 40 // 100)
    assert await held() == 0
    assert await priced(deal_id) == ("waiting", 60)
    await is_sound()


async def test_the_market_decides_a_ticket_in_lots(trading: Trading) -> None:
    deal_id = await settled(trading)
    before = await accounts()
    ticket_id = await opened(trading, deal_id, 40)

    with pytest.raises(InvalidField):
        await act(tickets.decide, trading, "operator", "operator", ticket_id, lots=41)
    await act(tickets.decide, trading, "operator", "operator", ticket_id, lots=10)

    paid = SELLER_PART * 10 // 100
    after = await accounts()
    assert after["cash factory"] - before["cash factory"] == paid
    assert before["cash mill"] - after["cash mill"] == paid
    assert await priced(deal_id) == ("waiting", 90)
    assert set((await states(ticket_id)).values()) == {"closed"}
    with pytest.raises(WrongState):
        await act(tickets.withdraw, trading, "factory", "buyer", deal_id, ticket_id)
    await is_sound()


async def test_a_closed_ticket_lets_money_and_price_go(trading: Trading) -> None:
    deal_id = await settled(trading)
    ticket_id = await opened(trading, deal_id, 40)
    with pytest.raises(NotAllowed):
        await act(tickets.withdraw, trading, "mill", "seller", deal_id, ticket_id)

    await act(tickets.withdraw, trading, "factory", "buyer", deal_id, ticket_id)

    assert (await only_ticket(deal_id)).state == "withdrawn"
    assert await held() == 0
    assert await priced(deal_id) == ("waiting", 100)


async def test_each_desk_answers_or_is_silent_by_its_own_clock(trading: Trading) -> None:
    deal_id = await settled(trading)
    ticket_id = await opened(trading, deal_id, 40)
    start = trading.clock.now()

    with pytest.raises(NotAllowed):
        await say(trading, "factory", "buyer", deal_id, ticket_id, "trade")
    with pytest.raises(NotAllowed):
        await say(trading, "mill", "logistics", deal_id, ticket_id, "finance")
    with pytest.raises(NotAllowed):
        await say(trading, "mill", "seller", deal_id, ticket_id, "market")
    with pytest.raises(NotFound):
        await say(trading, "rival", "seller", deal_id, ticket_id, "trade")
    await say(trading, "mill", "seller", deal_id, ticket_id, "trade")
    await trading.at(start + timedelta(days=1))
    after_a_day = await states(ticket_id)
    await say(trading, "mill", "logistics", deal_id, ticket_id, "logistics")
    await trading.at(start + timedelta(days=2))

    waiting = await ticket_queries.waiting(trading.actor("operator", "operator"))
    assert after_a_day["logistics"] == "silent"
    assert await states(ticket_id) == {
        "finance": "silent",
        "logistics": "answered",
        "market": "waiting",
        "trade": "answered",
    }
    assert [(one.ticket_id, one.opened_by) for one in waiting] == [(ticket_id, "buyer")]


async def test_a_market_that_does_not_decide_frees_the_money(trading: Trading) -> None:
    deal_id = await settled(trading)
    await opened(trading, deal_id, 40)

    await trading.at(trading.clock.now() + timedelta(days=14))

    assert (await only_ticket(deal_id)).state == "undecided"
    assert await held() == 0
    assert await priced(deal_id) == ("waiting", 100)
    await is_sound()


async def test_while_money_is_in_escrow_the_market_has_time(trading: Trading) -> None:
    deal_id = await funded(trading)
    ticket_id = await opened(trading, deal_id, 40, "delay")
    opened_at = trading.clock.now()

    await trading.at(opened_at + timedelta(days=7))

    found = {desk.desk: desk.due_at for desk in await ticket_rows.desks_of(Pool(), ticket_id)}
    assert (await only_ticket(deal_id)).state == "open"
    assert found["market"] == opened_at + timedelta(days=14)


async def test_returned_lots_are_paid_back_from_what_was_held(trading: Trading) -> None:
    deal_id = await settled(trading)
    await opened(trading, deal_id, 40)
    spent = (await accounts())["cash mill"] - SELLER_PART * 40 // 100
    await spend(trading, spent)

    await give_back(trading, deal_id, 40)

    (refund,) = await Pool().rows("select state from refund where payer_id is not null")
    assert refund["state"] == "paid"
    assert (await only_ticket(deal_id)).lots == 0
    assert await priced(deal_id) == ("parked", 60)
    await is_sound()


@pytest.mark.parametrize("covered", [20, 30])
async def test_what_goes_back_is_paid_before_what_is_in_dispute_is_held(
    trading: Trading, covered: int
) -> None:
    deal_id = await settled(trading)
    await spend(trading, (await accounts())["cash mill"] - SELLER_PART * covered // 100)
    await opened(trading, deal_id, 40)
    assert (await only_ticket(deal_id)).held_minor == SELLER_PART * covered // 100

    await give_back(trading, deal_id, 20)

    (refund,) = await Pool().rows("select state from refund where payer_id is not null")
    ticket = await only_ticket(deal_id)
    assert refund["state"] == "paid"
    assert (ticket.lots, ticket.held_minor) == (20, SELLER_PART * (covered - 20) // 100)
    await is_sound()


@pytest.mark.parametrize("cash_for", [100, 20])
async def test_no_lot_is_paid_for_twice(trading: Trading, cash_for: int) -> None:
    deal_id = await settled(trading)
    cash = (await accounts())["cash mill"]
    if cash_for < 40:
        await spend(trading, cash - SELLER_PART * cash_for // 100)
    ticket_id = await opened(trading, deal_id, 40)
    await act(tickets.concede, trading, "mill", "seller", deal_id, ticket_id)
    left = 100 - min(cash_for, 40)

    with pytest.raises(InvalidField, match=str(left)):
        await opened(trading, deal_id, left + 1)
    with pytest.raises(InvalidField, match=str(left)):
        await give_back(trading, deal_id, left + 1)
    await give_back(trading, deal_id, left)

    with pytest.raises((InvalidField, Conflict)):
        await give_back(trading, deal_id, 1)
    await is_sound()


async def test_no_more_than_the_seller_has_is_held(trading: Trading) -> None:
    deal_id = await settled(trading)
    left = 1_000
    spent = (await accounts())["cash mill"] - left
    await spend(trading, spent)

    await opened(trading, deal_id, 100)

    assert (await only_ticket(deal_id)).held_minor == left
    await is_sound()


async def test_a_ticket_ends_with_a_deal_that_is_called_off(trading: Trading) -> None:
    deal_id = await funded(trading)
    await opened(trading, deal_id, 40, "delay")

    await act(cancelling.cancel, trading, "factory", "buyer", deal_id)
    await act(cancelling.cancel, trading, "mill", "seller", deal_id)

    assert (await only_ticket(deal_id)).state == "over"
    assert (await accounts())["cash factory"] == RICH


async def test_what_cannot_be_in_dispute_is_refused(trading: Trading) -> None:
    deal_id = await settled(trading)
    await opened(trading, deal_id, 60)

    with pytest.raises(Conflict):
        await opened(trading, deal_id, 1)
    with pytest.raises(InvalidField):
        await opened(trading, deal_id, 41, "damage")
    with pytest.raises(InvalidField):
        await opened(trading, deal_id, 1, "weather")
    with pytest.raises(InvalidField):
        await act(
            tickets.raise_ticket,
            trading,
            "mill",
            "seller",
            deal_id,
            matter="payment",
            lots=1,
            reason="the seller disputes no lots",
        )
    with pytest.raises(NotFound):
        await act(
            tickets.raise_ticket,
            trading,
            "rival",
            "seller",
            deal_id,
            matter="payment",
            lots=0,
            reason="not my deal",
        )
    trading.clock.set(trading.clock.now() + timedelta(days=30))
    with pytest.raises(Conflict):
        await opened(trading, deal_id, 1, "damage")


async def say(
    trading: Trading, name: str, role: str, deal_id: str, ticket_id: str, desk: str
) -> None:
    await act(
        tickets.answer, trading, name, role, deal_id, ticket_id, desk=desk, text="we look into it"
    )


async def spend(trading: Trading, amount_minor: int) -> None:
    """Let the mill's finance order a payment out of its cash."""
    number = await with_account(trading.id_of("mill"))
    await act(
        payouts.order,
        trading,
        "mill",
        "finance",
        amount_minor=amount_minor,
        currency="CNY",
        payee_account=number,
    )


async def test_lots_at_fault_are_paid_as_far_as_anything_is_held(trading: Trading) -> None:
    deal_id = await settled(trading)
    ten_minor = price_of(await store.load(Pool(), deal_id), 10)
    await spend(trading, (await accounts())["cash mill"] - ten_minor)
    ticket_id = await opened(trading, deal_id, 40)

    await act(tickets.decide, trading, "operator", "operator", ticket_id, lots=10)

    assert (await only_ticket(deal_id)).compensation_minor == ten_minor
    await is_sound()
