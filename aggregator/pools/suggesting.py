"""The next pool for a buyer, from his own settled history and what everybody may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.catalogue.queries import instrument
from aggregator.deals.history import Habit, OwnPrice, habits, last_price
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor
from aggregator.pools.sight import SEEN, eyes

ACT = "demand.read"
MAX_POOLS = 20


@dataclass(frozen=True, slots=True)
class OpenPool:
    """A pool that still takes pledges; `is_joined` when the asker's firm is in."""

    pool_id: str
    tenor: str
    phase: str
    firming_at: datetime
    closes_at: datetime
    is_joined: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a buyer usually needs, what he paid last, and where he may get it next.

    `lots`, `limit_minor` and `freight_minor` are proposed: his usual month, and his last
    landed price, down to the tick, with its freight.
    """

    instrument_id: str
    region: str
    currency: str
    lots: int
    limit_minor: int
    freight_minor: int
    last: OwnPrice
    pools: Sequence[OpenPool]


async def suggestions(
    actor: Actor, now: datetime, reader: Reader | None = None
) -> list[Suggestion]:
    """Return a suggestion for each instrument and region that the actor's firm buys."""
    actor.require(ACT)
    source = reader or Pool()
    found = []
    for habit in await habits(source, actor.organisation_id, now):
        last = await last_price(source, actor.organisation_id, habit.instrument_id, habit.region)
        if last is not None:
            found.append(await _suggestion(source, actor, now, habit, last))
    return found


async def _suggestion(
    source: Reader, actor: Actor, now: datetime, habit: Habit, last: OwnPrice
) -> Suggestion:
    traded = await instrument(habit.instrument_id, source)
    return Suggestion(
        instrument_id=habit.instrument_id,
        region=habit.region,
        currency=last.currency,
        lots=min(habit.monthly_lots, traded.max_lots),
        limit_minor=last.landed_minor - last.landed_minor % traded.tick_minor,
        freight_minor=last.freight_minor,
        last=last,
        pools=await _open_pools(source, actor, now, habit),
    )


async def _open_pools(source: Reader, actor: Actor, now: datetime, habit: Habit) -> list[OpenPool]:
    """Return the pools of the habit that are open, the earliest month first."""
    found = await source.rows(
        "select p.id as pool_id, p.tenor, case when p.firming_at <= $5 then 'firming'"
        " else p.state end as phase, p.firming_at, p.closes_at, exists (select from pledge l"
        " where l.pool_id = p.id and l.organisation_id = $1 and l.state = 'standing')"
        f" as is_joined from pool p where {SEEN} and p.instrument_id = $3 and p.region = $4"
        " and p.state in ('gathering', 'firming') and p.closes_at > $5"
        " order by p.tenor, p.closes_at, p.id limit $6",
        *eyes(actor),
        habit.instrument_id,
        habit.region,
        now,
        MAX_POOLS,
    )
    return [OpenPool(**dict(row)) for row in found]
