"""Who sees a pool that opened with early sight, until everybody does.

For who does not see it yet it is not there: not in a list, not under its id, not on the feed, and
he can no more join it than one that does not exist. Who opened it, who is in it and the market's
own desks see it always. What forms at the close depends on the pledges alone, whenever they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.errors import InvalidField, NotFound
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.parties.permissions import MARKET_ROLES
from aggregator.pools import store
from aggregator.pools.facts import PoolShown, Sight
from aggregator.scheduler.timers import set_timer
from aggregator.standing.privileges import rulebook
from matching.standing.sighting import sights

TIMER = "pools.show"
HOUR = timedelta(hours=1)
SEEN = (
    "(p.seen_from_tier = 0 or $2 or p.opened_by = $1"
    " or exists (select from standing_tier t where t.organisation_id = $1"
    " and t.tier >= p.seen_from_tier) or exists (select from pledge l where l.pool_id = p.id"
    " and l.organisation_id = $1))"
)
"""Whether the pool `p` is seen; $1 and $2 are `eyes` of who asks."""


def eyes(actor: Actor | None) -> tuple[str | None, bool]:
    """Return whose firm asks, and whether it is for a desk of the market."""
    if actor is None:
        return None, False
    return actor.organisation_id, bool(actor.roles & MARKET_ROLES)


@dataclass(frozen=True, slots=True)
class Early:
    """A pool's early sight as frozen: the hours of each tier, and the steps that they make."""

    hours: tuple[int, ...] = ()
    steps: tuple[Sight, ...] = ()
    from_tier: int = 0


async def early(unit: Unit, firming_at: datetime) -> Early:
    """Return the early sight of a pool that opens now.

    Raises:
        InvalidField: less than half of the gathering would be left to all others.

    """
    tiers = (await rulebook(unit.now, unit)).tiers
    hours = tuple(tier.early_hours for tier in tiers)
    steps = sights(hours)
    longest, _ = steps[-1]
    if firming_at - unit.now < 2 * longest:
        least = 2 * (longest // HOUR)
        raise InvalidField("/has_early_sight", f"only where it gathers for {least} hours", least)
    shown = tuple(Sight(tiers[tier].name, unit.now + after) for after, tier in steps)
    return Early(hours, shown, steps[0][1]) if longest else Early()


async def check_seen(reader: Reader, actor: Actor | None, pool_id: str) -> None:
    """Raise NotFound where the actor sees no such pool."""
    query = f"select from pool p where {SEEN} and p.id = $3"
    if not await reader.rows(query, *eyes(actor), pool_id):
        raise NotFound("pool")


async def show(market: Market, pool_id: str) -> None:
    """Ring: let more tiers see the pool, as far as it is time; ringing again changes nothing."""

    async def step(unit: Unit) -> Answer:
        pool = await store.locked(unit, pool_id)
        age = unit.now - pool.opened_at
        tier = min((tier for after, tier in sights(pool.early_hours) if after <= age), default=None)
        if tier is not None and tier < pool.seen_from_tier:
            await unit.execute("update pool set seen_from_tier = $2 where id = $1", pool_id, tier)
            await unit.record(store.stream_of(pool_id), PoolShown(pool_id, tier))
        await set_next(unit, pool_id, pool.opened_at, pool.early_hours)
        return {}

    await store.load(Pool(), pool_id)
    await market.perform(Actor.SYSTEM, TIMER, step, stream=store.stream_of(pool_id))


async def set_next(
    unit: Unit, pool_id: str, opened_at: datetime, early_hours: Sequence[int]
) -> None:
    """Set the timer of the next step, if there is one."""
    for after, _ in sights(early_hours):
        if opened_at + after > unit.now:
            await set_timer(unit, TIMER, pool_id, opened_at + after)
            return
