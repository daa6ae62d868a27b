"""Publishing and withdrawing offers.

An offer binds its supplier until `valid_until`, up to its capacity, with his deposit held for
all of it. Breaks have rising lots
and prices that never rise. All acts on the offers of a cell stand in one order, its stream.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.catalogue.queries import InstrumentView, check_cell
from aggregator.catalogue.tenors import Cell, after_month
from aggregator.errors import InvalidField, MarketError, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.mandates.checking import require
from aggregator.mandates.drawing import SELL, Commitment
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.timers import clear_timer, set_timer
from aggregator.supply import audiences, deposits
from aggregator.supply.facts import OfferExpired, OfferPublished, OfferWithdrawn
from matching.money import Rounding, scaled

MAX_BREAKS = 50
MAX_STANDING = 5
EXPIRE = "supply.expire"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """What a supplier offers in a cell.

    `breaks` are (from lots, goods price per lot); a total is a multiple of `pack` and the
    totals of all who take from the offer never exceed `capacity_lots`. Without `valid_until`
    the offer stands until the delivery month is over. One that is not public is shown to the
    groups `shown_to`, to the firms of the tier `from_tier` and above and to those of a class, the
    industry `for_kind` or the size `for_size` or both at once, and to nobody else.
    """

    cell: Cell
    breaks: tuple[tuple[int, int], ...]
    capacity_lots: int
    pack: int = 1
    is_public: bool = True
    shown_to: tuple[str, ...] = ()
    from_tier: str | None = None
    for_kind: str | None = None
    for_size: str | None = None
    valid_until: datetime | None = None


@dataclass
class TooManyOffers(MarketError):
    """A firm stands with so many offers in a cell; withdrawing one makes room for another."""

    code = "too_many_offers"
    cell: str
    max_offers: int


def stream_of(cell: str) -> str:
    return f"supply:{cell}"


async def publish_offer(
    market: Market, actor: Actor, command: Command | None, terms: OfferTerms
) -> Outcome:
    """Publish a binding offer of the actor's firm.

    Raises:
        NotFound: the instrument does not exist, or a group that it is to be shown to.
        InvalidField: a term breaks its rule; a price that rises is one, a tier that is not
            in force another.
        InsufficientFunds: the firm has not the deposit for the whole capacity.
        TooManyOffers: so many of the firm's stand in the cell already.

    """

    async def step(unit: Unit) -> Answer:
        return await publish_within(unit, terms)

    # A cell that does not exist must not leave a stream behind.
    await check_cell(terms.cell)
    return await market.perform(
        actor, "supply.offer", step, command=command, stream=stream_of(str(terms.cell))
    )


async def publish_within(unit: Unit, terms: OfferTerms) -> Answer:
    """Publish an offer of the actor's firm in the caller's transaction, as `publish_offer`."""
    traded = await check_cell(terms.cell, unit)
    until = check_against(traded, terms, unit.now)
    await _check_room(unit, str(terms.cell))
    return await _publish(unit, traded, terms, until)


def check_against(traded: InstrumentView, terms: OfferTerms, now: datetime) -> datetime:
    """Refuse terms that break a rule of their instrument; return until when they stand."""
    _check_breaks(traded, terms.breaks)
    _check_lots(traded, terms)
    _check_audience(terms)
    return _checked_validity(now, terms)


async def withdraw_offer(market: Market, actor: Actor, command: Command, offer_id: str) -> Outcome:
    """Take an own offer back; what was taken of it before stays bound.

    Raises:
        NotFound: no such offer of the actor's firm.
        WrongState: it no longer stands.

    """

    async def step(unit: Unit) -> Answer:
        return await withdraw_within(unit, offer_id)

    actor.require("supply.offer")
    seller_id, cell = await _owner_and_cell(offer_id)
    if seller_id != actor.organisation_id:
        raise NotFound("offer")
    return await market.perform(
        actor, "supply.offer", step, command=command, stream=stream_of(cell)
    )


async def withdraw_within(unit: Unit, offer_id: str) -> Answer:
    """Take an offer of the actor's firm back in the caller's transaction.

    Raises:
        WrongState: it no longer stands.

    """
    row = await unit.row(
        "select seller_id, cell, state from offer where id = $1 for update", offer_id
    )
    assert row is not None
    assert row["seller_id"] == unit.actor.organisation_id
    if row["state"] != "standing":
        raise WrongState(row["state"], "standing")
    await _end(unit, offer_id, "withdrawn")
    fact = OfferWithdrawn(offer_id, row["seller_id"], row["cell"])
    await clear_timer(unit, EXPIRE, offer_id)
    await unit.record(stream_of(row["cell"]), fact)
    return {"offer_id": offer_id, "state": "withdrawn"}


async def expire(market: Market, offer_id: str) -> None:
    """End an offer whose validity is over."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select seller_id, state, valid_until from offer where id = $1 for update", offer_id
        )
        assert row is not None
        if row["state"] == "standing" and unit.now >= row["valid_until"]:
            await _end(unit, offer_id, "expired")
            await unit.record(stream_of(cell), OfferExpired(offer_id, row["seller_id"], cell))
        return {}

    _, cell = await _owner_and_cell(offer_id)
    await market.perform(Actor.SYSTEM, "supply.expire", step, stream=stream_of(cell))


async def _check_room(unit: Unit, cell: str) -> None:
    row = await unit.row(
        "select count(*) as offers from offer where seller_id = $1 and cell = $2"
        " and state = 'standing' and valid_until > $3",
        unit.actor.organisation_id,
        cell,
        unit.now,
    )
    assert row is not None
    if row["offers"] >= MAX_STANDING:
        raise TooManyOffers(cell, MAX_STANDING)


async def _publish(
    unit: Unit, traded: InstrumentView, terms: OfferTerms, until: datetime
) -> Answer:
    offer_id, cell = unit.new_id("off"), terms.cell
    await unit.execute(
        "insert into offer (id, seller_id, instrument_id, region, tenor, cell, breaks, pack,"
        " capacity_lots, is_public, state, published_at, valid_until, from_tier,"
        " for_kind, for_size, size_lots) values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10,"
        " 'standing', $11, $12, $13, $14, $15, case when $16::boolean then"
        " int8range($17::bigint, $18::bigint, '[]') end)",
        offer_id,
        unit.actor.organisation_id,
        cell.instrument_id,
        cell.region,
        cell.tenor,
        str(cell),
        json.dumps(terms.breaks),
        terms.pack,
        terms.capacity_lots,
        terms.is_public,
        unit.now,
        until,
        terms.from_tier and await audiences.tier_number(unit, terms.from_tier),
        audiences.checked_kind(terms.for_kind),
        terms.for_size,
        terms.for_size is not None,
        *await audiences.size_band(unit, terms.for_size),
    )
    await audiences.show_to(unit, offer_id, terms.shown_to)
    await require(unit, commitment(offer_id, terms, traded.deposit_bps))
    await deposits.hold(unit, offer_id)
    await set_timer(unit, EXPIRE, offer_id, until)
    await unit.record(
        stream_of(str(cell)),
        OfferPublished(
            offer_id=offer_id,
            seller_id=unit.actor.organisation_id,
            owner_group=unit.actor.owner_group,
            cell=str(cell),
            breaks=terms.breaks,
            pack=terms.pack,
            capacity_lots=terms.capacity_lots,
            is_public=terms.is_public,
            valid_until=until,
        ),
    )
    return {"offer_id": offer_id, "state": "standing", "valid_until": unit.stamp(until)}


def commitment(offer_id: str, terms: OfferTerms, deposit_bps: int) -> Commitment:
    """Return what an offer binds its supplier to."""
    total_minor = terms.breaks[0][1] * terms.capacity_lots
    return Commitment(
        act="supply.offer",
        subject=f"offer:{offer_id}",
        instrument_id=terms.cell.instrument_id,
        region=terms.cell.region,
        tenor=terms.cell.tenor,
        side=SELL,
        lots=terms.capacity_lots,
        price_minor=min(price_minor for _, price_minor in terms.breaks),
        amount_minor=total_minor,
        deposit_minor=scaled(total_minor, deposit_bps, 10_000, Rounding.UP),
    )


async def _end(unit: Unit, offer_id: str, state: str) -> None:
    await unit.execute("update offer set state = $2 where id = $1", offer_id, state)
    await deposits.adjust(unit, offer_id)


async def _owner_and_cell(offer_id: str) -> tuple[str, str]:
    found = await Pool().rows("select seller_id, cell from offer where id = $1", offer_id)
    if not found:
        raise NotFound("offer")
    return found[0]["seller_id"], found[0]["cell"]


def _check_audience(terms: OfferTerms) -> None:
    kept_for = {
        "/shown_to": len(terms.shown_to),
        "/from_tier": terms.from_tier,
        "/for_kind": terms.for_kind,
        "/for_size": terms.for_size,
    }
    for pointer, figure in kept_for.items():
        if terms.is_public and figure:
            raise InvalidField(pointer, "only where the offer is not public", figure)


def _check_breaks(traded: InstrumentView, breaks: Sequence[tuple[int, int]]) -> None:
    if not 1 <= len(breaks) <= MAX_BREAKS:
        raise InvalidField("/breaks", f"1 to {MAX_BREAKS} breaks", len(breaks))
    for place, (lots, price_minor) in enumerate(breaks):
        traded.check_lots(lots, f"/breaks/{place}/from_lots")
        traded.check_price(price_minor, f"/breaks/{place}/price")
        if not place:
            continue
        lots_before, price_before = breaks[place - 1]
        if lots <= lots_before:
            pointer = f"/breaks/{place}/from_lots"
            raise InvalidField(pointer, f"more than {lots_before}, the break before", lots)
        if price_minor > price_before:
            pointer = f"/breaks/{place}/price"
            rule = f"never more than the break before: {price_before} minor units"
            raise InvalidField(pointer, rule, price_minor)


def _check_lots(traded: InstrumentView, terms: OfferTerms) -> None:
    traded.check_lots(terms.pack, "/pack")
    traded.check_lots(terms.capacity_lots, "/capacity_lots")
    least = max(terms.pack, terms.breaks[0][0])
    if terms.capacity_lots < least:
        rule = f"at least {least}, a pack and the first break"
        raise InvalidField("/capacity_lots", rule, terms.capacity_lots)
    most = terms.capacity_lots - terms.capacity_lots % terms.pack
    for place, (lots, _) in enumerate(terms.breaks):
        if lots > most:
            rule = f"at most {most}, the whole packs of the capacity"
            raise InvalidField(f"/breaks/{place}/from_lots", rule, lots)


def _checked_validity(now: datetime, terms: OfferTerms) -> datetime:
    month_over = after_month(terms.cell.tenor)
    if month_over <= now:
        raise InvalidField("/tenor", "a delivery month that is not over", terms.cell.tenor)
    until = terms.valid_until or month_over
    if not now < until <= month_over:
        rule = "later than now, at most the end of the delivery month"
        raise InvalidField("/valid_until", rule, Unit.stamp(until))
    return until
