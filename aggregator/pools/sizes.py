"""A firm's size, by which similar firms are found: its usual month of the pool's instrument.

Settled deals say it. Until there are some, what the firm declares of the instrument counts,
stays for 90 days and lies within a factor 2 of what it asks for; without a declaration its
registered month counts, and where nothing is known the pledge's own lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aggregator.deals.history import usual_month
from aggregator.market import Unit
from aggregator.parties.queries import organisation
from aggregator.pools.errors import SizeLocked, SizeNotNearRequest

LOCKED_FOR = timedelta(days=90)
FACTOR = 2
SETTLED, DECLARED, REGISTERED, REQUEST = "settled", "declared", "registered", "request"


@dataclass(frozen=True, slots=True)
class Size:
    """A usual month in lots, and what said so."""

    lots: int
    source: str


async def size_of(
    unit: Unit, organisation_id: str, instrument_id: str, *, lots: int, declared_lots: int | None
) -> Size:
    """Return the size that counts for a pledge of so many lots, keeping a declaration.

    Raises:
        SizeLocked: another size was declared of this instrument less than 90 days ago.
        SizeNotNearRequest: the declared size is not within a factor 2 of the lots.

    """
    settled = await usual_month(unit, organisation_id, instrument_id, unit.now)
    if settled is not None:
        return Size(settled, SETTLED)
    found = await _declared(unit, organisation_id, instrument_id, lots, declared_lots)
    if found is None:
        registered = (await organisation(organisation_id, unit)).monthly_lots
        found = Size(registered, REGISTERED) if registered else Size(lots, REQUEST)
    check_near(found.lots, lots)
    return found


def check_near(size_lots: int, lots: int) -> None:
    """Raise SizeNotNearRequest unless size and lots lie within the factor of each other."""
    if size_lots * FACTOR < lots or lots * FACTOR < size_lots:
        raise SizeNotNearRequest(size_lots, lots, FACTOR)


async def _declared(
    unit: Unit, organisation_id: str, instrument_id: str, lots: int, declared_lots: int | None
) -> Size | None:
    """Return the size that stands declared, taking a new declaration down."""
    locked = await unit.row(
        "select size_lots, declared_at from declared_size"
        " where organisation_id = $1 and instrument_id = $2 and declared_at > $3",
        organisation_id,
        instrument_id,
        unit.now - LOCKED_FOR,
    )
    if locked is not None:
        if declared_lots not in (None, locked["size_lots"]):
            until = locked["declared_at"] + LOCKED_FOR
            raise SizeLocked(locked["size_lots"], declared_lots, until)
        return Size(locked["size_lots"], DECLARED)
    if declared_lots is None:
        return None
    check_near(declared_lots, lots)
    await unit.execute(
        "insert into declared_size (organisation_id, instrument_id, size_lots, declared_at)"
        " values ($1, $2, $3, $4) on conflict (organisation_id, instrument_id)"
        " do update set size_lots = excluded.size_lots, declared_at = excluded.declared_at",
        organisation_id,
        instrument_id,
        declared_lots,
        unit.now,
    )
    return Size(declared_lots, DECLARED)
