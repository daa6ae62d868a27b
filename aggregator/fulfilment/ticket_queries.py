"""Reading tickets: those of a deal for its parties, and the open ones for the market's desk."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals.queries import DEAL_ON_DESK, PARTIES, OnDesk
from aggregator.deals.store import Deal
from aggregator.fulfilment import ticket_rows
from aggregator.fulfilment.desks import is_at
from aggregator.fulfilment.ticket_rows import (
    MARKET,
    OPEN,
    SILENT,
    WAITING,
    DeskState,
    TicketState,
)
from aggregator.fulfilment.tickets import DECIDE
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor

MAX_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskView(DeskState):
    """One desk and its clock; `is_mine` when the asker may answer for it."""

    is_mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView(TicketState):
    """A ticket for a party of its deal."""

    ticket_id: str
    desks: tuple[DeskView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOnDesk(OnDesk):
    """An open ticket as the operator sees it, with what every desk has said."""

    ticket_id: str
    opened_by: str
    matter: str
    is_settled: bool
    desks: tuple[DeskView, ...]


async def tickets(reader: Reader, deal: Deal, actor: Actor) -> list[TicketView]:
    """Return the tickets of a deal for one of its parties, the earliest first."""
    found = []
    for ticket in await ticket_rows.tickets_of(reader, deal.id):
        desks = []
        for desk in await ticket_rows.desks_of(reader, ticket.id):
            may = ticket.state == OPEN and desk.state in (WAITING, SILENT)
            is_mine = may and is_at(actor, deal, ticket, desk.desk)
            desks.append(_desk(desk, is_mine=is_mine))
        told = {name: getattr(ticket, name) for name in TicketState.__dataclass_fields__}
        found.append(TicketView(ticket_id=ticket.id, desks=tuple(desks), **told))
    return found


async def waiting(actor: Actor, reader: Reader | None = None) -> list[TicketOnDesk]:
    """Return the open tickets, those first whose time is over first."""
    actor.require(DECIDE)
    source = reader or Pool()
    rows = await source.rows(
        f"select {DEAL_ON_DESK}, t.id as ticket_id,"
        " case when t.opened_by = d.buyer_id then 'buyer' else 'seller' end as opened_by,"
        " t.matter, t.lots, t.reason, d.settled_at is not null as is_settled, k.due_at"
        " from ticket t join ticket_desk k on k.ticket_id = t.id and k.desk = $1"
        f" join deal d on d.id = t.deal_id {PARTIES}"
        " where t.state = 'open' order by k.due_at, t.id limit $2",
        MARKET,
        MAX_ROWS,
    )
    found = []
    for row in rows:
        desks = tuple(
            _desk(one, is_mine=one.desk == MARKET)
            for one in await ticket_rows.desks_of(source, row["ticket_id"])
        )
        found.append(TicketOnDesk(**dict(row), desks=desks))
    return found


def _desk(desk: DeskState, *, is_mine: bool) -> DeskView:
    told = {name: getattr(desk, name) for name in DeskState.__dataclass_fields__}
    return DeskView(is_mine=is_mine, **told)
