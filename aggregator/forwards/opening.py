"""Opening a window in which forward orders are gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.catalogue.calendars import calendar_of
from aggregator.catalogue.queries import InstrumentView, check_cell
from aggregator.catalogue.tenors import Cell, after_month, checked_tenor
from aggregator.deals.lines import BPS as ALL_BPS
from aggregator.errors import InvalidField
from aggregator.forwards import dating, store, talks
from aggregator.forwards.facts import StripOpened
from aggregator.forwards.talks import CounterTerms, TalkTerms
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.scheduler.timers import set_timer

MAX_TENORS = 24
PRICINGS = ("supported", "make_whole")
LONGEST_WINDOW = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class StripTerms:
    """What is frozen before the window opens. `opens_at` None means at once.

    Deposits are shares of a slot's total: `signing_bps` at signing, the instrument's without
    it, and `month_bps` before each month. With an index, orders and offers assume that it
    stands at the reference; the price moves with it until the fixing, where the default
    counts if nothing is published. Without `talks` suppliers' offers are sealed. `make_whole`
    awards the best bundle of all, whoever its prices leave short being paid by those who gain.
    """

    title: str
    instrument_id: str
    region: str
    tenors: Sequence[str]
    closes_at: datetime
    opens_at: datetime | None = None
    pricing: str = "supported"
    signing_bps: int | None = None
    month_bps: int = 0
    index_reference_minor: int | None = None
    index_default_minor: int | None = None
    talks: TalkTerms | None = None


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
            " closes_at, state, created_at, signing_bps, month_bps, index_reference_minor,"
            " index_default_minor, rounds, talks) values ($1, $2, $3, $4, $5::text[], $6, $7, $8,"
            " 'gathering', $9, $10, $11, $12, $13, $14, $15::jsonb)",
            strip_id,
            title,
            terms.instrument_id,
            terms.region,
            list(terms.tenors),
            terms.pricing,
            opens_at,
            terms.closes_at,
            unit.now,
            terms.signing_bps,
            terms.month_bps,
            terms.index_reference_minor,
            terms.index_default_minor,
            talks.kind_of(terms.talks),
            talks.written(terms.talks),
        )
        await set_timer(unit, store.CLOSE_TIMER, strip_id, terms.closes_at)
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
    traded = await check_cell(Cell(terms.instrument_id, terms.region, tenors[0]), unit)
    await _check_dates(unit, terms)
    _check_money(traded, terms)
    talks.check(traded, tenors, terms.talks)
    if isinstance(terms.talks, CounterTerms):
        await _check_seller(unit, terms.talks.seller_id)
    opens_at = max(terms.opens_at or unit.now, unit.now)
    if terms.closes_at <= opens_at:
        raise InvalidField("/closes_at", "after the opening", unit.stamp(terms.closes_at))
    if terms.closes_at - opens_at > LONGEST_WINDOW:
        raise InvalidField(
            "/closes_at",
            f"at most {LONGEST_WINDOW.days} days of window",
            unit.stamp(terms.closes_at),
        )
    if terms.pricing not in PRICINGS:
        raise InvalidField("/pricing", f"one of {', '.join(PRICINGS)}", terms.pricing[:20])


async def _check_dates(unit: Unit, terms: StripTerms) -> None:
    """Refuse a month whose trading days nobody has declared, or that begins too soon."""
    if after_month(terms.tenors[0]) <= terms.closes_at:
        raise InvalidField("/tenors/0", "a month that ends after the window", terms.tenors[0])
    calendar = await calendar_of(unit, terms.region)
    for i, tenor in enumerate(terms.tenors):
        if not calendar.has(tenor):
            raise InvalidField(f"/tenors/{i}", "a month with a declared trading calendar", tenor)
    talked_until = terms.closes_at + (terms.talks.longest if terms.talks else timedelta())
    if dating.latest_signing(calendar, terms.tenors[0]) < talked_until:
        rule = f"a month with {dating.SIGNING_DAYS} trading days between signing and nomination"
        raise InvalidField("/tenors/0", rule, terms.tenors[0])


async def _check_seller(unit: Unit, seller_id: str) -> None:
    row = await unit.row(
        "select 1 as found from membership where organisation_id = $1 and 'seller' = any(roles)"
        " limit 1",
        seller_id,
    )
    if row is None:
        raise InvalidField("/seller", "a firm that sells", seller_id)


def _check_money(traded: InstrumentView, terms: StripTerms) -> None:
    signing_bps = traded.deposit_bps if terms.signing_bps is None else terms.signing_bps
    if not 1 <= signing_bps <= ALL_BPS:
        raise InvalidField("/signing_bps", f"1 to {ALL_BPS}", signing_bps)
    if not 0 <= terms.month_bps <= ALL_BPS - signing_bps:
        raise InvalidField("/month_bps", f"0 to {ALL_BPS - signing_bps}", terms.month_bps)
    reference, default = terms.index_reference_minor, terms.index_default_minor
    if (reference is None) != (default is None):
        pointer = "/index_reference" if reference is None else "/index_default"
        raise InvalidField(pointer, "reference and default together")
    if reference is not None and default is not None:
        traded.check_price(reference, "/index_reference")
        traded.check_price(default, "/index_default")
