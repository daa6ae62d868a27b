"""A left-out member's answer to lots that another's default set free."""

from __future__ import annotations

from dataclasses import replace

from aggregator.catalogue.queries import instrument
from aggregator.deals.formation import form_deal
from aggregator.demand import sending as demand
from aggregator.errors import NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.mandates.checking import require
from aggregator.mandates.drawing import BUY, Commitment
from aggregator.market import Actor, Answer, Command, Market, Outcome, Step, Unit
from aggregator.pools import store, substituting
from aggregator.pools.dealing import terms_of
from aggregator.pools.errors import SubstituteIsOver
from aggregator.pools.facts import (
    MemberAward,
    SubstituteAwarded,
    SubstituteDeclined,
    Supplied,
)
from aggregator.pools.landed import landed
from aggregator.pools.sight import check_seen
from aggregator.pools.store import PledgeRow, PoolRow
from aggregator.pools.substituting import Share, Substitute

ACT = "pools.substitute"


async def accept(
    market: Market,
    actor: Actor,
    command: Command | None,
    pool_id: str,
    pledge_id: str,
    *,
    only_offer: str | None = None,
) -> Outcome:
    """Take the freed lots: a deal with the group's supplier at the group's goods price.

    With `only_offer` those of that offer alone.

    Raises:
        NotFound: no such pledge of the actor's firm, or nothing was ever offered to it.
        WrongState: the offer is answered or over, or another one than `only_offer`.
        SubstituteIsOver: its instant has come.
        BeyondMandate: the firm's policy binds pledges and no mandate covers this one.
        InsufficientFunds: the deposit is not available.

    """

    async def step(unit: Unit) -> Answer:
        pool, pledge, share, asked = await _offered(unit, pool_id, pledge_id)
        if only_offer not in (None, asked.id):
            raise WrongState("replaced", "offered")
        award, seller_id = await _buy(unit, pool, pledge, share, asked)
        fact = SubstituteAwarded(pool.id, str(pool.cell), share.number, asked.id, seller_id, award)
        await unit.record(store.stream_of(pool.id), fact)
        left = replace(share, left_lots=share.left_lots - asked.lots)
        await substituting.offer_on(unit, pool, left)
        return {
            "pool_id": pool.id,
            "pledge_id": pledge.id,
            "deal_id": award.deal_id,
            "lots": award.lots,
            "goods_minor": award.goods_minor,
            "freight_minor": award.freight_minor,
            "fee_minor": award.fee_minor,
            "landed_minor": award.landed_minor,
        }

    return await _perform(market, actor, command, pool_id, step)


async def decline(
    market: Market, actor: Actor, command: Command, pool_id: str, pledge_id: str
) -> Outcome:
    """Leave the freed lots to the next in order; raises as `accept` does, but for funds."""

    async def step(unit: Unit) -> Answer:
        pool, pledge, share, asked = await _offered(unit, pool_id, pledge_id)
        await substituting.set_answer(unit, asked.id, "declined")
        fact = SubstituteDeclined(pool.id, asked.id, pledge.id, pledge.organisation_id, asked.lots)
        await unit.record(store.stream_of(pool.id), fact)
        await substituting.offer_on(unit, pool, share)
        return {"pool_id": pool.id, "pledge_id": pledge.id, "state": "declined"}

    return await _perform(market, actor, command, pool_id, step)


async def standing_offer(actor: Actor, pledge_id: str) -> str:
    """Return the offer of freed lots that waits for an answer of the actor's pledge.

    Raises:
        NotFound: there is none.

    """
    found = await Pool().rows(
        "select s.id from pool_substitute s join pledge p on p.id = s.pledge_id"
        " where p.id = $1 and p.organisation_id = $2 and s.state = 'offered'",
        pledge_id,
        actor.organisation_id,
    )
    if not found:
        raise NotFound("substitute")
    return str(found[0]["id"])


async def on_substitute_awarded(unit: Unit, fact: SubstituteAwarded) -> None:
    """Note that a request's pledge was awarded after all."""
    await demand.bought(unit, fact.award.pledge_id, fact.award.deal_id)


async def _perform(
    market: Market, actor: Actor, command: Command | None, pool_id: str, step: Step
) -> Outcome:
    actor.require(ACT)
    await check_seen(Pool(), actor, pool_id)
    stream = store.stream_of(pool_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def _offered(
    unit: Unit, pool_id: str, pledge_id: str
) -> tuple[PoolRow, PledgeRow, Share, Substitute]:
    pool = await store.locked(unit, pool_id)
    pledge = await store.pledge(unit, pool_id, pledge_id)
    if pledge.organisation_id != unit.actor.organisation_id:
        raise NotFound("pledge")
    found = await unit.rows(
        "select id from pool_substitute where pledge_id = $1"
        " order by state = 'offered' desc, until desc, id desc limit 1",
        pledge_id,
    )
    if not found:
        raise NotFound("substitute")
    share, asked = await substituting.locked_offer(unit, found[0]["id"])
    if asked.state != "offered":
        raise WrongState(asked.state, "offered")
    if unit.now >= asked.until:
        raise SubstituteIsOver(asked.until)
    return pool, pledge, share, asked


async def _buy(
    unit: Unit, pool: PoolRow, pledge: PledgeRow, share: Share, asked: Substitute
) -> tuple[MemberAward, str]:
    traded = await instrument(pool.instrument_id, unit)
    freed = await substituting.freed_part(unit, share)
    price = landed(freed.goods_minor, pledge.freight_minor, traded.fees)
    assert price.landed_minor <= pledge.limit_minor, "nobody pays above his limit"
    deposit_minor = substituting.deposit_of(traded, pledge, asked.lots)
    await require(unit, _commitment(pool, asked.lots, price.landed_minor, deposit_minor))
    hold_id = await store.hold(unit, pool.id, traded.currency, deposit_minor)
    taking = replace(pledge, awarded_lots=asked.lots, hold_id=hold_id)
    sold = Supplied(freed.seller_id, asked.lots, freed.goods_minor)
    deal_id = await form_deal(unit, await terms_of(unit, pool, taking, sold))
    taken = replace(freed, deal_id=deal_id, pledge_id=pledge.id, lots=asked.lots)
    await store.add_part(unit, taken)
    await unit.execute(
        "update pledge set state = 'awarded', reason = null, group_number = $2,"
        " awarded_lots = $3, deal_id = $4, hold_id = $5, deposit_minor = $6 where id = $1",
        pledge.id,
        share.number,
        asked.lots,
        deal_id,
        hold_id,
        deposit_minor,
    )
    await substituting.set_answer(unit, asked.id, "accepted", deal_id)
    await unit.execute(
        "update pool_substitution set left_lots = left_lots - $2 where id = $1",
        share.id,
        asked.lots,
    )
    award = MemberAward(
        pledge_id=pledge.id,
        organisation_id=pledge.organisation_id,
        lots=asked.lots,
        goods_minor=price.goods_minor,
        freight_minor=price.freight_minor,
        fee_minor=price.fee_minor,
        landed_minor=price.landed_minor,
        deal_id=deal_id,
    )
    return award, freed.seller_id


def _commitment(pool: PoolRow, lots: int, landed_minor: int, deposit_minor: int) -> Commitment:
    """Return what taking freed lots binds to; what the pledge itself took of a mandate is free."""
    return Commitment(
        act="pools.pledge",
        subject=f"pool:{pool.id}",
        instrument_id=pool.instrument_id,
        region=pool.region,
        tenor=pool.cell.tenor,
        side=BUY,
        lots=lots,
        price_minor=landed_minor,
        amount_minor=landed_minor * lots,
        deposit_minor=deposit_minor,
    )
