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


@fact
class TalksBegan:
    """The window closed and its rounds begin; `seller_id` is empty on a clock."""

    strip_id: str
    rounds: str
    seller_id: str


@fact
class StripRoundOpened:
    """`by`: clock, bundle or seller. Only a clock's `prices` by tenor are everybody's.

    `terms_sha256` pins the terms, `told` are the firms that may answer them.
    """

    strip_id: str
    number: int
    by: str
    prices: tuple[tuple[str, int], ...]
    terms_sha256: str
    ends_at: datetime
    told: tuple[str, ...]


@fact
class StripRoundEnded:
    """`state`: countered, accepted, expired, or over where the clock moved on."""

    strip_id: str
    number: int
    state: str


@fact
class LotsOffered:
    """A mill said what it delivers at a round's prices."""

    strip_id: str
    number: int
    organisation_id: str
    lots: tuple[tuple[str, int], ...]


@fact
class TermsAsked:
    """Agreed terms would serve an order above its limit; its buyer has until `until`."""

    strip_id: str
    order_id: str
    organisation_id: str
    limit_minor: int
    terms_sha256: str
    until: datetime


@fact
class TermsAnswered:
    """`state`: approved, which raises the order's limit, or declined."""

    strip_id: str
    order_id: str
    organisation_id: str
    state: str


@fact
class StripExtended:
    """Time that the market lost is given back to a window, or to its talks."""

    strip_id: str
    closes_at: datetime
    until: datetime | None
