"""The close: pools and prices are computed once, on the pledges and offers then standing.

What the offers' price breaks earn is certified before anything is awarded. `breaks` awards it
at once; `both` reserves it and lets suppliers undercut it in an auction; `auction` takes it
as ceiling only. Who gets nothing is told why and has his deposit back in the same act. What
the checker refuses awards nothing: the pool lapses and the operator is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aggregator.auctions.opening import AuctionTerms, open_within
from aggregator.catalogue.queries import instrument
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.pools import awarding, store
from aggregator.pools.certifying import Certified, Inputs, certify, inputs_of, keep
from aggregator.pools.facts import (
    FormedGroup,
    GroupAuctioned,
    GroupMember,
    LeftOut,
    PledgesLeftOut,
    PoolClosed,
    PoolLapsed,
    PoolNotCertified,
    PoolProlonged,
)
from aggregator.pools.firming import begin_if_due
from aggregator.pools.store import PledgeRow, PoolRow
from aggregator.scheduler.timers import clear_timer, set_timer
from aggregator.supply import capacity
from aggregator.supply import queries as supply
from aggregator.supply.offering import stream_of as supply_stream
from aggregator.supply.queries import OfferView
from matching.money import Rounding, scaled

NOT_CERTIFIED = "not_certified"
CHANGED = "changed"
ATTEMPTS = 3


async def close(market: Market, pool_id: str) -> None:
    """Close a pool whose time is over; closing again changes nothing.

    What the largest cells need seconds for is computed before the transaction that awards it,
    which finds the same pledges and offers or has it computed anew. Suppliers who come and go
    all the while put off the close no more than a few times: then it is computed as they wait.
    """
    found = await store.load(Pool(), pool_id)
    # In the order of the cell's offers: what the close counts on cannot go meanwhile.
    stream = supply_stream(str(found.cell))
    for attempt in range(1, ATTEMPTS + 1):
        ahead = await _certified_ahead(market, pool_id)

        async def step(
            unit: Unit, ahead: Certified | None = ahead, *, is_last: bool = attempt == ATTEMPTS
        ) -> Answer:
            pool = await store.locked(unit, pool_id)
            if pool.state not in (store.GATHERING, store.FIRMING):
                return {}
            if unit.now < pool.closes_at:
                await set_timer(unit, store.CLOSE_TIMER, pool_id, pool.closes_at)
                return {}
            pool = await begin_if_due(unit, pool)
            pledges = await store.pledges(unit, pool.id, "standing")
            offers = await supply.lock_standing(unit, str(pool.cell))
            inputs = await _inputs(unit, pool, pledges, offers)
            if ahead is None or ahead.inputs != inputs:
                if not is_last:
                    return {"state": CHANGED}
                ahead = await _certified_now(unit, inputs)
            await _close(unit, pool, pledges, ahead)
            return {}

        outcome = await market.perform(Actor.SYSTEM, store.CLOSE_TIMER, step, stream=stream)
        if outcome.answer.get("state") != CHANGED:
            return


async def _certified_ahead(market: Market, pool_id: str) -> Certified | None:
    """Compute the close of a pool that is due, with no transaction open."""
    async with market.reading() as unit:
        pool = await store.load(unit, pool_id)
        if pool.state not in (store.GATHERING, store.FIRMING) or unit.now < pool.closes_at:
            return None
        pledges = await store.pledges(unit, pool_id, "standing")
        offers = await supply.binding(unit, str(pool.cell), unit.now)
        inputs = await _inputs(unit, pool, pledges, offers)
    return await asyncio.to_thread(certify, inputs)


async def _certified_now(unit: Unit, inputs: Inputs) -> Certified:
    """Compute the close while its inputs are locked, the session never so idle as to be cut."""
    computing = asyncio.get_running_loop().run_in_executor(None, certify, inputs)
    while not computing.done():
        await asyncio.wait([computing], timeout=1)
        await unit.rows("select 1 as waiting")
    return await computing


async def _inputs(
    unit: Unit, pool: PoolRow, pledges: Sequence[PledgeRow], offers: Sequence[OfferView]
) -> Inputs:
    traded = await instrument(pool.instrument_id, unit)
    return inputs_of(pool, pledges, offers, currency=traded.currency, fees=traded.fees)


async def _close(
    unit: Unit, pool: PoolRow, pledges: Sequence[PledgeRow], certified: Certified
) -> None:
    await keep(unit, pool.id, certified)
    is_reached = certified.result is not None and bool(certified.result.pools)
    if certified.broken:
        operators = await store.operators(unit)
        fact = PoolNotCertified(pool.id, str(pool.cell), certified.broken, operators)
        await unit.record(store.stream_of(pool.id), fact)
    elif not is_reached and _may_prolong(pool, pledges):
        await _prolong(unit, pool, tuple(pledge.organisation_id for pledge in pledges))
        return
    await clear_timer(unit, store.FIRMING_TIMER, pool.id)
    await store.set_state(unit, pool.id, store.CLOSED)
    groups = _groups(certified, pledges)
    closed = PoolClosed(pool.id, str(pool.cell), groups, certified.inputs_sha256)
    await unit.record(store.stream_of(pool.id), closed)
    left_out = await _leave_out(unit, pledges, certified)
    if not is_reached:
        await store.set_state(unit, pool.id, store.LAPSED)
        await unit.record(store.stream_of(pool.id), PoolLapsed(pool.id, str(pool.cell), left_out))
        return
    if left_out:
        left = PledgesLeftOut(pool.id, str(pool.cell), left_out)
        await unit.record(store.stream_of(pool.id), left)
    for group in groups:
        await _keep(unit, pool, group)
    for group in groups:
        await _buy(unit, pool, group, pledges)


def _may_prolong(pool: PoolRow, pledges: Sequence[PledgeRow]) -> bool:
    if pool.is_prolonged or not pool.prolong_minutes or not pledges:
        return False
    return all(pledge.agrees_to_prolong for pledge in pledges)


async def _prolong(unit: Unit, pool: PoolRow, members: tuple[str, ...]) -> None:
    """Go on once, in firming: nobody who agreed may leave what he agreed to."""
    closes_at = unit.now + timedelta(minutes=pool.prolong_minutes)
    await unit.execute(
        "update pool set is_prolonged = true, closes_at = $2 where id = $1", pool.id, closes_at
    )
    await set_timer(unit, store.CLOSE_TIMER, pool.id, closes_at)
    prolonged = PoolProlonged(pool.id, str(pool.cell), closes_at, members)
    await unit.record(store.stream_of(pool.id), prolonged)


def _groups(certified: Certified, pledges: Sequence[PledgeRow]) -> tuple[FormedGroup, ...]:
    """Return the groups by their first members' arrival, members in order of arrival."""
    if certified.result is None:
        return ()
    by_id = {pledge.id: pledge for pledge in pledges}
    formed = []
    for found in certified.result.pools:
        members = [
            GroupMember(member.pledge, by_id[member.pledge].organisation_id, member.lots)
            for member in sorted(found.members, key=lambda m: by_id[m.pledge].seq)
        ]
        formed.append((found.offer, found.goods_minor, found.lots, tuple(members)))
    formed.sort(key=lambda group: by_id[group[3][0].pledge_id].seq)
    return tuple(FormedGroup(number, *group) for number, group in enumerate(formed, start=1))


async def _leave_out(
    unit: Unit, pledges: Sequence[PledgeRow], certified: Certified
) -> tuple[LeftOut, ...]:
    if certified.result is None:
        reasons = {pledge.id: NOT_CERTIFIED for pledge in pledges}
    else:
        reasons = {left.pledge: left.reason for left in certified.result.unmatched}
    left_out = []
    for pledge in pledges:
        reason = reasons.get(pledge.id)
        if reason is not None:
            await store.leave_out(unit, pledge.id, pledge.hold_id, reason)
            left_out.append(LeftOut(pledge.id, pledge.organisation_id, reason))
    return tuple(left_out)


async def _keep(unit: Unit, pool: PoolRow, group: FormedGroup) -> None:
    """Store a group and, where the offer stands for it, reserve its lots."""
    is_reserved = pool.mode != store.AUCTION
    if is_reserved:
        await capacity.take(unit, group.offer_id, group.lots)
    await unit.execute(
        "insert into pool_group (pool_id, number, offer_id, goods_minor, lots, is_reserved, state)"
        " values ($1, $2, $3, $4, $5, $6, 'formed')",
        pool.id,
        group.number,
        group.offer_id,
        group.goods_minor,
        group.lots,
        is_reserved,
    )
    for member in group.members:
        await unit.execute(
            "update pledge set state = 'grouped', group_number = $2, awarded_lots = $3"
            " where id = $1",
            member.pledge_id,
            group.number,
            member.lots,
        )


async def _buy(unit: Unit, pool: PoolRow, group: FormedGroup, pledges: Sequence[PledgeRow]) -> None:
    """Award a group by its offer's break, or open the auction that may better it."""
    if pool.mode == store.BREAKS:
        await awarding.award_standing(unit, pool, group.number)
        return
    closes_at = unit.now + timedelta(minutes=pool.auction_minutes)
    traded = await instrument(pool.instrument_id, unit)
    taking = {member.pledge_id for member in group.members}
    terms = AuctionTerms(
        side="buy",
        cell=pool.cell,
        lots=group.lots,
        # One winner takes the whole volume; several bid for what they can deliver of it.
        min_lots=group.lots if pool.max_share is None else 1,
        max_share=_share(pool, group.lots),
        all_lots_or_none=True,
        # What is reserved already counts at an equal price: it was there first.
        reserve_minor=None if pool.mode == store.AUCTION else group.goods_minor - traded.tick_minor,
        reserve_is_public=pool.mode != store.AUCTION,
        improve="auto" if pool.max_share is None else "own",
        closes_at=closes_at,
        start_minor=group.goods_minor,
        barred_groups=tuple(sorted({p.owner_group for p in pledges if p.id in taking})),
    )
    auction_id = await open_within(unit, terms, awarding.reference_of(pool.id, group.number))
    await unit.execute(
        "update pool_group set state = 'auctioned', auction_id = $3"
        " where pool_id = $1 and number = $2",
        pool.id,
        group.number,
        auction_id,
    )
    auctioned = GroupAuctioned(pool.id, group.number, auction_id, group.goods_minor, closes_at)
    await unit.record(store.stream_of(pool.id), auctioned)


def _share(pool: PoolRow, lots: int) -> int | None:
    """Return the pool's greatest share in per cent, or a little more where whole lots need it.

    As many suppliers as the shares make room for can then deliver all: two of 50 % 51 and 50 lots.
    """
    if pool.max_share is None:
        return None
    fewest = scaled(100, 1, pool.max_share, Rounding.UP)
    least_lots = scaled(lots, 1, fewest, Rounding.UP)
    return max(pool.max_share, scaled(100, least_lots, lots, Rounding.UP))
