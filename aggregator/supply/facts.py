"""What others may learn about offers. Breaks are (from lots, price per lot)."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class OfferPublished:
    """A supplier's binding schedule for a cell. One that is not public is seen by no buyer."""

    offer_id: str
    seller_id: str
    owner_group: str
    cell: str
    breaks: tuple[tuple[int, int], ...]
    pack: int
    capacity_lots: int
    is_public: bool
    valid_until: datetime


@fact
class OfferWithdrawn:
    """What was taken of it before stays bound."""

    offer_id: str
    seller_id: str
    cell: str


@fact
class OfferExpired:
    """Its validity is over."""

    offer_id: str
    seller_id: str
    cell: str


@fact
class GroupSet:
    """Who is in a firm's group of counterparties from now on."""

    organisation_id: str
    group_id: str
    members: tuple[str, ...]
