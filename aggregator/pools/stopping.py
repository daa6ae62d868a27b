"""The operator's hand on a pool: two persons stop it, whoever opened it, and it ends unbought.

One proposes with a public reason; within a quarter of an hour another one approves, and only then
anything happens: every pledge is left out and its deposit is free in the same act. Until its close
only; what is bought by then stays bought.
"""

from __future__ import annotations

from datetime import timedelta

from aggregator.errors import NotFound, SamePerson, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Step, Unit
from aggregator.parties.names import checked_name
from aggregator.pools import sight, stating, store
from aggregator.pools.facts import LeftOut, PoolLapsed
from aggregator.pools.motions import PoolStopped, PoolStopProposed
from aggregator.pools.queries import state_of
from aggregator.pools.store import PoolRow
from aggregator.scheduler.timers import clear_timer

ACT = "pools.stop"
STANDS_FOR = timedelta(minutes=15)
STOPPED = "stopped"
_TIMERS = (store.FIRMING_TIMER, store.CLOSE_TIMER, stating.TIMER, sight.TIMER)


async def propose(
    market: Market, actor: Actor, command: Command, pool_id: str, *, reason: str
) -> Outcome:
    """Propose to stop a pool; a proposal replaces the one before it.

    Raises:
        NotFound: there is no such pool.
        InvalidField: the reason breaks its rule.
        WrongState: the pool has closed.

    """
    said = checked_name(reason, "/reason")

    async def step(unit: Unit) -> Answer:
        await _live(unit, pool_id)
        until = unit.now + STANDS_FOR
        motion = PoolStopProposed(pool_id, unit.new_id("mot"), said, unit.actor.person_id, until)
        await unit.record(store.stream_of(pool_id), motion)
        return {
            "pool_id": pool_id,
            "motion_id": motion.motion_id,
            "reason": said,
            "expires_at": unit.stamp(until),
        }

    return await _perform(market, actor, command, pool_id, step)


async def approve(
    market: Market, actor: Actor, command: Command, pool_id: str, motion_id: str
) -> Outcome:
    """Stop a pool as another person of the operator has proposed.

    Raises:
        NotFound: there is no such pool, or nothing is proposed under this id.
        SamePerson: nobody approves what he proposed himself.
        WrongState: the proposal has expired, or the pool has closed.

    """

    async def step(unit: Unit) -> Answer:
        pool = await _live(unit, pool_id)
        motion = (await state_of(unit, pool_id)).stop
        if motion is None or motion.motion_id != motion_id:
            raise NotFound("motion")
        if motion.person_id == unit.actor.person_id:
            raise SamePerson(motion_id)
        if unit.now >= motion.expires_at:
            raise WrongState("expired", "proposed")
        await _stop(unit, pool, PoolStopped(pool_id, motion_id, unit.actor.person_id))
        return {"pool_id": pool_id, "phase": store.LAPSED, "reason": motion.reason}

    return await _perform(market, actor, command, pool_id, step)


async def _stop(unit: Unit, pool: PoolRow, stopped: PoolStopped) -> None:
    left_out = []
    for pledge in await store.pledges(unit, pool.id, "standing"):
        await store.leave_out(unit, pledge.id, pledge.hold_id, STOPPED)
        left_out.append(LeftOut(pledge.id, pledge.organisation_id, STOPPED))
    for timer in _TIMERS:
        await clear_timer(unit, timer, pool.id)
    await store.set_state(unit, pool.id, store.LAPSED)
    # What was hidden from some tiers is over now, and nobody's secret.
    await unit.execute("update pool set seen_from_tier = 0 where id = $1", pool.id)
    lapsed = PoolLapsed(pool.id, str(pool.cell), tuple(left_out))
    await unit.record(store.stream_of(pool.id), stopped, lapsed)


async def _live(unit: Unit, pool_id: str) -> PoolRow:
    pool = await store.locked(unit, pool_id)
    if pool.state not in (store.GATHERING, store.FIRMING):
        raise WrongState(pool.state, store.GATHERING)
    return pool


async def _perform(
    market: Market, actor: Actor, command: Command, pool_id: str, step: Step
) -> Outcome:
    actor.require(ACT)
    await store.load(Pool(), pool_id)
    stream = store.stream_of(pool_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)
