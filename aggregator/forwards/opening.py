"""Opening a window in which forward orders are gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.catalogue.queries import check_cell
from aggregator.catalogue.tenors import Cell, after_month, checked_tenor
from aggregator.errors import InvalidField
from aggregator.forwards import store
from aggregator.forwards.facts import StripOpened
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.scheduler.timers import set_timer

CLOSE_TIMER = "forwards.close"
MAX_TENORS = 24
LONGEST_WINDOW = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class StripTerms:
    """What is frozen before the window opens. `opens_at` None means at once."""

    title: str
    instrument_id: str
    region: str
    tenors: Sequence[str]
    closes_at: datetime
    opens_at: datetime | None = None
    pricing: str = "supported"


async def open_strip(market: Market, actor: Actor, command: Command, terms: StripTerms) -> Outcome:
    """Open a window for orders and offers.

    Raises:
        InvalidField: months out of order or past, a window that ends before it begins.
        NotFound: there is no such instrument.

    """

    async def step(unit: Unit) -> Answer:
        await _check(unit, terms)
        opens_at = max(terms.opens_at or unit.now, unit.now)
        strip_id = unit.new_id("stp")
        title = checked_name(terms.title, "/title")
        await unit.execute(
            "insert into strip (id, title, instrument_id, region, tenors, pricing, opens_at,"
            " closes_at, state, created_at)"
            " values ($1, $2, $3, $4, $5::text[], $6, $7, $8, 'gathering', $9)",
            strip_id,
            title,
            terms.instrument_id,
            terms.region,
            list(terms.tenors),
            terms.pricing,
            opens_at,
            terms.closes_at,
            unit.now,
        )
        await set_timer(unit, CLOSE_TIMER, strip_id, terms.closes_at)
        await unit.record(
            store.stream_of(strip_id),
            StripOpened(
                strip_id,
                title,
                terms.instrument_id,
                terms.region,
                tuple(terms.tenors),
                opens_at,
                terms.closes_at,
            ),
        )
        return {"strip_id": strip_id, "closes_at": unit.stamp(terms.closes_at)}

    return await market.perform(actor, "forwards.open", step, command=command)


async def _check(unit: Unit, terms: StripTerms) -> None:
    tenors = list(terms.tenors)
    if not 1 <= len(tenors) <= MAX_TENORS:
        raise InvalidField("/tenors", f"1 to {MAX_TENORS} months", len(tenors))
    for i, tenor in enumerate(tenors):
        checked_tenor(tenor, f"/tenors/{i}")
        if i and tenor <= tenors[i - 1]:
            raise InvalidField(f"/tenors/{i}", "months in rising order", tenor)
    if after_month(tenors[0]) <= terms.closes_at:
        raise InvalidField("/tenors/0", "a month that ends after the window", tenors[0])
    await check_cell(Cell(terms.instrument_id, terms.region, tenors[0]), unit)
    opens_at = max(terms.opens_at or unit.now, unit.now)
    if terms.closes_at <= opens_at:
        raise InvalidField("/closes_at", "after the opening", unit.stamp(terms.closes_at))
    if terms.closes_at - opens_at > LONGEST_WINDOW:
        raise InvalidField(
            "/closes_at",
            f"at most {LONGEST_WINDOW.days} days of window",
            unit.stamp(terms.closes_at),
        )
    if terms.pricing != "supported":
        raise InvalidField("/pricing", "supported", terms.pricing[:20])
