"""The outage rule for group buys: time that the market lost is given back."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.pools import store, substituting
from aggregator.pools.facts import PoolExtended
from aggregator.scheduler.outages import left_after
from aggregator.scheduler.timers import set_timer


async def after_outage(market: Market, began_at: datetime, ended_at: datetime) -> None:
    """Extend every pool that was live in [began_at, ended_at).

    At least the lost time plus 60 s, and never less than 2 minutes, is left; firming moves
    with the close while it has not begun. Who weighs freed lots has as much time.
    An outage told twice changes nothing.
    """
    left = left_after(began_at, ended_at)
    if not left:
        return
    found = await Pool().rows(
        "select id from pool where state in ('gathering', 'firming') and opened_at < $2"
        " and closes_at > $1 order by id",
        began_at,
        ended_at,
    )
    for row in found:
        await _extend(market, row["id"], began_at, ended_at)
    await substituting.extend(market, ended_at, began_at=began_at, left=left)


async def _extend(market: Market, pool_id: str, began_at: datetime, ended_at: datetime) -> None:
    async def step(unit: Unit) -> Answer:
        pool = await store.locked(unit, pool_id)
        is_live = pool.state in (store.GATHERING, store.FIRMING)
        left = left_after(max(began_at, pool.opened_at), ended_at)
        if not is_live or pool.closes_at <= began_at or pool.closes_at - ended_at >= left:
            return {}
        closes_at = ended_at + left
        firming_at = pool.firming_at
        if pool.state == store.GATHERING and firming_at > began_at:
            firming_at = firming_at + (closes_at - pool.closes_at)
        await unit.execute(
            "update pool set firming_at = $2, closes_at = $3 where id = $1",
            pool_id,
            firming_at,
            closes_at,
        )
        await set_timer(unit, store.CLOSE_TIMER, pool_id, closes_at)
        if pool.state == store.GATHERING:
            await set_timer(unit, store.FIRMING_TIMER, pool_id, firming_at)
        extended = PoolExtended(pool_id, firming_at, closes_at)
        await unit.record(store.stream_of(pool_id), extended)
        return {}

    stream = store.stream_of(pool_id)
    await market.perform(Actor.SYSTEM, "pools.extend", step, stream=stream)
