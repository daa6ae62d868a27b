"""Telling a pool's progress on its beat, and once more when firming begins."""

from __future__ import annotations

from datetime import datetime, timedelta

from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.pools import store
from aggregator.pools.facts import ProgressStated
from aggregator.pools.store import PoolRow
from aggregator.scheduler.timers import set_timer
from aggregator.supply import queries as supply
from matching.pools.progress import Moved, Statement, envelope, next_statement

TIMER = "pools.progress"
BEAT = timedelta(minutes=15)


async def state_progress(market: Market, pool_id: str) -> None:
    """Tell what the beat has to tell, and set the next one while the pool is live."""

    async def step(unit: Unit) -> Answer:
        pool = await store.locked(unit, pool_id)
        if pool.state not in (store.GATHERING, store.FIRMING):
            return {}
        if unit.now < pool.closes_at:
            await tell(unit, pool)
        # A pool whose time is over may yet be prolonged, or be given time back.
        await set_timer(unit, TIMER, pool_id, next_beat(pool.opened_at, unit.now))
        return {}

    await store.load(Pool(), pool_id)
    await market.perform(Actor.SYSTEM, TIMER, step, stream=store.stream_of(pool_id))


def next_beat(opened_at: datetime, now: datetime) -> datetime:
    """Return the first beat after `now`; they are counted from when the pool opened."""
    return opened_at + ((now - opened_at) // BEAT + 1) * BEAT


async def tell(unit: Unit, pool: PoolRow) -> None:
    """State the progress if enough groups are in, and have moved since the last statement."""
    await _tell(unit, pool, is_anew=False)


async def tell_anew(unit: Unit, pool: PoolRow) -> None:
    """State the progress whoever moved: the one time at which every member decides."""
    await _tell(unit, pool, is_anew=True)


async def _tell(unit: Unit, pool: PoolRow, *, is_anew: bool) -> None:
    offers = await supply.standing(unit, str(pool.cell), unit.now)
    breaks = envelope(offer.breaks for offer in offers if offer.is_public)
    before = Statement(pool.told_lots, is_shown=pool.is_told)
    after = next_statement(await _groups(unit, pool.id), breaks, before, is_anew=is_anew)
    if after == before:
        return
    if after.is_counted:
        await unit.execute(
            "update pledge set told_lots = case when state = 'standing' then lots else 0 end"
            " where pool_id = $1",
            pool.id,
        )
    await unit.execute(
        "update pool set told_lots = $2, is_told = $3 where id = $1",
        pool.id,
        after.least_lots,
        after.is_shown,
    )
    shown = after.least_lots if after.is_shown else None
    stated = ProgressStated(pool.id, unit.now, shown, after.is_counted)
    await unit.record(store.stream_of(pool.id), stated)


async def _groups(unit: Unit, pool_id: str) -> dict[str, Moved]:
    found = await unit.rows(
        "select owner_group, coalesce(sum(lots) filter (where state = 'standing'), 0) as lots,"
        " sum(told_lots) as told_lots from pledge where pool_id = $1"
        " group by owner_group order by owner_group",
        pool_id,
    )
    return {row["owner_group"]: Moved(int(row["lots"]), int(row["told_lots"])) for row in found}
