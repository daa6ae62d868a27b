"""What the public learns about prices."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class PricePublished:
    """A cell's value: `number` counts the cell's publications, bands stand for volumes."""

    publication_id: str
    cell: str
    number: int
    value_minor: int
    currency: str
    volume_band: str
    size_band: str
    method: str
    inputs_sha256: str
    at: datetime


@fact
class DealParked:
    """A settled deal that feeds nothing until a person has looked at it."""

    deal_id: str
    reason: str


@fact
class LegExcluded:
    """A published deal of a circle: nothing is restated, the next publication names it."""

    deal_id: str
    circle_id: str


@fact
class DecisionProposed:
    """One person of the operator would release a circle's deals, or leave them out for good."""

    motion_id: str
    deal_id: str
    verdict: str
    reason: str
    person_id: str
    expires_at: datetime
    deals: tuple[str, ...] = ()


@fact
class ParkingDecided:
    """A second person of the operator approved it, and it was done."""

    motion_id: str
    deal_id: str
    verdict: str
    person_id: str


@fact
class BatchFolded:
    """Deals that waited too long in this cell and now wait in the cell of the region above."""

    into: str
    deals: tuple[str, ...]
