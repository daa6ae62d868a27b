"""From a formed group to deals: the better of standing offer and auction, for each member one.

One goods price for all members, each his own freight; of several suppliers each is paid what he
bid, and the members share that (`dealing`). At an equal price the standing offer counts: it was
there first, and its lots are reserved.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.auctions.facts import AuctionAwarded, AuctionFailed
from aggregator.market import Unit
from aggregator.pools import store
from aggregator.pools.dealing import SOURCE, deal_out
from aggregator.pools.facts import LeftOut, PledgesLeftOut, PoolAwarded, PoolLapsed, Supplied
from aggregator.pools.store import GroupRow, PledgeRow, PoolRow
from aggregator.supply import capacity, deposits
from aggregator.supply import queries as supply
from matching.pools.sourcing import Supply, goods_price

AUCTION_FAILED = "auction_failed"


def reference_of(pool_id: str, number: int) -> str:
    """Return the name by which an auction tells its group how it ended."""
    return f"{SOURCE}:{pool_id}:{number}"


async def on_auction_awarded(unit: Unit, fact: AuctionAwarded) -> None:
    """Buy a group's lots of who won them; other auctions are none of ours.

    Such an auction awards all lots or none, and none that is no better than what is reserved.
    """
    found = await _auctioned(unit, fact.reference)
    if found is None:
        return
    pool, group = found
    won = tuple(Supplied(award.bidder, award.lots, award.price_minor) for award in fact.awards)
    is_whole = sum(sold.lots for sold in won) == group.lots
    if not is_whole or (group.is_reserved and _price(won) >= group.goods_minor):
        # Opened by an earlier version, whose rules held less.
        await _without_auction(unit, pool, group)
        return
    if group.is_reserved:
        await capacity.give_back(unit, group.offer_id, group.lots)
        # An offer that ended meanwhile kept its deposit for these lots.
        await deposits.adjust(unit, group.offer_id)
    await _award(unit, pool, group, by="auction", suppliers=won)


async def on_auction_failed(unit: Unit, fact: AuctionFailed) -> None:
    """Let the reserved offer count, or the group lapse where nothing is reserved."""
    found = await _auctioned(unit, fact.reference)
    if found is not None:
        await _without_auction(unit, *found)


async def award_standing(unit: Unit, pool: PoolRow, number: int) -> None:
    """Award a group by the break of its offer, whose lots are reserved."""
    group = await store.group(unit, pool.id, number)
    seller_id = await supply.seller_of(unit, group.offer_id)
    sold = Supplied(seller_id, group.lots, group.goods_minor)
    await _award(unit, pool, group, by="offer", suppliers=(sold,))


async def _auctioned(unit: Unit, reference: str) -> tuple[PoolRow, GroupRow] | None:
    """Return the group that waits for the auction of this reference."""
    source, _, rest = reference.partition(":")
    pool_id, _, number = rest.rpartition(":")
    if source != SOURCE or not pool_id:
        return None
    pool = await store.locked(unit, pool_id)
    group = await store.group(unit, pool_id, int(number))
    return (pool, group) if group.state == "auctioned" else None


def _price(suppliers: Sequence[Supplied]) -> int:
    """Return the one goods price of what these sell."""
    return goods_price([Supply(sold.lots, sold.goods_minor) for sold in suppliers])


async def _without_auction(unit: Unit, pool: PoolRow, group: GroupRow) -> None:
    if group.is_reserved:
        await award_standing(unit, pool, group.number)
        return
    left_out = []
    for pledge in await _members(unit, pool.id, group.number):
        await store.leave_out(unit, pledge.id, pledge.hold_id, AUCTION_FAILED)
        left_out.append(LeftOut(pledge.id, pledge.organisation_id, AUCTION_FAILED))
    await unit.execute(
        "update pool_group set state = 'lapsed' where pool_id = $1 and number = $2",
        pool.id,
        group.number,
    )
    is_over = await _end_if_decided(unit, pool.id) == store.LAPSED
    fact = PoolLapsed if is_over else PledgesLeftOut
    await unit.record(store.stream_of(pool.id), fact(pool.id, str(pool.cell), tuple(left_out)))


async def _award(
    unit: Unit, pool: PoolRow, group: GroupRow, *, by: str, suppliers: tuple[Supplied, ...]
) -> None:
    if by == "offer":
        await deposits.bind(unit, group.offer_id, group.lots)
    awards = await deal_out(unit, pool, await _members(unit, pool.id, group.number), suppliers)
    assert sum(award.lots for award in awards) == group.lots
    first, goods_minor = suppliers[0], _price(suppliers)
    await unit.execute(
        "update pool_group set state = 'awarded', seller_id = $3, paid_goods_minor = $4"
        " where pool_id = $1 and number = $2",
        pool.id,
        group.number,
        first.seller_id,
        goods_minor,
    )
    await _end_if_decided(unit, pool.id)
    awarded = PoolAwarded(
        pool_id=pool.id,
        cell=str(pool.cell),
        number=group.number,
        by=by,
        seller_id=first.seller_id,
        goods_minor=goods_minor,
        lots=group.lots,
        awards=tuple(awards),
        suppliers=suppliers if len(suppliers) > 1 else (),
    )
    await unit.record(store.stream_of(pool.id), awarded)


async def _end_if_decided(unit: Unit, pool_id: str) -> str:
    """End the pool once each of its groups is bought or lapsed; return its state."""
    states = await store.group_states(unit, pool_id)
    if "formed" in states or "auctioned" in states:
        return store.CLOSED
    ended = store.AWARDED if "awarded" in states else store.LAPSED
    await store.set_state(unit, pool_id, ended)
    return ended


async def _members(unit: Unit, pool_id: str, number: int) -> list[PledgeRow]:
    found = await store.pledges(unit, pool_id, "grouped")
    return [pledge for pledge in found if pledge.group_number == number]
