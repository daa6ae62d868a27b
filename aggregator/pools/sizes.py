"""A firm's size, by which similar firms are found.

What it declares stays for 90 days and lies within a factor 2 of what it asks for; without
a declaration its registered month counts, and where nothing is known the pledge's own lots.
"""

from __future__ import annotations

from datetime import timedelta

from aggregator.market import Unit
from aggregator.parties.queries import organisation
from aggregator.pools.errors import SizeLocked, SizeNotNearRequest

LOCKED_FOR = timedelta(days=90)
FACTOR = 2


async def size_of(unit: Unit, organisation_id: str, lots: int, declared_lots: int | None) -> int:
    """Return the size that counts for a pledge of so many lots, keeping a declaration.

    Raises:
        SizeLocked: another size was declared less than 90 days ago.
        SizeNotNearRequest: the declared size is not within a factor 2 of the lots.

    """
    locked = await unit.row(
        "select size_lots, declared_at from declared_size"
        " where organisation_id = $1 and declared_at > $2",
        organisation_id,
        unit.now - LOCKED_FOR,
    )
    if declared_lots is None:
        size = locked["size_lots"] if locked else await _registered(unit, organisation_id)
        if not size:
            return lots
        check_near(size, lots)
        return int(size)
    if locked is not None and locked["size_lots"] != declared_lots:
        until = locked["declared_at"] + LOCKED_FOR
        raise SizeLocked(locked["size_lots"], declared_lots, until)
    check_near(declared_lots, lots)
    if locked is None:
        await unit.execute(
            "insert into declared_size (organisation_id, size_lots, declared_at)"
            " values ($1, $2, $3) on conflict (organisation_id)"
            " do update set size_lots = excluded.size_lots, declared_at = excluded.declared_at",
            organisation_id,
            declared_lots,
            unit.now,
        )
    return declared_lots


def check_near(size_lots: int, lots: int) -> None:
    """Raise SizeNotNearRequest unless size and lots lie within the factor of each other."""
    if size_lots * FACTOR < lots or lots * FACTOR < size_lots:
        raise SizeNotNearRequest(size_lots, lots, FACTOR)


async def _registered(unit: Unit, organisation_id: str) -> int:
    return (await organisation(organisation_id, unit)).monthly_lots
