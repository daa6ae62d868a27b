"""A window that ends in nothing: every deposit is free again, and everybody is told why."""

from __future__ import annotations

from aggregator.forwards import store
from aggregator.forwards.facts import StripLapsed
from aggregator.forwards.instance import Rows
from aggregator.forwards.store import Strip
from aggregator.ledger import holds
from aggregator.market import Unit


async def lapse(unit: Unit, strip: Strip, orders: Rows, offers: Rows, reason: str) -> None:
    """End a window whose standing orders and offers come to nothing."""
    await free_deposits(unit, orders, offers)
    for table, freed in (("strip_order", ", hold_id = null"), ("strip_offer", "")):
        await unit.execute(
            f"update {table} set state = 'unfilled'{freed} where strip_id = $1"
            " and state = 'standing'",
            strip.id,
        )
    await unit.execute("update strip set state = 'lapsed' where id = $1", strip.id)
    told = tuple(sorted({row["organisation_id"] for row in (*orders, *offers)}))
    await unit.record(store.stream_of(strip.id), StripLapsed(strip.id, reason, told))


async def free_deposits(unit: Unit, orders: Rows, offers: Rows) -> None:
    for row in (*orders, *offers):
        if row["hold_id"]:
            await holds.void(unit, row["hold_id"])
