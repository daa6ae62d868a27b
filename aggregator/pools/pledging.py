"""A member's share of a pool: joining, changing, leaving.

While the pool gathers everything may change. In firming a pledge only grows: more lots, a
higher limit, less freight of one's own; nobody leaves. The deposit is held in the same act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.errors import InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool, Reader
from aggregator.ledger import holds
from aggregator.mandates.checking import require
from aggregator.mandates.drawing import BUY, Commitment
from aggregator.market import Actor, Answer, Command, Market, Outcome, Step, Unit
from aggregator.pools import store
from aggregator.pools.errors import (
    AlreadyPledged,
    ChangesAreSpent,
    ConsentStays,
    FreightOnlyFalls,
    LimitOnlyRises,
    LotsOnlyRise,
    NoLeavingInFirming,
    PoolIsClosed,
    PoolIsFull,
    RelatedOffer,
)
from aggregator.pools.facts import PledgeChanged, PledgeJoined, PledgeWithdrawn
from aggregator.pools.firming import begin_if_due
from aggregator.pools.landed import deposit, net_limit
from aggregator.pools.sight import check_seen
from aggregator.pools.sizes import SETTLED, Size, check_near, size_of
from aggregator.pools.store import PledgeRow, PoolRow
from aggregator.standing.privileges import lowered, place_held
from aggregator.supply import queries as supply
from matching.money import MAX_TOTAL_MINOR

MAX_PLEDGES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeTerms:
    """What a member asks for.

    `lots` are firm, `tolerance_lots` what he would take more; `limit_minor` is the highest
    landed price per lot before tax, `freight_minor` his own freight in it. `size_lots`
    declares his usual month; without it what is known of him counts.
    """

    lots: int
    limit_minor: int
    tolerance_lots: int = 0
    freight_minor: int = 0
    size_lots: int | None = None
    agrees_to_prolong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeChange:
    """What is to be different; None leaves it as it is."""

    lots: int | None = None
    limit_minor: int | None = None
    tolerance_lots: int | None = None
    freight_minor: int | None = None
    agrees_to_prolong: bool | None = None


async def pledge(
    market: Market, actor: Actor, command: Command | None, pool_id: str, terms: PledgeTerms
) -> Outcome:
    """Join a pool with a binding pledge.

    Raises:
        NotFound: there is no such pool.
        PoolIsClosed: the closing instant has come.
        AlreadyPledged: the firm has a pledge here.
        SizeLocked, SizeNotNearRequest, RelatedOffer, PoolIsFull, InvalidField: a rule says no.
        ChangesAreSpent: the firm has come back or changed too often.
        InsufficientFunds: the deposit is not available.

    """

    async def step(unit: Unit) -> Answer:
        return await pledge_within(unit, pool_id, terms)

    return await perform_in(market, actor, command, pool_id, step)


async def pledge_within(unit: Unit, pool_id: str, terms: PledgeTerms) -> Answer:
    """Join for the actor's firm in the caller's transaction; raises as `pledge` does."""
    pool = await _open_pool(unit, pool_id)
    traded = await instrument(pool.instrument_id, unit)
    _check_terms(traded, terms)
    await _check_place(unit, pool)
    firm = unit.actor.organisation_id
    size = await size_of(unit, firm, traded.id, lots=terms.lots, declared_lots=terms.size_lots)
    return await _join(unit, pool, traded, terms, size)


async def change(
    market: Market,
    actor: Actor,
    command: Command | None,
    pool_id: str,
    pledge_id: str,
    wanted: PledgeChange,
) -> Outcome:
    """Change an own pledge; its size stays as it is.

    Raises:
        NotFound: no such pledge of the actor's firm.
        LotsOnlyRise, LimitOnlyRises, FreightOnlyFalls: in firming something was lowered.
        ConsentStays: in firming the consent to a prolongation was taken back.
        ChangesAreSpent: the firm has come back or changed too often.
        PoolIsClosed, SizeNotNearRequest, InvalidField, InsufficientFunds: as for `pledge`.

    """

    async def step(unit: Unit) -> Answer:
        pool = await _open_pool(unit, pool_id)
        stands = await own_pledge(unit, unit.actor.organisation_id, pool_id, pledge_id)
        traded = await instrument(pool.instrument_id, unit)
        after = merged(stands, wanted)
        _check_terms(traded, after)
        if after.lots != stands.lots and stands.size_from != SETTLED:
            check_near(after.size_lots, after.lots)
        if pool.state == store.FIRMING:
            _check_forward(pool, stands, after)
        return await _change(unit, pool, traded, stands, after)

    return await perform_in(market, actor, command, pool_id, step)


async def withdraw(
    market: Market, actor: Actor, command: Command, pool_id: str, pledge_id: str
) -> Outcome:
    """Leave a pool that gathers; the deposit is free again.

    Raises:
        NotFound: no such pledge of the actor's firm.
        NoLeavingInFirming: firming has begun.
        PoolIsClosed: the closing instant has come.

    """

    async def step(unit: Unit) -> Answer:
        return await withdraw_within(unit, pool_id, pledge_id)

    return await perform_in(market, actor, command, pool_id, step)


async def withdraw_within(unit: Unit, pool_id: str, pledge_id: str) -> Answer:
    """Leave for the actor's firm in the caller's transaction; raises as `withdraw` does."""
    pool = await _open_pool(unit, pool_id)
    stands = await own_pledge(unit, unit.actor.organisation_id, pool_id, pledge_id)
    if pool.state == store.FIRMING:
        raise NoLeavingInFirming(pool_id, pool.firming_at)
    if stands.hold_id is not None:
        await holds.void(unit, stands.hold_id)
    await unit.execute("update pledge set state = 'withdrawn' where id = $1", pledge_id)
    fact = PledgeWithdrawn(pool_id, pledge_id, stands.organisation_id)
    await unit.record(store.stream_of(pool_id), fact)
    return {"pool_id": pool_id, "pledge_id": pledge_id, "state": "withdrawn"}


async def perform_in(
    market: Market, actor: Actor, command: Command | None, pool_id: str, step: Step
) -> Outcome:
    """Carry out a step of a member in the order of the pool's stream."""
    actor.require("pools.pledge")
    await check_seen(Pool(), actor, pool_id)  # an unknown id must not leave a stream behind
    stream = store.stream_of(pool_id)
    return await market.perform(actor, "pools.pledge", step, command=command, stream=stream)


async def _open_pool(unit: Unit, pool_id: str) -> PoolRow:
    pool = await store.locked(unit, pool_id)
    is_live = pool.state in (store.GATHERING, store.FIRMING)
    if not is_live or unit.now >= pool.closes_at:
        raise PoolIsClosed(pool_id, pool.closes_at)
    return await begin_if_due(unit, pool)


async def own_pledge(reader: Reader, firm: str, pool_id: str, pledge_id: str) -> PledgeRow:
    """Return a firm's pledge that stands, or raise NotFound or WrongState."""
    found = await store.pledge(reader, pool_id, pledge_id)
    if found.organisation_id != firm:
        raise NotFound("pledge")
    if found.state != "standing":
        raise WrongState(found.state, "standing")
    return found


def merged(stands: PledgeRow, wanted: PledgeChange) -> PledgeRow:
    """Return a pledge as a change leaves it."""
    given = {name: getattr(wanted, name) for name in PledgeChange.__slots__}
    return replace(stands, **{name: one for name, one in given.items() if one is not None})


async def _check_changes(unit: Unit, pool: PoolRow) -> None:
    """Refuse to come back or to change once more than is ever needed."""
    row = await unit.row(
        "select count(*) as joined, coalesce(sum(changes), 0) as changed from pledge"
        " where pool_id = $1 and organisation_id = $2",
        pool.id,
        unit.actor.organisation_id,
    )
    assert row is not None
    most = store.most_changes(pool.state)
    if row["joined"] and row["joined"] - 1 + row["changed"] >= most:
        raise ChangesAreSpent(most)


async def _check_place(unit: Unit, pool: PoolRow) -> None:
    """Refuse a second pledge, one over the number, and one against an offer of its own group."""
    standing = await store.pledges(unit, pool.id, "standing")
    for other in standing:
        if other.organisation_id == unit.actor.organisation_id:
            raise AlreadyPledged(other.id)
    if len(standing) >= MAX_PLEDGES:
        raise PoolIsFull(MAX_PLEDGES)
    for offer in await supply.standing(unit, str(pool.cell), unit.now):
        if offer.owner_group == unit.actor.owner_group:
            raise RelatedOffer(str(pool.cell))
    await _check_changes(unit, pool)


async def _join(
    unit: Unit, pool: PoolRow, traded: InstrumentView, terms: PledgeTerms, size: Size
) -> Answer:
    pledge_id = unit.new_id("plg")
    number, tier = await place_held(unit.actor.organisation_id, unit.now, unit)
    deposit_minor = lowered(_deposit(traded, terms), tier.deposit_off_bps)
    await require(unit, _commitment(pool, terms, deposit_minor))
    hold_id = await store.hold(unit, pool.id, traded.currency, deposit_minor)
    await unit.execute(
        "insert into pledge (id, pool_id, organisation_id, owner_group, lots, tolerance_lots,"
        " limit_minor, freight_minor, size_lots, size_from, agrees_to_prolong, hold_id,"
        " deposit_minor, state, joined_at, deposit_off_bps, tier) values ($1, $2, $3, $4, $5, $6,"
        " $7, $8, $9, $10, $11, $12, $13, 'standing', $14, $15, $16)",
        pledge_id,
        pool.id,
        unit.actor.organisation_id,
        unit.actor.owner_group,
        terms.lots,
        terms.tolerance_lots,
        terms.limit_minor,
        terms.freight_minor,
        size.lots,
        size.source,
        terms.agrees_to_prolong,
        hold_id,
        deposit_minor,
        unit.now,
        tier.deposit_off_bps,
        number,
    )
    await unit.record(
        store.stream_of(pool.id),
        PledgeJoined(
            pool_id=pool.id,
            pledge_id=pledge_id,
            organisation_id=unit.actor.organisation_id,
            owner_group=unit.actor.owner_group,
            lots=terms.lots,
            tolerance_lots=terms.tolerance_lots,
            limit_minor=terms.limit_minor,
            freight_minor=terms.freight_minor,
            size_lots=size.lots,
            agrees_to_prolong=terms.agrees_to_prolong,
            deposit_minor=deposit_minor,
            size_from=size.source,
            tier=tier.name if number else "",
        ),
    )
    return _answer(unit, pool, await store.pledge(unit, pool.id, pledge_id))


async def _change(
    unit: Unit, pool: PoolRow, traded: InstrumentView, stands: PledgeRow, after: PledgeRow
) -> Answer:
    if after == stands:
        return _answer(unit, pool, stands)
    await _check_changes(unit, pool)
    deposit_minor = lowered(_deposit(traded, after), stands.deposit_off_bps)
    await require(unit, _commitment(pool, after, deposit_minor))
    hold_id = stands.hold_id
    if deposit_minor != stands.deposit_minor:
        if hold_id is not None:
            await holds.void(unit, hold_id)
        hold_id = await store.hold(unit, pool.id, traded.currency, deposit_minor)
    after = replace(after, hold_id=hold_id, deposit_minor=deposit_minor)
    await unit.execute(
        "update pledge set lots = $2, tolerance_lots = $3, limit_minor = $4, freight_minor = $5,"
        " agrees_to_prolong = $6, hold_id = $7, deposit_minor = $8, changes = changes + 1"
        " where id = $1",
        after.id,
        after.lots,
        after.tolerance_lots,
        after.limit_minor,
        after.freight_minor,
        after.agrees_to_prolong,
        after.hold_id,
        after.deposit_minor,
    )
    await unit.record(
        store.stream_of(pool.id),
        PledgeChanged(
            pool_id=pool.id,
            pledge_id=after.id,
            organisation_id=after.organisation_id,
            lots=after.lots,
            tolerance_lots=after.tolerance_lots,
            limit_minor=after.limit_minor,
            freight_minor=after.freight_minor,
            agrees_to_prolong=after.agrees_to_prolong,
            deposit_minor=after.deposit_minor,
        ),
    )
    return _answer(unit, pool, after)


def _commitment(pool: PoolRow, terms: PledgeTerms | PledgeRow, deposit_minor: int) -> Commitment:
    lots = terms.lots + terms.tolerance_lots
    return Commitment(
        act="pools.pledge",
        subject=f"pool:{pool.id}",
        instrument_id=pool.instrument_id,
        region=pool.region,
        tenor=pool.cell.tenor,
        side=BUY,
        lots=lots,
        price_minor=terms.limit_minor,
        amount_minor=terms.limit_minor * lots,
        deposit_minor=deposit_minor,
    )


def _check_terms(traded: InstrumentView, terms: PledgeTerms | PledgeRow) -> None:
    traded.check_lots(terms.lots, "/lots")
    traded.check_price(terms.limit_minor, "/limit")
    if not 0 <= terms.tolerance_lots <= traded.max_lots:
        raise InvalidField("/tolerance", f"0 to {traded.max_lots} lots", terms.tolerance_lots)
    if terms.freight_minor < 0:
        raise InvalidField("/freight", "0 or more", terms.freight_minor)
    if terms.freight_minor:
        traded.check_price(terms.freight_minor, "/freight")
    if net_limit(terms.limit_minor, terms.freight_minor, traded.fees) <= 0:
        rule = f"leaves nothing of the limit {terms.limit_minor}"
        raise InvalidField("/freight", rule, terms.freight_minor)
    # Tax and fee come on top of the limit; half is room enough for them.
    most_minor = MAX_TOTAL_MINOR // 2
    total_minor = terms.limit_minor * (terms.lots + terms.tolerance_lots)
    if total_minor > most_minor:
        raise InvalidField("/lots", f"limit × lots of at most {most_minor}", total_minor)


def _check_forward(pool: PoolRow, stands: PledgeRow, after: PledgeRow) -> None:
    """Refuse what lowers a commitment."""
    if stands.agrees_to_prolong and not after.agrees_to_prolong:
        raise ConsentStays(pool.firming_at)
    if after.lots < stands.lots:
        raise LotsOnlyRise("lots", stands.lots, after.lots)
    before, now = (row.lots + row.tolerance_lots for row in (stands, after))
    if now < before:
        raise LotsOnlyRise("tolerance", before, now)
    if after.limit_minor < stands.limit_minor:
        raise LimitOnlyRises(stands.limit_minor, after.limit_minor)
    if after.freight_minor > stands.freight_minor:
        raise FreightOnlyFalls(stands.freight_minor, after.freight_minor)


def _deposit(traded: InstrumentView, terms: PledgeTerms | PledgeRow) -> int:
    lots = terms.lots + terms.tolerance_lots
    return deposit(terms.limit_minor, lots, traded.deposit_bps)


def _answer(unit: Unit, pool: PoolRow, stands: PledgeRow) -> Answer:
    return {
        "pool_id": pool.id,
        "pledge_id": stands.id,
        "phase": pool.state,
        "lots": stands.lots,
        "tolerance": stands.tolerance_lots,
        "limit_minor": stands.limit_minor,
        "freight_minor": stands.freight_minor,
        "size": stands.size_lots,
        "size_from": stands.size_from,
        "agrees_to_prolong": stands.agrees_to_prolong,
        "deposit_minor": stands.deposit_minor,
        "firming_at": unit.stamp(pool.firming_at),
        "closes_at": unit.stamp(pool.closes_at),
    }
