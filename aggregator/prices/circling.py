"""Circles of trade: when a deal closes one, all its legs leave the price together.

Legs are the settled deals of the window on any way by which the goods may have come back. Those
that wait are parked with the deal that closes the circle; those that were published are
exclusions of their cells' next publications, and nothing is restated. Circles that share a deal
are one. A deal that two persons released is not parked again for a circle that it is a leg of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from aggregator.deals.facts import DealSettled
from aggregator.journal.reading import Reader
from aggregator.market import Unit
from aggregator.prices.facts import DealParked, LegExcluded
from aggregator.prices.screening import WINDOW
from matching.index.circles import legs

CLOSED_CYCLE = "closed_cycle"
PROPOSED, REPLACED, APPROVED = "proposed", "replaced", "approved"


async def legs_of(
    reader: Reader, settled: DealSettled, instrument_id: str, sold_to: Mapping[str, Set[str]]
) -> Sequence[Mapping[str, Any]]:
    """Return the deals of the circle that a deal closes, itself left out, by cell and id."""
    pairs = sorted(legs(sold_to, start=settled.buyer_group, end=settled.seller_group))
    return await reader.rows(
        "select p.deal_id, p.cell, p.state, p.lots, p.circle from price_deal p"
        " join unnest($1::text[], $2::text[]) as t (seller, buyer)"
        " on p.seller_group = t.seller and p.buyer_group = t.buyer"
        " where p.instrument_id = $3 and p.settled_at > $4 and p.state <> 'excluded'"
        " and not exists (select from price_review r where r.state = $5"
        " and r.verdict = 'release' and p.deal_id = any(r.deals))"
        " order by p.cell, p.deal_id",
        [seller for seller, _ in pairs],
        [buyer for _, buyer in pairs],
        instrument_id,
        settled.settled_at - WINDOW,
        APPROVED,
    )


async def lock_cells(unit: Unit, instrument_id: str, cells: Set[str]) -> None:
    """Lock several cells of an instrument; only who has its screen takes more than one."""
    await unit.lock(f"screen:{instrument_id}")
    for cell in sorted(cells):
        await unit.lock(f"cell:{cell}")


async def park(unit: Unit, closing_id: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Take the legs out of what feeds prices and return the circle's name; cells are locked.

    What stands proposed for a circle that grows is proposed of fewer deals than it has, and ends.
    """
    names = sorted({leg["circle"] for leg in found if leg["circle"] and leg["state"] == "parked"})
    name = names[0] if names else closing_id
    for table in ("price_deal", "price_exclusion"):
        await unit.execute(
            f"update {table} set circle = $1 where circle = any($2::text[])", name, names
        )
    await unit.execute(
        "update price_review set deal_id = $1,"
        " state = case state when $3 then $4 else state end where deal_id = any($2::text[])",
        name,
        names,
        PROPOSED,
        REPLACED,
    )
    for leg in found:
        await _take_out(unit, leg["deal_id"], leg["cell"], name)
    return name


async def _take_out(unit: Unit, deal_id: str, cell: str, circle: str) -> None:
    parked = await unit.row(
        "update price_deal set state = 'parked', parked_for = $2, circle = $3"
        " where deal_id = $1 and (state = 'waiting' or state = 'parked' and circle is null)"
        " returning deal_id",
        deal_id,
        CLOSED_CYCLE,
        circle,
    )
    if parked is not None:
        await unit.record(f"cell:{cell}", DealParked(deal_id, CLOSED_CYCLE))
        return
    excluded = await unit.row(
        "insert into price_exclusion (deal_id, cell, lots, noted_at, circle)"
        " select p.deal_id, p.cell, p.lots - coalesce(sum(e.lots), 0)::bigint, $2, $3"
        " from price_deal p left join price_exclusion e on e.deal_id = p.deal_id"
        " where p.deal_id = $1 and p.state = 'published' group by p.deal_id"
        " having p.lots > coalesce(sum(e.lots), 0) on conflict do nothing returning deal_id",
        deal_id,
        unit.now,
        circle,
    )
    if excluded is not None:
        await unit.record(f"cell:{cell}", LegExcluded(deal_id, circle))
