"""What others may learn about the goods of a deal."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class GoodsShipped:
    deal_id: str
    buyer_id: str
    seller_id: str
    lots: int


@fact
class GoodsDelivered:
    """The goods are where they were promised; the buyer has until `accept_by` to speak."""

    deal_id: str
    buyer_id: str
    seller_id: str
    lots: int
    accept_by: datetime


@fact
class GoodsAccepted:
    """`by`: the buyer, his silence, or the operator who decided a dispute."""

    deal_id: str
    buyer_id: str
    seller_id: str
    lots: int
    ordered_lots: int
    is_within_tolerance: bool
    by: str
    refunded_minor: int


@fact
class TitlePassed:
    """The lots became the property of `to_id`."""

    deal_id: str
    from_id: str
    to_id: str
    lots: int


@fact
class LaneAtRisk:
    """Most of a lane's time has passed and the goods are not there; it ends at `due_at`."""

    deal_id: str
    buyer_id: str
    seller_id: str
    due_at: datetime


@fact
class DealReviewed:
    """A side has marked the other; the marks stay out of the journal of both."""

    deal_id: str
    side: str


@fact
class PhotographAdded:
    """A party added a photograph at a step of the deal; its hash stays in the journal."""

    photograph_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    added_by: str
    step: str
    sha256: str


@fact
class TicketOpened:
    """A party has a matter with a deal; `lots` of it are in dispute, and all `desks` know."""

    ticket_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    opened_by: str
    matter: str
    lots: int
    desks: tuple[str, ...]


@fact
class DeskAnswered:
    ticket_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    desk: str


@fact
class DeskSilent:
    """A desk of a ticket let its time run out."""

    ticket_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    desk: str


@fact
class TicketEnded:
    """`fault_lots` of the disputed lots were the seller's failure."""

    ticket_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    matter: str
    state: str
    lots: int
    fault_lots: int
    compensation_minor: int
