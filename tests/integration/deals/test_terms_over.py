"""A term that ends at an instant is over then for everybody, however late its timer rings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.clock import SimulatedClock
from aggregator.deals import answering, cancelling, claims, funding, reducing, store
from aggregator.deals.store import Deal
from aggregator.errors import TermOver
from aggregator.fulfilment import accepting, returning, shipping, ticket_rows, tickets
from aggregator.fulfilment.facts import DeskAnswered, DeskSilent
from aggregator.fulfilment.returning import GoodsReturn, ReturnWindowOver
from aggregator.journal.reading import Pool, entries
from aggregator.market import Actor, Outcome, Unit
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.integration.deals.playing import (
    RICH,
    accept,
    act,
    deliver,
    funded,
    is_sound,
    settled,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

INSTANT = timedelta(milliseconds=1)
Act = Callable[[], Awaitable[Outcome]]
Case = Callable[["Trading"], Awaitable[tuple[datetime, Act]]]


def due(at: datetime | None) -> datetime:
    assert at is not None
    return at


async def deal_of(deal_id: str) -> Deal:
    return await store.load(Pool(), deal_id)


async def formed(trading: Trading, seller_minor: int = RICH) -> Deal:
    await trading.give("factory", RICH)
    if seller_minor:
        await trading.give("mill", seller_minor)
    return await deal_of(await trading.form())


async def shipped(trading: Trading) -> Deal:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    return await deal_of(deal_id)


async def delivered(trading: Trading) -> Deal:
    deal = await shipped(trading)
    await deliver(trading, deal.id, 100)
    return await deal_of(deal.id)


async def disputed(trading: Trading) -> Deal:
    deal = await delivered(trading)
    await act(accepting.refuse, trading, "factory", "buyer", deal.id, reason="wet")
    return await deal_of(deal.id)


async def claimed(trading: Trading) -> claims.Claim:
    deal = await delivered(trading)
    await accept(trading, deal.id, 60)
    (claim,) = (await claims.claims_of(Pool(), deal.id)).values()
    return claim


async def contested(trading: Trading) -> claims.Claim:
    claim = await claimed(trading)
    await contest(trading, claim)()
    return (await claims.claims_of(Pool(), claim.deal_id))[claim.id]


def contest(trading: Trading, claim: claims.Claim) -> Act:
    named = (claim.deal_id, claim.id)
    return lambda: act(answering.contest, trading, "mill", "seller", *named, reason="dry")


async def ticketed(trading: Trading) -> tuple[str, str, datetime]:
    """Return a settled deal with a ticket, and until when the market may decide it."""
    deal_id = await settled(trading)
    outcome = await ticket_on(trading, deal_id)()
    ticket_id = str(outcome.answer["ticket_id"])
    desks = {one.desk: one.due_at for one in await ticket_rows.desks_of(Pool(), ticket_id)}
    return deal_id, ticket_id, desks["market"]


def ticket_on(trading: Trading, deal_id: str) -> Act:
    said = {"matter": "quality", "lots": 10, "reason": "yellow"}
    return lambda: act(tickets.raise_ticket, trading, "factory", "buyer", deal_id, **said)


async def paying_the_call(trading: Trading) -> tuple[datetime, Act]:
    deal = await formed(trading)
    return due(deal.due_at), lambda: act(funding.fund, trading, "factory", "finance", deal.id)


async def paying_a_part(trading: Trading) -> tuple[datetime, Act]:
    deal = await formed(trading)
    more = {"amount_minor": 5}
    return due(deal.due_at), lambda: act(
        funding.fund, trading, "factory", "finance", deal.id, **more
    )


async def proposing_to_cancel(trading: Trading) -> tuple[datetime, Act]:
    deal = await deal_of(await funded(trading))
    return due(deal.due_at), lambda: act(cancelling.cancel, trading, "mill", "seller", deal.id)


async def consenting_to_cancel(trading: Trading) -> tuple[datetime, Act]:
    deal_id = await funded(trading)
    await act(cancelling.cancel, trading, "mill", "seller", deal_id)
    until = due((await deal_of(deal_id)).cancel_until)
    return until, lambda: act(cancelling.cancel, trading, "factory", "buyer", deal_id)


async def taking_a_proposal_back(trading: Trading) -> tuple[datetime, Act]:
    deal_id = await funded(trading)
    await act(cancelling.cancel, trading, "mill", "seller", deal_id)
    until = due((await deal_of(deal_id)).cancel_until)
    return until, lambda: act(cancelling.withdraw, trading, "mill", "seller", deal_id)


async def completing_a_deposit_by_shipping(trading: Trading) -> tuple[datetime, Act]:
    deal = await formed(trading, seller_minor=0)
    await act(funding.fund, trading, "factory", "finance", deal.id)
    await trading.give("mill", RICH)
    more = {"lots": 100, "carrier": "Rail"}
    return due(deal.performance_due_at), lambda: act(
        shipping.ship, trading, "mill", "seller", deal.id, **more
    )


async def giving_lots_up(trading: Trading) -> tuple[datetime, Act]:
    deal = await deal_of(await funded(trading))

    async def step(unit: Unit) -> dict[str, object]:
        return {"lots": (await reducing.reduce_within(unit, deal.id, 99)).lots}

    return due(deal.due_at), lambda: trading.market.perform(Actor.SYSTEM, "deals.reduce", step)


async def shipping_late(trading: Trading) -> tuple[datetime, Act]:
    deal = await deal_of(await funded(trading))
    more = {"lots": 100, "carrier": "Rail"}
    return due(deal.due_at), lambda: act(shipping.ship, trading, "mill", "seller", deal.id, **more)


async def delivering_late(trading: Trading) -> tuple[datetime, Act]:
    deal = await shipped(trading)
    return due(deal.due_at), lambda: deliver(trading, deal.id, 100)


async def raising_a_ticket_on_goods_that_never_came(trading: Trading) -> tuple[datetime, Act]:
    deal = await shipped(trading)
    return due(deal.due_at), ticket_on(trading, deal.id)


async def accepting_fewer(trading: Trading) -> tuple[datetime, Act]:
    deal = await delivered(trading)
    return due(deal.due_at), lambda: accept(trading, deal.id, 60)


async def refusing_all(trading: Trading) -> tuple[datetime, Act]:
    deal = await delivered(trading)
    return due(deal.due_at), lambda: act(
        accepting.refuse, trading, "factory", "buyer", deal.id, reason="wet"
    )


async def deciding_a_dispute(trading: Trading) -> tuple[datetime, Act]:
    deal = await disputed(trading)
    return due(deal.due_at), lambda: act(
        accepting.resolve, trading, "operator", "operator", deal.id, lots=50
    )


async def contesting_a_claim(trading: Trading) -> tuple[datetime, Act]:
    claim = await claimed(trading)
    return due(claim.due_at), contest(trading, claim)


async def conceding_what_is_contested(trading: Trading) -> tuple[datetime, Act]:
    claim = await contested(trading)
    named = (claim.deal_id, claim.id)
    return due(claim.due_at), lambda: act(answering.concede, trading, "mill", "seller", *named)


async def deciding_a_claim(trading: Trading) -> tuple[datetime, Act]:
    claim = await contested(trading)
    return due(claim.due_at), lambda: act(
        answering.decide, trading, "operator", "operator", claim.id, lots=40
    )


async def conceding_a_ticket(trading: Trading) -> tuple[datetime, Act]:
    deal_id, ticket_id, until = await ticketed(trading)
    return until, lambda: act(tickets.concede, trading, "mill", "seller", deal_id, ticket_id)


async def withdrawing_a_ticket(trading: Trading) -> tuple[datetime, Act]:
    deal_id, ticket_id, until = await ticketed(trading)
    return until, lambda: act(tickets.withdraw, trading, "factory", "buyer", deal_id, ticket_id)


async def deciding_a_ticket(trading: Trading) -> tuple[datetime, Act]:
    _, ticket_id, until = await ticketed(trading)
    return until, lambda: act(tickets.decide, trading, "operator", "operator", ticket_id, lots=5)


async def returning_lots(trading: Trading) -> tuple[datetime, Act]:
    deal = await deal_of(await settled(trading))
    wanted = GoodsReturn(10, "wet", "photo 7")
    until = due(deal.settled_at) + timedelta(days=deal.return_days)
    return until, lambda: act(
        returning.return_lots, trading, "factory", "logistics", deal.id, wanted
    )


@pytest.mark.parametrize(
    "case",
    [
        paying_the_call,
        paying_a_part,
        proposing_to_cancel,
        consenting_to_cancel,
        taking_a_proposal_back,
        completing_a_deposit_by_shipping,
        giving_lots_up,
        shipping_late,
        delivering_late,
        raising_a_ticket_on_goods_that_never_came,
        accepting_fewer,
        refusing_all,
        deciding_a_dispute,
        contesting_a_claim,
        conceding_what_is_contested,
        deciding_a_claim,
        conceding_a_ticket,
        withdrawing_a_ticket,
        deciding_a_ticket,
        returning_lots,
    ],
)
async def test_an_act_counts_until_its_term_ends_and_not_at_that_instant(
    trading: Trading, case: Case
) -> None:
    due_at, late_act = await case(trading)

    trading.clock.set(due_at)
    with pytest.raises((TermOver, ReturnWindowOver)):
        await late_act()
    trading.market.clock = SimulatedClock(due_at - INSTANT)
    await late_act()

    await is_sound()


async def test_a_desk_that_answers_after_its_time_was_silent_first(trading: Trading) -> None:
    deal_id, ticket_id, _ = await ticketed(trading)
    desks = {one.desk: one.due_at for one in await ticket_rows.desks_of(Pool(), ticket_id)}
    trading.clock.set(desks["logistics"])

    said = {"desk": "logistics", "text": "the wagon was dry"}
    await act(tickets.answer, trading, "mill", "logistics", deal_id, ticket_id, **said)
    await ring_due(trading.market, ON_TIMER)

    told = await entries(None, f"deal:{deal_id}")
    assert [type(entry.fact) for entry in told][-2:] == [DeskSilent, DeskAnswered]
