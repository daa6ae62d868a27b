"""The next pool for a buyer, from his own settled history and what everybody may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.deals.history import Habit, OwnPrice, habits, last_price
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor
from aggregator.pools.landed import landed
from aggregator.pools.queries import state_of
from aggregator.pools.sight import SEEN, eyes
from matching.pools.progress import envelope

ACT = "demand.read"
MAX_POOLS = 20


@dataclass(frozen=True, slots=True)
class Reach:
    """A price break within a limit: from how many lots on, and its landed price to the asker."""

    from_lots: int
    landed_minor: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A limit for one pool, and the first price break that it reaches.

    It is the last price paid; where that reaches no break, it `is_raised` to the lowest landed
    price there is. Without any offer nothing is known to be reached.
    """

    limit_minor: int
    reach: Reach | None = None
    is_raised: bool = False


@dataclass(frozen=True, slots=True)
class OpenPool:
    """A pool that still takes pledges; `is_joined` when the asker's firm is in."""

    pool_id: str
    tenor: str
    phase: str
    firming_at: datetime
    closes_at: datetime
    is_joined: bool
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a buyer usually needs, what he paid last, and where he may get it next.

    `lots`, `limit_minor` and `freight_minor` are proposed: his usual month, and his last
    landed price, down to the tick, with its freight. What a pool asks beyond is its `proposal`.
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
    tick_minor = traded.tick_minor
    limit_minor = last.landed_minor - last.landed_minor % tick_minor
    return Suggestion(
        instrument_id=habit.instrument_id,
        region=habit.region,
        currency=last.currency,
        lots=min(habit.monthly_lots, traded.max_lots),
        limit_minor=limit_minor,
        freight_minor=last.freight_minor,
        last=last,
        pools=[
            OpenPool(
                **row,
                proposal=await _proposal(
                    source,
                    row["pool_id"],
                    limit_minor=limit_minor,
                    freight_minor=last.freight_minor,
                    tick_minor=tick_minor,
                ),
            )
            for row in await _open_pools(source, actor, now, habit)
        ],
    )


async def _proposal(
    source: Reader, pool_id: str, *, limit_minor: int, freight_minor: int, tick_minor: int
) -> Proposal:
    """Return a limit that reaches a price break of the pool, as its public offers stand."""
    state = await state_of(source, pool_id)
    opened = state.opened
    assert opened is not None
    reaches = [
        Reach(from_lots, landed(price_minor, freight_minor, opened.fees).landed_minor)
        for from_lots, price_minor in envelope(state.offers.values())
    ]
    if not reaches:
        return Proposal(limit_minor)
    within = [reach for reach in reaches if reach.landed_minor <= limit_minor]
    if within:
        return Proposal(limit_minor, within[0])
    lowest = reaches[-1]
    return Proposal(-(-lowest.landed_minor // tick_minor) * tick_minor, lowest, is_raised=True)


async def _open_pools(
    source: Reader, actor: Actor, now: datetime, habit: Habit
) -> list[dict[str, Any]]:
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
    return [dict(row) for row in found]
