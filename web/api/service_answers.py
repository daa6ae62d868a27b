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


class TicketSaid(Answers):
    """What a ticket is about, and its desks."""

    ticket_id: str
    matter: str
    opened_by: str
    lots: int
    reason: str
    desks: list[DeskAnswer]


class TicketAnswer(TicketSaid):
    """A ticket of a deal; `held` of the seller's money waits for its end."""

    state: str
    held: Money
    fault_lots: int
    compensation: Money
    opened_at: str
    ended_at: str | None


class TicketMoved(Answers):
    """A ticket after an act; `desks` says until when each has time."""

    ticket_id: str
    deal_id: str
    matter: str
    state: str
    lots: int
    fault_lots: int
    desks: dict[str, str]


class TicketOnDesk(TicketSaid):
    deal_id: str
    instrument_id: str
    buyer: str
    buyer_en: str
    seller: str
    seller_en: str
    is_settled: bool
    due_at: str


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


class LaneRunAnswer(Answers):
    """A shipment on its lane: warned of from `warn_at`, late from `due_at`."""

    from_region: str
    to_region: str
    started_at: str
    warn_at: str
    due_at: str
    warned_at: str | None
    arrived_at: str | None


class LanePublished(Answers):
    from_region: str
    to_region: str
    transit_hours: int


class ServiceLevelAnswer(LanePublished):
    """How a lane was kept by one's own shipments; the operator counts everybody's."""

    arrived: int
    in_time: int
    on_the_way: int
    at_risk: int


class ServiceLevels(Answers):
    lanes: list[ServiceLevelAnswer]


class Reviewed(Answers):
    deal_id: str
    side: str
    axes: int


class AxisAnswer(Answers):
    """A firm's mean mark on one axis in tenths, over so many owner groups."""

    axis: str
    groups: int
    mark_tenths: int


class Standing(Answers):
    organisation_id: str
    axes: list[AxisAnswer]
