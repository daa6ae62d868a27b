"""The desks of a ticket: opened all at once, each ended by its answer or by its silence."""

from __future__ import annotations

from datetime import datetime

from aggregator.deals.store import Deal
from aggregator.errors import NotFound, WrongState
from aggregator.fulfilment.ticket_rows import (
    CLOSED,
    DESKS,
    MARKET,
    SILENT,
    TRADE,
    WAITING,
    Desk,
    Ticket,
    desks_of,
)
from aggregator.market import Actor, Unit
from aggregator.scheduler.terms import is_over
from aggregator.scheduler.timers import clear_timer, set_timer

TIMER = "fulfilment.desk"


async def open_all(unit: Unit, ticket_id: str, matter: str) -> None:
    """Open every desk that a matter concerns and start its clock."""
    for desk, time in DESKS[matter].items():
        due_at = unit.now + time
        await unit.execute(
            "insert into ticket_desk (ticket_id, desk, due_at, state) values ($1, $2, $3, $4)",
            ticket_id,
            desk,
            due_at,
            WAITING,
        )
        await set_timer(unit, TIMER, _key(ticket_id, desk), due_at)


async def end(unit: Unit, ticket_id: str, desk: str, state: str, said: str) -> None:
    """End a desk; one that was silent may still answer.

    Raises:
        NotFound: the matter does not concern this desk.
        WrongState: it has answered.

    """
    found = await _desk(unit, ticket_id, desk)
    if found.state not in (WAITING, SILENT):
        raise WrongState(found.state, WAITING)
    await unit.execute(
        "update ticket_desk set state = $3, answer = $4, ended_at = $5"
        " where ticket_id = $1 and desk = $2",
        ticket_id,
        desk,
        state,
        said,
        unit.now,
    )
    await clear_timer(unit, TIMER, _key(ticket_id, desk))


async def close_all(unit: Unit, ticket_id: str) -> None:
    """Close the desks that nobody needs any more."""
    for desk in await desks_of(unit, ticket_id):
        if desk.state == WAITING:
            await end(unit, ticket_id, desk.desk, CLOSED, "")


async def wait_until(unit: Unit, ticket_id: str, desk: str, due_at: datetime) -> None:
    """Let a desk that is waited for answer until a later instant."""
    await unit.execute(
        "update ticket_desk set due_at = $3 where ticket_id = $1 and desk = $2",
        ticket_id,
        desk,
        due_at,
    )
    await set_timer(unit, TIMER, _key(ticket_id, desk), due_at)


async def is_due(unit: Unit, ticket_id: str, desk: str) -> bool:
    """Tell whether a desk has let its time run out."""
    return is_over(unit, await due_at(unit, ticket_id, desk))


async def due_at(unit: Unit, ticket_id: str, desk: str) -> datetime | None:
    """Return until when a desk is waited for; None for one that has ended."""
    found = await _desk(unit, ticket_id, desk)
    return found.due_at if found.state == WAITING else None


def is_at(actor: Actor, deal: Deal, ticket: Ticket, desk: str) -> bool:
    """Tell whether the actor sits at a desk of the side that the ticket asks.

    Trade sits at every desk of its side: not every firm has people for each.
    """
    if desk == MARKET or ticket.opened_by == actor.organisation_id:
        return False
    trade = "seller" if actor.organisation_id == deal.seller_id else "buyer"
    return bool({trade, trade if desk == TRADE else desk} & actor.roles)


async def _desk(unit: Unit, ticket_id: str, desk: str) -> Desk:
    for found in await desks_of(unit, ticket_id):
        if found.desk == desk:
            return found
    raise NotFound("desk")


def _key(ticket_id: str, desk: str) -> str:
    return f"{ticket_id}:{desk}"
