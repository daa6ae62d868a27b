"""The last stretch before the close, in which commitments only grow."""

from __future__ import annotations

from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.pools import stating, store
from aggregator.pools.facts import FirmingBegan
from aggregator.pools.store import PoolRow
from aggregator.scheduler.timers import set_timer


async def begin(market: Market, pool_id: str) -> None:
    """Begin firming when its instant has come; beginning again changes nothing."""

    async def step(unit: Unit) -> Answer:
        pool = await store.locked(unit, pool_id)
        if pool.state == store.GATHERING and unit.now < pool.firming_at:
            await set_timer(unit, store.FIRMING_TIMER, pool_id, pool.firming_at)
        await begin_if_due(unit, pool)
        return {}

    await store.load(Pool(), pool_id)
    await market.perform(Actor.SYSTEM, store.FIRMING_TIMER, step, stream=store.stream_of(pool_id))


async def begin_if_due(unit: Unit, pool: PoolRow) -> PoolRow:
    """Record the beginning of firming once its instant has come, timer or not."""
    if pool.state != store.GATHERING or unit.now < pool.firming_at:
        return pool
    await store.set_state(unit, pool.id, store.FIRMING)
    standing = await store.pledges(unit, pool.id, "standing")
    members = tuple(one.organisation_id for one in standing)
    await unit.record(store.stream_of(pool.id), FirmingBegan(pool.id, members))
    await stating.tell_anew(unit, pool)
    return await store.load(unit, pool.id)
