"""After a member's default: its lots for who was left out, at the same goods price.

When a member's deal lapses unpaid, its lots are offered for 24 hours to left-out pledges of
the same pool, higher tiers first and then in order of arrival, each at most its firm lots, as
far as the lots go. What is declined or not answered goes to the next. A pledge is asked when
its limit bears the price, its size fits the sizes of the window, and with it enough owner
groups buy. Nobody's price changes; what nobody takes is the supplier's again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.catalogue.tenors import after_month
from aggregator.deals.facts import DealLapsed
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.parties.queries import owner_groups
from aggregator.pools import store
from aggregator.pools.facts import (
    ShareFreed,
    SubstituteExpired,
    SubstituteExtended,
    SubstituteOffered,
    SubstitutionEnded,
)
from aggregator.pools.landed import deposit, landed
from aggregator.pools.store import PartRow, PledgeRow, PoolRow
from aggregator.scheduler.timers import set_timer
from aggregator.standing.privileges import lowered
from aggregator.supply import capacity, deposits

ANSWER_TIME = timedelta(hours=24)
TIMER = "pools.substitute"


@dataclass(frozen=True, slots=True)
class Share:
    """The lots of one lapsed deal, and how many of them nobody has taken yet."""

    id: str
    pool_id: str
    number: int
    freed_deal_id: str
    left_lots: int
    state: str


@dataclass(frozen=True, slots=True)
class Substitute:
    """A pledge that was asked to take part of a share."""

    id: str
    substitution_id: str
    pledge_id: str
    lots: int
    state: str
    until: datetime


async def on_deal_lapsed(unit: Unit, fact: DealLapsed) -> None:
    """Offer the lots of a member who did not pay; other deals are none of ours."""
    freed = await store.part_of(unit, fact.deal_id)
    if freed is None:
        return
    pool = await store.locked(unit, freed.pool_id)
    share = Share(
        id=unit.new_id("sub"),
        pool_id=pool.id,
        number=freed.number,
        freed_deal_id=fact.deal_id,
        left_lots=freed.lots,
        state="open",
    )
    await unit.execute(
        "insert into pool_substitution (id, pool_id, number, freed_deal_id, lots, left_lots,"
        " state, opened_at) values ($1, $2, $3, $4, $5, $5, 'open', $6)",
        share.id,
        pool.id,
        share.number,
        share.freed_deal_id,
        share.left_lots,
        unit.now,
    )
    told = ShareFreed(pool.id, share.number, fact.deal_id, share.left_lots, freed.seller_id)
    await unit.record(store.stream_of(pool.id), told)
    await offer_on(unit, pool, share)


async def offer_on(unit: Unit, pool: PoolRow, share: Share) -> None:
    """Offer what of a share is neither taken nor on offer to the next in order, or end it."""
    asked = await _asked(unit, share.id)
    pending = sum(one.lots for one in asked if one.state == "offered")
    free = share.left_lots - pending
    freed = await freed_part(unit, share)
    while free:
        found = await _next(unit, pool, freed, [one.pledge_id for one in asked])
        if found is None:
            break
        offered = await _offer(unit, pool, freed, share, found, min(free, found.lots))
        asked.append(offered)
        free -= offered.lots
        pending += offered.lots
    if not pending:
        await _end(unit, pool, freed, share)


async def freed_part(unit: Unit, share: Share) -> PartRow:
    """Return what the lapsed deal was: its supplier and his price stay as they were."""
    freed = await store.part_of(unit, share.freed_deal_id)
    assert freed is not None
    return freed


async def is_open(unit: Unit, pool_id: str, number: int) -> bool:
    """Tell whether lots of a group are still on offer to others."""
    found = await unit.row(
        "select 1 from pool_substitution where pool_id = $1 and number = $2 and state = 'open'"
        " limit 1",
        pool_id,
        number,
    )
    return found is not None


async def expire(market: Market, substitute_id: str) -> None:
    """Ring when nobody answered in time; ringing again changes nothing."""

    async def step(unit: Unit) -> Answer:
        pool = await store.locked(unit, pool_id)
        share, asked = await locked_offer(unit, substitute_id)
        if asked.state != "offered":
            return {}
        if unit.now < asked.until:
            await set_timer(unit, TIMER, asked.id, asked.until)
            return {}
        await set_answer(unit, asked.id, "expired")
        pledge = await store.pledge(unit, pool.id, asked.pledge_id)
        fact = SubstituteExpired(pool.id, asked.id, pledge.id, pledge.organisation_id, asked.lots)
        await unit.record(store.stream_of(pool.id), fact)
        await offer_on(unit, pool, share)
        return {}

    found = await Pool().rows(
        "select s.pool_id from pool_substitute a join pool_substitution s"
        " on s.id = a.substitution_id where a.id = $1",
        substitute_id,
    )
    pool_id = str(found[0]["pool_id"])
    await market.perform(Actor.SYSTEM, TIMER, step, stream=store.stream_of(pool_id))


async def extend(
    market: Market, ended_at: datetime, *, began_at: datetime, left: timedelta
) -> None:
    """Leave so much time after an outage to whoever had time to answer during it."""
    found = await Pool().rows(
        "select a.id, s.pool_id from pool_substitute a join pool_substitution s"
        " on s.id = a.substitution_id where a.state = 'offered' and a.until > $1"
        " and a.until < $2 order by a.id",
        began_at,
        ended_at + left,
    )
    for row in found:
        await _extend(market, row["pool_id"], row["id"], ended_at + left)


async def locked_offer(unit: Unit, substitute_id: str) -> tuple[Share, Substitute]:
    """Return an offer and its share; the pool's stream must be locked."""
    asked = await unit.row(f"select {_ASKED} from pool_substitute where id = $1", substitute_id)
    assert asked is not None
    offered = Substitute(**dict(asked))
    row = await unit.row(
        "select id, pool_id, number, freed_deal_id, left_lots, state from pool_substitution"
        " where id = $1",
        offered.substitution_id,
    )
    assert row is not None
    return Share(**dict(row)), offered


async def set_answer(
    unit: Unit, substitute_id: str, state: str, deal_id: str | None = None
) -> None:
    await unit.execute(
        "update pool_substitute set state = $2, deal_id = $3 where id = $1",
        substitute_id,
        state,
        deal_id,
    )


_ASKED = "id, substitution_id, pledge_id, lots, state, until"


async def _asked(unit: Unit, share_id: str) -> list[Substitute]:
    found = await unit.rows(
        f"select {_ASKED} from pool_substitute where substitution_id = $1 order by id", share_id
    )
    return [Substitute(**dict(row)) for row in found]


async def _next(unit: Unit, pool: PoolRow, part: PartRow, asked: Sequence[str]) -> PledgeRow | None:
    """Return the first left-out pledge that may take lots of the share."""
    if after_month(pool.tenor) <= unit.now + ANSWER_TIME:
        return None
    fees = (await instrument(pool.instrument_id, unit)).fees
    freed = await store.pledge(unit, pool.id, part.pledge_id)
    # Who did not pay does not come back through another of his firms.
    barred = {freed.owner_group, *(await owner_groups([part.seller_id], unit)).values()}
    window = await _window(unit, pool.id, part.number)
    waiting = {row["pledge_id"] for row in await unit.rows(_WAITING, pool.id)}
    for pledge in sorted(await store.pledges(unit, pool.id, "left_out"), key=store.in_turn):
        if pledge.id in asked or pledge.id in waiting or pledge.owner_group in barred:
            continue
        price = landed(part.goods_minor, pledge.freight_minor, fees)
        if price.landed_minor <= pledge.limit_minor and _fits(pool, window, pledge):
            return pledge
    return None


_WAITING = (
    "select a.pledge_id from pool_substitute a join pool_substitution s"
    " on s.id = a.substitution_id where s.pool_id = $1 and a.state = 'offered'"
)


async def _window(unit: Unit, pool_id: str, number: int) -> list[PledgeRow]:
    """Return who buys in a group: its members but for lapsed ones, and those asked."""
    members = await store.pledges(unit, pool_id, "awarded")
    standing = await unit.rows(
        "select distinct pledge_id from pool_part p where pool_id = $1 and number = $2 and not"
        " exists (select 1 from pool_substitution where freed_deal_id = p.deal_id)",
        pool_id,
        number,
    )
    buying_ids = {row["pledge_id"] for row in standing}
    asked = await unit.rows(f"{_WAITING} and s.number = $2", pool_id, number)
    waiting = {row["pledge_id"] for row in asked}
    buying = [pledge for pledge in members if pledge.id in buying_ids]
    left_out = await store.pledges(unit, pool_id, "left_out")
    return buying + [pledge for pledge in left_out if pledge.id in waiting]


def _fits(pool: PoolRow, window: Sequence[PledgeRow], pledge: PledgeRow) -> bool:
    """Tell whether the window with the pledge is lawful: similar sizes, enough groups."""
    after = [*window, pledge]
    sizes = [one.size_lots for one in after]
    is_similar = max(sizes) * pool.similarity_d <= min(sizes) * pool.similarity_n
    return is_similar and len({one.owner_group for one in after}) >= pool.min_members


def deposit_of(traded: InstrumentView, pledge: PledgeRow, lots: int) -> int:
    """Return what is set aside for freed lots, by the tier that the pledge was made in."""
    return lowered(deposit(pledge.limit_minor, lots, traded.deposit_bps), pledge.deposit_off_bps)


async def _offer(
    unit: Unit, pool: PoolRow, part: PartRow, share: Share, pledge: PledgeRow, lots: int
) -> Substitute:
    until = unit.now + ANSWER_TIME
    asked = Substitute(unit.new_id("sbt"), share.id, pledge.id, lots, "offered", until)
    await unit.execute(
        "insert into pool_substitute (id, substitution_id, pledge_id, lots, state, until)"
        " values ($1, $2, $3, $4, 'offered', $5)",
        asked.id,
        share.id,
        pledge.id,
        lots,
        until,
    )
    await set_timer(unit, TIMER, asked.id, until)
    traded = await instrument(pool.instrument_id, unit)
    price = landed(part.goods_minor, pledge.freight_minor, traded.fees)
    fact = SubstituteOffered(
        pool_id=pool.id,
        number=part.number,
        substitute_id=asked.id,
        pledge_id=pledge.id,
        organisation_id=pledge.organisation_id,
        lots=lots,
        goods_minor=price.goods_minor,
        freight_minor=price.freight_minor,
        fee_minor=price.fee_minor,
        landed_minor=price.landed_minor,
        until=until,
        deposit_minor=deposit_of(traded, pledge, lots),
    )
    await unit.record(store.stream_of(pool.id), fact)
    return asked


async def _end(unit: Unit, pool: PoolRow, part: PartRow, share: Share) -> None:
    group = await store.group(unit, pool.id, part.number)
    if share.left_lots and group.is_by_offer:
        await capacity.give_back(unit, group.offer_id, share.left_lots)
        await deposits.unbind(unit, group.offer_id, share.left_lots)
    await unit.execute(
        "update pool_substitution set state = 'ended', ended_at = $2 where id = $1",
        share.id,
        unit.now,
    )
    fact = SubstitutionEnded(
        pool.id, share.number, share.freed_deal_id, part.seller_id, share.left_lots
    )
    await unit.record(store.stream_of(pool.id), fact)


async def _extend(market: Market, pool_id: str, substitute_id: str, until: datetime) -> None:
    async def step(unit: Unit) -> Answer:
        pool = await store.locked(unit, pool_id)
        _, asked = await locked_offer(unit, substitute_id)
        if asked.state != "offered" or asked.until >= until:
            return {}
        await unit.execute(
            "update pool_substitute set until = $2 where id = $1", substitute_id, until
        )
        await set_timer(unit, TIMER, substitute_id, until)
        pledge = await store.pledge(unit, pool.id, asked.pledge_id)
        fact = SubstituteExtended(pool.id, substitute_id, pledge.organisation_id, until)
        await unit.record(store.stream_of(pool.id), fact)
        return {}

    await market.perform(Actor.SYSTEM, "pools.extend", step, stream=store.stream_of(pool_id))
