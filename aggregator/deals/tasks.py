"""What a deal waits for: which act, of which side, until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.deals import stages
from aggregator.deals.store import Deal
from aggregator.market import Actor

BUYER, SELLER = "buyer", "seller"
_NEXT: Mapping[str, tuple[str, str]] = {
    stages.FORMED: ("deals.fund", BUYER),
    stages.FUNDED: ("fulfilment.ship", SELLER),
    stages.SHIPPING: ("fulfilment.deliver", SELLER),
    stages.DELIVERED: ("fulfilment.accept", BUYER),
    stages.ACCEPTED: ("invoices.issue", SELLER),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One act that a deal waits for; `is_mine` when the asker himself may carry it out."""

    act: str
    side: str
    due_at: datetime | None
    is_mine: bool


def side_of(deal: Deal, actor: Actor) -> str:
    return BUYER if actor.organisation_id == deal.buyer_id else SELLER


def tasks(deal: Deal, actor: Actor) -> list[Task]:
    """Return what the deal waits for, the actor's consent to a cancellation included."""
    side = side_of(deal, actor)
    found = []
    if deal.state in _NEXT:
        act, whose = _NEXT[deal.state]
        is_mine = whose == side and act in actor.grants
        found.append(Task(act, whose, deal.due_at, is_mine))
    is_asked = deal.cancel_wanted_by not in (None, actor.organisation_id)
    if is_asked and deal.state in (stages.FORMED, stages.FUNDED):
        found.append(Task("deals.cancel", side, None, "deals.cancel" in actor.grants))
    return found
