"""One counter an offer: what is sold is reserved, and what is reserved is there."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.errors import MarketError, NotFound
from aggregator.market import Unit


@dataclass
class CapacityExceeded(MarketError):
    """Less is left of an offer than was asked for."""

    code = "capacity_exceeded"
    offer_id: str
    wanted_lots: int
    left_lots: int


async def take(unit: Unit, offer_id: str, lots: int) -> int:
    """Reserve lots of an offer and return what is left; the row stays locked until the end.

    Raises:
        NotFound: there is no such offer.
        CapacityExceeded: fewer lots are left; nothing is taken.

    """
    assert lots > 0
    left = await _left(unit, offer_id)
    if left < lots:
        raise CapacityExceeded(offer_id, lots, left)
    await unit.execute(
        "update offer set taken_lots = taken_lots + $2 where id = $1", offer_id, lots
    )
    return left - lots


async def give_back(unit: Unit, offer_id: str, lots: int) -> None:
    """Free lots that were taken and are not needed after all."""
    assert lots > 0
    await _left(unit, offer_id)
    await unit.execute(
        "update offer set taken_lots = taken_lots - $2 where id = $1", offer_id, lots
    )


async def _left(unit: Unit, offer_id: str) -> int:
    row = await unit.row(
        "select capacity_lots - taken_lots as left_lots from offer where id = $1 for update",
        offer_id,
    )
    if row is None:
        raise NotFound("offer")
    return int(row["left_lots"])
