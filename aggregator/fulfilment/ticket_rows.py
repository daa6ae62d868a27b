"""Service tickets as rows: which desks a matter concerns, and what each has said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.journal.reading import Reader

QUALITY, QUANTITY, DAMAGE = "quality", "quantity", "damage"
DELAY, DOCUMENTS, PAYMENT = "delay", "documents", "payment"
TRADE, LOGISTICS, FINANCE, MARKET = "trade", "logistics", "finance", "market"

_GOODS: Mapping[str, timedelta] = {
    TRADE: timedelta(days=2),
    LOGISTICS: timedelta(days=1),
    FINANCE: timedelta(days=2),
    MARKET: timedelta(days=14),
}
DESKS: Mapping[str, Mapping[str, timedelta]] = {
    QUALITY: _GOODS,
    QUANTITY: _GOODS,
    DAMAGE: {**_GOODS, LOGISTICS: timedelta(hours=12)},
    DELAY: {
        TRADE: timedelta(days=1),
        LOGISTICS: timedelta(hours=8),
        MARKET: timedelta(days=7),
    },
    DOCUMENTS: {TRADE: timedelta(days=2), FINANCE: timedelta(days=2), MARKET: timedelta(days=7)},
    PAYMENT: {FINANCE: timedelta(days=1), MARKET: timedelta(days=7)},
}
"""Each matter's desks, all opened at once, and the time that each has."""

OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
WITHDRAWN, UNDECIDED, OVER = "withdrawn", "undecided", "over"
WAITING, ANSWERED, SILENT, CLOSED = "waiting", "answered", "silent", "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketState:
    """What both parties see of a ticket; `held_minor` of the seller's money waits for its end."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket(TicketState):
    """A ticket as it stands in its row."""

    id: str
    deal_id: str
    hold_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskState:
    """One desk of a ticket and its clock."""

    desk: str
    due_at: datetime
    state: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(DeskState):
    ended_at: datetime | None


COLUMNS = ", ".join(Ticket.__dataclass_fields__)
_DESK_COLUMNS = ", ".join(Desk.__dataclass_fields__)


async def tickets_of(reader: Reader, deal_id: str) -> list[Ticket]:
    """Return the tickets of a deal, the earliest first."""
    found = await reader.rows(
        f"select {COLUMNS} from ticket where deal_id = $1 order by opened_at, id", deal_id
    )
    return [Ticket(**dict(row)) for row in found]


async def open_tickets(reader: Reader, deal_id: str) -> list[Ticket]:
    return [ticket for ticket in await tickets_of(reader, deal_id) if ticket.state == OPEN]


async def desks_of(reader: Reader, ticket_id: str) -> list[Desk]:
    """Return the desks of a ticket, in the order of their clocks."""
    found = await reader.rows(
        f"select {_DESK_COLUMNS} from ticket_desk where ticket_id = $1 order by due_at, desk",
        ticket_id,
    )
    return [Desk(**dict(row)) for row in found]


async def deal_of(reader: Reader, ticket_id: str) -> str | None:
    found = await reader.rows("select deal_id from ticket where id = $1", ticket_id)
    return str(found[0]["deal_id"]) if found else None
