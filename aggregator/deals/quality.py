"""Price adjustments: what a measure beyond its grade costs, by a table that everybody knew.

A row says: from this value of a measure on, this discount on the goods price. Of the rows of one
measure the highest that is reached counts, and measures add up. Only rows published before a
deal was formed count for it, and no row is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregator.catalogue.queries import instrument
from aggregator.deals.lines import BPS
from aggregator.deals.store import Deal
from aggregator.errors import Conflict, InvalidField
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

ACT = "catalogue.define"
MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class Adjustment:
    """From `at_least` of a measure on, `discount_bps` off the goods price."""

    measure: str
    at_least: int
    discount_bps: int


async def publish(
    market: Market,
    actor: Actor,
    command: Command,
    instrument_id: str,
    rows: Sequence[Adjustment],
) -> Outcome:
    """Publish rows of an instrument's table; deals formed later are under them.

    Raises:
        NotFound: the instrument does not exist.
        Conflict: a row stands already; none is ever changed.
        InvalidField: the table would have more rows than one can have.

    """
    actor.require(ACT)
    await instrument(instrument_id)

    async def step(unit: Unit) -> Answer:
        known = {(one.measure, one.at_least) for one in await adjustments(instrument_id, unit)}
        if len(known) + len(rows) > MAX_ROWS:
            raise InvalidField("/rows", "at_most", MAX_ROWS - len(known))
        for row in rows:
            if (row.measure, row.at_least) in known:
                raise Conflict("adjustment_exists")
            known.add((row.measure, row.at_least))
            await unit.execute(
                "insert into price_adjustment (instrument_id, measure, at_least, discount_bps,"
                " published_at) values ($1, $2, $3, $4, $5)",
                instrument_id,
                row.measure,
                row.at_least,
                row.discount_bps,
                unit.now,
            )
        return {"instrument_id": instrument_id, "rows": len(rows)}

    return await market.perform(actor, ACT, step, command=command)


async def adjustments(instrument_id: str, reader: Reader | None = None) -> list[Adjustment]:
    """Return the table of an instrument."""
    found = await (reader or Pool()).rows(
        "select measure, at_least, discount_bps from price_adjustment where instrument_id = $1"
        " order by measure, at_least limit $2",
        instrument_id,
        MAX_ROWS,
    )
    return [Adjustment(**dict(row)) for row in found]


async def discount_bps(unit: Unit, deal: Deal, graded: Mapping[str, int]) -> int:
    """Return what measured values take off a deal's goods price.

    Raises:
        InvalidField: a measure that the table of the deal does not know.

    """
    found = await unit.rows(
        "select measure, at_least, discount_bps from price_adjustment"
        " where instrument_id = $1 and published_at <= $2 order by measure, at_least",
        deal.instrument_id,
        deal.formed_at,
    )
    known = sorted({row["measure"] for row in found})
    total = 0
    for measure in sorted(graded):
        if measure not in known:
            raise InvalidField(f"/graded/{measure[:40]}", "one_of", ", ".join(known))
        reached = [
            row["discount_bps"]
            for row in found
            if row["measure"] == measure and graded[measure] >= row["at_least"]
        ]
        total += max(reached, default=0)
    return min(total, BPS)
