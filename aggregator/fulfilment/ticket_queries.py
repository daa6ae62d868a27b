"""Reading tickets: those of a deal for its parties, and the open ones for the market's desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.deals.store import Deal
from aggregator.fulfilment import ticket_rows
from aggregator.fulfilment.desks import is_at
from aggregator.fulfilment.ticket_rows import MARKET, OPEN, SILENT, WAITING, Ticket
from aggregator.fulfilment.tickets import DECIDE
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor

MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class DeskView:
    """One desk and its clock; `is_mine` when the asker may answer for it."""

    desk: str
    due_at: datetime
    state: str
    answer: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket for a party of its deal; `held_minor` of the seller's money waits for its end."""

    ticket_id: str
    matter: str
    opened_by: str
    lots: int
    reason: str
    state: str
    held_minor: int
    fault_lots: int
    compensation_minor: int
    opened_at: datetime
    ended_at: datetime | None
    desks: tuple[DeskView, ...]


@dataclass(frozen=True, slots=True)
class TicketOnDesk:
    """An open ticket as the operator sees it: quantities, reasons and answers, no amounts."""

    ticket_id: str
    deal_id: str
    instrument_id: str
    buyer: str
    seller: str
    opened_by: str
    matter: str
    lots: int
    reason: str
    is_settled: bool
    due_at: datetime
    desks: tuple[DeskView, ...]


async def tickets(reader: Reader, deal: Deal, actor: Actor) -> list[TicketView]:
    """Return the tickets of a deal for one of its parties, the earliest first."""
    found = []
    for ticket in await ticket_rows.tickets_of(reader, deal.id):
        desks = []
        for desk in await ticket_rows.desks_of(reader, ticket.id):
            may = ticket.state == OPEN and desk.state in (WAITING, SILENT)
            is_mine = may and is_at(actor, deal, ticket, desk.desk)
            desks.append(DeskView(desk.desk, desk.due_at, desk.state, desk.answer, is_mine))
        found.append(_view(ticket, tuple(desks)))
    return found


async def waiting(actor: Actor, reader: Reader | None = None) -> list[TicketOnDesk]:
    """Return the open tickets, those first whose time is over first."""
    actor.require(DECIDE)
    source = reader or Pool()
    rows = await source.rows(
        "select t.id as ticket_id, t.deal_id, d.instrument_id, b.name as buyer, s.name as seller,"
        " case when t.opened_by = d.buyer_id then 'buyer' else 'seller' end as opened_by,"
        " t.matter, t.lots, t.reason, d.settled_at is not null as is_settled, k.due_at"
        " from ticket t join ticket_desk k on k.ticket_id = t.id and k.desk = $1"
        " join deal d on d.id = t.deal_id join organisation b on b.id = d.buyer_id"
        " join organisation s on s.id = d.seller_id"
        " where t.state = 'open' order by k.due_at, t.id limit $2",
        MARKET,
        MAX_ROWS,
    )
    found = []
    for row in rows:
        desks = tuple(
            DeskView(one.desk, one.due_at, one.state, one.answer, is_mine=one.desk == MARKET)
            for one in await ticket_rows.desks_of(source, row["ticket_id"])
        )
        found.append(TicketOnDesk(**dict(row), desks=desks))
    return found


def _view(ticket: Ticket, desks: tuple[DeskView, ...]) -> TicketView:
    return TicketView(
        ticket_id=ticket.id,
        matter=ticket.matter,
        opened_by=ticket.opened_by,
        lots=ticket.lots,
        reason=ticket.reason,
        state=ticket.state,
        held_minor=ticket.held_minor,
        fault_lots=ticket.fault_lots,
        compensation_minor=ticket.compensation_minor,
        opened_at=ticket.opened_at,
        ended_at=ticket.ended_at,
        desks=desks,
    )
