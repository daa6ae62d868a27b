"""The outage rule for deals: nobody defaults, and no silence counts, because the market was away.

Who had until some instant in the outage, or soon after it, to pay, ship, deliver, accept, decide,
complete a deposit, agree to a cancellation, return lots or answer a claim, has at least the lost
time and 60 seconds left after it, and never less than 2 minutes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial

from aggregator.deals import claims, stages, store
from aggregator.deals.facts import DEPOSIT, DealExtended
from aggregator.deals.store import Deal
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.outages import left_after
from aggregator.scheduler.timers import set_timer
from aggregator.settlement import calls

ACT = "deals.extend"
Move = Callable[[Unit, Deal, datetime, datetime], Awaitable[Iterable[str]]]
"""Moves a deal's deadlines between two instants to the second; returns which."""

_HIT = (
    "select id from deal where due_at > $1 and due_at < $2"
    " or cancel_until > $1 and cancel_until < $2"
    " or performance_due_at > $1 and performance_due_at < $2"
    " or state = 'settled' and return_until > $1 and return_until < $2"
    " union select deal_id from deal_claim where due_at > $1 and due_at < $2 order by 1"
)


async def after_outage(market: Market, began_at: datetime, ended_at: datetime) -> None:
    """Move every deadline of a deal that lay in [began_at, ended_at) or too soon after it.

    Silences of up to 2 s, and an outage told twice, change nothing.
    """
    await move_each(market, began_at, ended_at, act=ACT, hit=_HIT, move=_move)


async def move_each(
    market: Market, began_at: datetime, ended_at: datetime, *, act: str, hit: str, move: Move
) -> None:
    """Move what an outage hit of each deal, and tell its parties what was moved.

    `hit` selects the ids of the deals with a deadline after $1 and before $2.
    """
    left = left_after(began_at, ended_at)
    if not left:
        return
    until = ended_at + left
    for row in await Pool().rows(hit, began_at, until):
        stream = store.stream_of(row["id"])
        step = partial(_moved, row["id"], move, began_at, until)
        await market.perform(Actor.SYSTEM, act, step, stream=stream)


async def _moved(
    deal_id: str, move: Move, began_at: datetime, until: datetime, unit: Unit
) -> Answer:
    deal = await store.locked(unit, deal_id)
    facts = [
        DealExtended(deal.id, deal.buyer_id, deal.seller_id, what, until)
        for what in await move(unit, deal, began_at, until)
    ]
    if facts:
        await unit.record(store.stream_of(deal.id), *facts)
    return {}


async def _move(unit: Unit, deal: Deal, began_at: datetime, until: datetime) -> list[str]:
    def is_hit(due_at: datetime | None) -> bool:
        return due_at is not None and began_at < due_at < until

    moved = []
    if is_hit(deal.due_at):
        moved.append(deal.state)
        deal = await stages.postpone(unit, deal, until)
        if deal.state == stages.FORMED:
            await calls.move_due(unit, deal.call_reference, until)
    if is_hit(deal.cancel_until):
        moved.append("proposal")
        await set_timer(unit, stages.PROPOSAL, deal.id, until)
        await stages.annotate(unit, deal, cancel_until=until)
    if is_hit(deal.performance_due_at):
        moved.append(DEPOSIT)
        await set_timer(unit, stages.PERFORMANCE, deal.id, until)
        await stages.annotate(unit, deal, performance_due_at=until)
    if deal.state == stages.SETTLED and is_hit(deal.return_until):
        moved.append("return")
        await stages.annotate(unit, deal, return_until=until)
    return moved + await _claims(unit, deal, began_at, until)


async def _claims(unit: Unit, deal: Deal, began_at: datetime, until: datetime) -> list[str]:
    """Move the deadlines of claims; return which were moved."""
    answered = await unit.rows(
        "update deal_claim set due_at = $3 where deal_id = $4 and due_at > $1 and due_at < $2"
        " returning id",
        began_at,
        until,
        until,
        deal.id,
    )
    for row in answered:
        await set_timer(unit, claims.TIMER, row["id"], until)
    return ["claim"] * len(answered)
