"""What the journal keeps of a strip. Quantities and limits stay in rows of their owner."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class StripOpened:
    strip_id: str
    title: str
    instrument_id: str
    region: str
    tenors: tuple[str, ...]
    opens_at: datetime
    closes_at: datetime


@fact
class OrderPlaced:
    """A buyer's order stands; `seq` is its place in the order of arrival."""

    strip_id: str
    order_id: str
    organisation_id: str
    owner_group: str
    seq: int


@fact
class OrderCancelled:
    strip_id: str
    order_id: str
    organisation_id: str


@fact
class StripOfferPlaced:
    """A supplier's sealed offer stands, in place of its earlier one."""

    strip_id: str
    offer_id: str
    organisation_id: str
    seq: int


@fact
class StripCleared:
    """The bundle was cleared: one contract for each supplier, one deal for each line."""

    strip_id: str
    contract_ids: tuple[str, ...]
    seller_ids: tuple[str, ...]
    buyer_ids: tuple[str, ...]
    participant_ids: tuple[str, ...]


@fact
class StripLapsed:
    """Nothing could be bundled; every deposit is free again.

    `reason`: no_orders, no_offers, no_match, not_certified.
    """

    strip_id: str
    reason: str
    participant_ids: tuple[str, ...]


@fact
class StripNotCertified:
    """The checker refused what was computed, so nothing may be awarded; `operators` hear of it."""

    strip_id: str
    title: str
    broken: str
    operators: tuple[str, ...]
