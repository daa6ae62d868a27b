"""What the answers about service look like: tickets with their desks, photographs."""

from __future__ import annotations

from web.api.fields import Answers, Money


class DeskAnswer(Answers):
    """One desk of a ticket and its clock; `is_mine` when one may answer for it."""

    desk: str
    due_at: str
    state: str
    answer: str
    is_mine: bool


class TicketAnswer(Answers):
    """A ticket of a deal; `held` of the seller's money waits for its end."""

    ticket_id: str
    matter: str
    opened_by: str
    lots: int
    reason: str
    state: str
    held: Money
    fault_lots: int
    compensation: Money
    opened_at: str
    ended_at: str | None
    desks: list[DeskAnswer]


class TicketMoved(Answers):
    """A ticket after an act; `desks` says until when each has time."""

    ticket_id: str
    deal_id: str
    matter: str
    state: str
    lots: int
    fault_lots: int
    desks: dict[str, str]


class TicketOnDesk(Answers):
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
    due_at: str
    desks: list[DeskAnswer]


class TicketsOnDesk(Answers):
    tickets: list[TicketOnDesk]


class TicketDecided(Answers):
    ticket_id: str
    deal_id: str
    lots: int


class PhotographAnswer(Answers):
    """A photograph of a deal; its bytes are at `/deals/…/photographs/…`."""

    photograph_id: str
    added_by: str
    step: str
    width: int
    height: int
    sha256: str
    added_at: str


class PhotographAdded(Answers):
    photograph_id: str
    deal_id: str
    step: str
    sha256: str
