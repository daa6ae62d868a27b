"""What a tier is for: deposit, returns, offers, early sight, own group buys, first place.

The deposit is lower on pledges, on forward orders and on what a firm wins in an auction; the days
are those of what it buys; for whom an offer is kept, its supplier says (`supply`).
How early a group buy is seen, how many of its own a firm opens and who goes first among equals,
`pools` asks here.
Never a price, and never who wins: while bids are made everybody's deposit is the same share.
"""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.reading import Pool, Reader
from aggregator.standing import store
from matching.money import Rounding, scaled
from matching.standing.rulebook import Rulebook, Tier

_WHOLE_BPS = 10_000


async def tier_held(organisation_id: str, now: datetime, reader: Reader | None = None) -> Tier:
    """Return the tier of a firm as the rulebook in force has it."""
    return (await place_held(organisation_id, now, reader))[1]


async def place_held(
    organisation_id: str, now: datetime, reader: Reader | None = None
) -> tuple[int, Tier]:
    """Return the number of a firm's tier, which is its place among equals, and the tier."""
    reader = reader or Pool()
    tiers = (await store.in_force(reader, now)).book.tiers
    number = min((await store.held(reader, organisation_id)).tier, len(tiers) - 1)
    return number, tiers[number]


async def rulebook(now: datetime, reader: Reader) -> Rulebook:
    """Return the rulebook in force."""
    return (await store.in_force(reader, now)).book


async def deposit_off(organisation_id: str, now: datetime, reader: Reader | None = None) -> int:
    """Return how much less a firm's deposit is, in 1/10,000 of it."""
    return (await tier_held(organisation_id, now, reader)).deposit_off_bps


async def return_days_more(organisation_id: str, now: datetime, reader: Reader) -> int:
    """Return how many days more a firm has for returns of what it buys now."""
    return (await tier_held(organisation_id, now, reader)).return_days_more


async def tier_names(now: datetime, reader: Reader | None = None) -> tuple[str, ...]:
    """Return the names of the tiers, the first one first: a tier's number is its place."""
    return tuple(tier.name for tier in (await store.in_force(reader or Pool(), now)).book.tiers)


def lowered(deposit_minor: int, off_bps: int) -> int:
    """Return what is left of a deposit, rounded up."""
    return scaled(deposit_minor, _WHOLE_BPS - off_bps, _WHOLE_BPS, Rounding.UP)
