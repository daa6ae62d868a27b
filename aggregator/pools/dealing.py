"""The deals of an awarded group: each member with each of his suppliers, at that one's price.

Of several suppliers members owe one price all the same: the difference is levelled between their
own accounts in the same act (`matching.pools.sourcing`). Levelling is of the award: what becomes
of a deal later is settled at the deal's own price. That too is within every member's limit, as no
bid is above the price that the group had already. Who has less at the award than he is to level
pays what he has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.deals.formation import DealTerms, form_deal
from aggregator.ledger import accounts, holds, transfers
from aggregator.market import Unit
from aggregator.pools import certifying, store
from aggregator.pools.facts import MemberAward, Part, Supplied
from aggregator.pools.landed import landed
from aggregator.pools.store import PartRow, PledgeRow, PoolRow
from aggregator.standing.privileges import return_days_more
from matching.pools.sourcing import Sourced, Supply, payable, sourced

SOURCE = "pool"
LEVELLED = "pool.levelled"


async def deal_out(
    unit: Unit, pool: PoolRow, members: Sequence[PledgeRow], suppliers: Sequence[Supplied]
) -> list[MemberAward]:
    """Form the deals of a group's members and return what each of them got, in their order."""
    traded = await instrument(pool.instrument_id, unit)
    supplies = [Supply(sold.lots, sold.goods_minor) for sold in suppliers]
    plan = sourced(supplies, [_lots(member) for member in members])
    levelled = [0] * len(members)
    if len(suppliers) > 1:
        members = [await _freed(unit, member) for member in members]
        levelled = await _level(unit, pool, traded, members, plan, suppliers)
    awards = []
    for member, got, paid_minor in zip(members, plan.lots, levelled, strict=True):
        sold = [
            Supplied(one.seller_id, lots, one.goods_minor)
            for one, lots in zip(suppliers, got, strict=True)
            if lots
        ]
        parts = [await _buy(unit, pool, traded, member, part) for part in sold]
        price = landed(plan.price_minor, member.freight_minor, traded.fees)
        await unit.execute(
            "update pledge set state = 'awarded', deal_id = $2 where id = $1",
            member.id,
            parts[0].deal_id,
        )
        awards.append(
            MemberAward(
                pledge_id=member.id,
                organisation_id=member.organisation_id,
                lots=_lots(member),
                goods_minor=price.goods_minor,
                freight_minor=price.freight_minor,
                fee_minor=price.fee_minor,
                landed_minor=price.landed_minor,
                deal_id=parts[0].deal_id,
                parts=tuple(parts) if len(suppliers) > 1 else (),
                levelled_minor=paid_minor,
            )
        )
    return awards


async def terms_of(unit: Unit, pool: PoolRow, pledge: PledgeRow, sold: Supplied) -> DealTerms:
    """Return the deal of a member with a supplier."""
    return DealTerms(
        source=SOURCE,
        source_id=pool.id,
        instrument_id=pool.instrument_id,
        region=pool.region,
        tenor=pool.tenor,
        buyer_id=pledge.organisation_id,
        seller_id=sold.seller_id,
        lots=sold.lots,
        goods_minor=sold.goods_minor,
        freight_minor=pledge.freight_minor,
        deposit_off_bps=pledge.deposit_off_bps,
        return_days_more=await return_days_more(pledge.organisation_id, unit.now, unit),
        buyer_hold_ids=(pledge.hold_id,) if pledge.hold_id else (),
    )


def _lots(pledge: PledgeRow) -> int:
    assert pledge.awarded_lots is not None
    return pledge.awarded_lots


async def _freed(unit: Unit, member: PledgeRow) -> PledgeRow:
    """End the hold of a pledge here: what is levelled comes out of it first."""
    if member.hold_id is not None:
        await holds.release_for_posting(unit, member.hold_id)
    return replace(member, hold_id=None)


async def _level(
    unit: Unit,
    pool: PoolRow,
    traded: InstrumentView,
    members: Sequence[PledgeRow],
    plan: Sourced,
    suppliers: Sequence[Supplied],
) -> list[int]:
    """Move between the members what makes their prices one; return what each paid.

    It is checked, with the whole division, before anything moves.
    """
    ids = [
        await accounts.ensure(unit, member.organisation_id, accounts.CASH, traded.currency)
        for member in members
    ]
    available = {}
    for account in sorted(ids):
        balance_minor, held_minor, _ = await accounts.lock(unit, account)
        available[account] = balance_minor - held_minor
    have = [available[account] for account in ids]
    paid = payable(plan.level_minor, have)
    number = members[0].group_number
    assert number is not None
    await certifying.keep_division(
        unit,
        (pool.id, number),
        [(sold.seller_id, Supply(sold.lots, sold.goods_minor)) for sold in suppliers],
        [(member.id, _lots(member), minor) for member, minor in zip(members, have, strict=True)],
        plan,
        paid,
    )
    if any(paid):
        moved = [(account, -amount) for account, amount in zip(ids, paid, strict=True)]
        key = f"{LEVELLED}:{members[0].id}"
        await transfers.post(unit, LEVELLED, store.stream_of(pool.id), moved, key=key)
    return paid


async def _buy(
    unit: Unit, pool: PoolRow, traded: InstrumentView, member: PledgeRow, sold: Supplied
) -> Part:
    price = landed(sold.goods_minor, member.freight_minor, traded.fees)
    assert price.landed_minor <= member.limit_minor, "nobody pays above his limit"
    assert member.group_number is not None
    deal_id = await form_deal(unit, await terms_of(unit, pool, member, sold))
    part = PartRow(
        deal_id=deal_id,
        pool_id=pool.id,
        number=member.group_number,
        pledge_id=member.id,
        seller_id=sold.seller_id,
        lots=sold.lots,
        goods_minor=sold.goods_minor,
    )
    await store.add_part(unit, part)
    return Part(sold.seller_id, sold.lots, sold.goods_minor, deal_id)
