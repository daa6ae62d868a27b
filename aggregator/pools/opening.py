"""Opening a gathering for a cell: its rules are frozen here and shown to all who may join."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.catalogue.queries import InstrumentView, check_cell
from aggregator.catalogue.tenors import Cell, after_month
from aggregator.errors import InvalidField
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.permissions import OPERATOR
from aggregator.parties.registering import stream_of as firm_stream
from aggregator.pools import sight, stating, store
from aggregator.pools.errors import OwnPoolsSpent
from aggregator.pools.facts import OfferListed, PoolOpened
from aggregator.pools.sight import Early
from aggregator.scheduler.timers import set_timer
from aggregator.standing.privileges import rulebook, tier_held
from aggregator.supply import queries as supply
from aggregator.supply.offering import stream_of as supply_stream

MODES = (store.BREAKS, store.AUCTION, store.BOTH)
FIRMING_TIME = timedelta(hours=24)
AUCTION_MINUTES = 60
MIN_MEMBERS, MAX_MEMBERS = 3, 1000
MIN_SHARE, MAX_SHARE = 10, 99
MAX_MINUTES = 7 * 24 * 60
SIMILARITY = (2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTerms:
    """How a pool lives.

    Members come, change and leave until `firming_at` (24 hours before the close when absent),
    join and raise until `closes_at`. `mode` says what buys at the close: the standing offers'
    `breaks`; a buy-side `auction` below the best of them; or `both`, the better for members.
    `max_share` lets several suppliers win the auction, none more than so many per cent of the lots.
    With `prolong_minutes` a pool that reached nothing goes on once for so long, if every
    member agrees. With `has_early_sight` each tier sees it as early as the rulebook says.
    """

    cell: Cell
    closes_at: datetime
    firming_at: datetime | None = None
    mode: str = store.BREAKS
    auction_minutes: int | None = None
    prolong_minutes: int = 0
    min_members: int = MIN_MEMBERS
    max_share: int | None = None
    has_early_sight: bool = False


async def open_pool(market: Market, actor: Actor, command: Command, terms: PoolTerms) -> Outcome:
    """Open a pool for a cell; a firm opens its own ones as far as its tier goes.

    Raises:
        NotFound: the instrument does not exist.
        InvalidField: a term breaks its rule.
        OwnPoolsSpent: the firm's tier gives it no further pool of its own.

    """

    async def step(unit: Unit) -> Answer:
        traded = await check_cell(terms.cell, unit)
        _check_rules(terms)
        firming_at = _checked_firming(unit.now, terms)
        minutes = _checked_minutes(terms)
        if _is_own(unit):
            await _check_own(unit, terms)
        early = await sight.early(unit, firming_at) if terms.has_early_sight else Early()
        return await _open(unit, traded, terms, early, firming_at=firming_at, minutes=minutes)

    await check_cell(terms.cell)
    # In the order of the cell's offers, so that none is missed or listed twice.
    stream = supply_stream(str(terms.cell))
    return await market.perform(actor, "pools.open", step, command=command, stream=stream)


async def _open(
    unit: Unit,
    traded: InstrumentView,
    terms: PoolTerms,
    early: Early,
    *,
    firming_at: datetime,
    minutes: int,
) -> Answer:
    pool_id, cell = unit.new_id("pool"), terms.cell
    await unit.execute(
        "insert into pool (id, instrument_id, region, tenor, cell, mode, state, similarity_n,"
        " similarity_d, min_members, auction_minutes, prolong_minutes, opened_by, opened_at,"
        " firming_at, closes_at, max_share, early_hours, seen_from_tier)"
        " values ($1, $2, $3, $4, $5, $6, 'gathering', $7, $8, $9, $10, $11, $12, $13, $14, $15,"
        " $16, $17, $18)",
        pool_id,
        cell.instrument_id,
        cell.region,
        cell.tenor,
        str(cell),
        terms.mode,
        *SIMILARITY,
        terms.min_members,
        minutes,
        terms.prolong_minutes,
        unit.actor.organisation_id,
        unit.now,
        firming_at,
        terms.closes_at,
        terms.max_share,
        list(early.hours),
        early.from_tier,
    )
    await set_timer(unit, store.FIRMING_TIMER, pool_id, firming_at)
    await set_timer(unit, store.CLOSE_TIMER, pool_id, terms.closes_at)
    await set_timer(unit, stating.TIMER, pool_id, unit.now + stating.BEAT)
    await sight.set_next(unit, pool_id, unit.now, early.hours)
    opened = _opened(unit, pool_id, traded, terms, firming_at=firming_at, minutes=minutes)
    opened = replace(opened, sight=early.steps, is_own=_is_own(unit))
    standing = await supply.standing(unit, str(cell), unit.now)
    listed = [OfferListed(pool_id, o.id, o.breaks, o.is_public) for o in standing]
    await unit.record(store.stream_of(pool_id), opened, *listed)
    return {
        "pool_id": pool_id,
        "cell": str(cell),
        "phase": store.GATHERING,
        "firming_at": unit.stamp(firming_at),
        "closes_at": unit.stamp(terms.closes_at),
    }


def _opened(
    unit: Unit,
    pool_id: str,
    traded: InstrumentView,
    terms: PoolTerms,
    *,
    firming_at: datetime,
    minutes: int,
) -> PoolOpened:
    cell = terms.cell
    return PoolOpened(
        pool_id=pool_id,
        instrument_id=cell.instrument_id,
        region=cell.region,
        tenor=cell.tenor,
        cell=str(cell),
        currency=traded.currency,
        mode=terms.mode,
        opened_by=unit.actor.organisation_id,
        firming_at=firming_at,
        closes_at=terms.closes_at,
        auction_minutes=minutes,
        prolong_minutes=terms.prolong_minutes,
        similarity=SIMILARITY,
        min_members=terms.min_members,
        deposit_bps=traded.deposit_bps,
        fee_bps=traded.fee_bps,
        logistics_fee_bps=traded.logistics_fee_bps,
        lot_fee_minor=traded.lot_fee_minor,
        max_share=terms.max_share,
    )


def _is_own(unit: Unit) -> bool:
    return OPERATOR not in unit.actor.roles


async def _check_own(unit: Unit, terms: PoolTerms) -> None:
    """Refuse a firm's own pool beyond what its tier and the rulebook give."""
    book = await rulebook(unit.now, unit)
    least, most = timedelta(hours=book.own_pool_hours), timedelta(days=book.own_pool_days)
    if not least <= terms.closes_at - unit.now <= most:
        rule = f"{book.own_pool_hours} hours to {book.own_pool_days} days ahead"
        raise InvalidField("/closes_at", rule, Unit.stamp(terms.closes_at))
    firm = unit.actor.organisation_id
    tier = await tier_held(firm, unit.now, unit)
    await unit.lock(firm_stream(firm))
    row = await unit.row(
        "select count(*) as n from pool where opened_by = $1 and state in ('gathering', 'firming')",
        firm,
    )
    if row is None or row["n"] >= tier.own_pools:
        raise OwnPoolsSpent(tier.own_pools)


def _checked_firming(now: datetime, terms: PoolTerms) -> datetime:
    month_over = after_month(terms.cell.tenor)
    rule = "later than now, at most the end of the delivery month"
    if not now < terms.closes_at <= month_over:
        raise InvalidField("/closes_at", rule, Unit.stamp(terms.closes_at))
    # Behind the month no offer stands: who agreed would wait for nothing, his deposit held.
    prolonged_to = terms.closes_at + timedelta(minutes=terms.prolong_minutes)
    if prolonged_to > month_over:
        raise InvalidField("/prolong_minutes", rule, Unit.stamp(prolonged_to))
    firming_at = terms.firming_at or max(now, terms.closes_at - FIRMING_TIME)
    if not now <= firming_at < terms.closes_at:
        rule = "not in the past, and before the close"
        raise InvalidField("/firming_at", rule, Unit.stamp(firming_at))
    return firming_at


def _check_rules(terms: PoolTerms) -> None:
    if terms.mode not in MODES:
        raise InvalidField("/mode", f"one of {', '.join(MODES)}", terms.mode[:20])
    if not MIN_MEMBERS <= terms.min_members <= MAX_MEMBERS:
        rule = f"{MIN_MEMBERS} to {MAX_MEMBERS}"
        raise InvalidField("/min_members", rule, terms.min_members)
    if not 0 <= terms.prolong_minutes <= MAX_MINUTES:
        raise InvalidField("/prolong_minutes", f"0 to {MAX_MINUTES}", terms.prolong_minutes)
    _check_share(terms)


def _check_share(terms: PoolTerms) -> None:
    if terms.max_share is None:
        return
    if terms.mode == store.BREAKS:
        raise InvalidField("/max_share", "no auction in this mode", terms.max_share)
    if not MIN_SHARE <= terms.max_share <= MAX_SHARE:
        raise InvalidField("/max_share", f"{MIN_SHARE} to {MAX_SHARE}", terms.max_share)


def _checked_minutes(terms: PoolTerms) -> int:
    """Return the minutes of the auction, 0 where there is none."""
    if terms.mode == store.BREAKS:
        if terms.auction_minutes:
            raise InvalidField("/auction_minutes", "no auction in this mode", terms.auction_minutes)
        return 0
    minutes = AUCTION_MINUTES if terms.auction_minutes is None else terms.auction_minutes
    if not 1 <= minutes <= MAX_MINUTES:
        raise InvalidField("/auction_minutes", f"1 to {MAX_MINUTES}", minutes)
    return minutes
