"""A supplier's sealed offer to the whole bundle, with his deposit held for all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.errors import Conflict, InvalidField, NotFound, WrongState
from aggregator.forwards import places, store, talks
from aggregator.forwards.facts import StripOfferPlaced
from aggregator.forwards.instance import MAX_PRICE_MINOR, check_readable
from aggregator.forwards.store import Strip
from aggregator.ledger import accounts, holds
from aggregator.mandates.checking import require
from aggregator.mandates.drawing import SELL, Commitment, Spread
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from matching.money import Rounding, scaled

MAX_STEPS = 50
MAX_BREAKS = 50
MAX_STORAGE = 24


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """A schedule over the months: `steps` tenor → (lots, price per lot), cheapest first.

    `breaks` are (total lots, rebate per lot): from so many lots in all months together, the
    rebate counts for every lot of the offer. `storage` is (first month, later month, lots,
    carry per lot): room in which lots of the one month, also other mills', are kept for the
    other; the firm buys them in the one and sells them in the other.
    """

    steps: Mapping[str, Sequence[tuple[int, int]]]
    capacity: int
    min_total: int = 1
    breaks: Sequence[tuple[int, int]] = ()
    storage: Sequence[tuple[str, str, int, int]] = ()

    @property
    def stored_lots(self) -> int:
        return sum(lots for _, _, lots, _ in self.storage)


async def place_offer(
    market: Market, actor: Actor, command: Command | None, strip_id: str, terms: OfferTerms
) -> Outcome:
    """Place a sealed offer, in place of one's earlier one.

    Raises:
        InvalidField: a step, capacity or break breaks its rule.
        InsufficientFunds: the firm has not the deposit for the dearest lots it may sell.
        WrongState: the window is not open.
        Conflict: the firm's owner group already orders in this strip.
        NotFound: the window's talks are with another firm.

    """

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        if strip.rounds == talks.COUNTER:
            return await _counter(unit, strip, terms)
        if strip.rounds == talks.CLOCK:
            raise WrongState("clock_runs", "sealed_offers")
        strip.require_open(unit.now)
        return await stand(unit, strip, terms)

    return await market.perform(
        actor, "forwards.offer", step, command=command, stream=store.stream_of(strip_id)
    )


async def stand(unit: Unit, strip: Strip, terms: OfferTerms) -> Answer:
    """Let the actor's offer stand in place of his earlier one, with its deposit held."""
    actor, strip_id = unit.actor, strip.id
    await store.require_one_side(unit, strip_id, actor.owner_group, "strip_order")
    traded = await instrument(strip.instrument_id, unit)
    _check(strip, traded, terms)
    await _check_keeper(unit, strip, terms)
    check_readable(strip, traded.tick_minor, offers=[_row(actor, terms)])
    await unit.execute(
        "update strip_offer set state = 'withdrawn' where strip_id = $1"
        " and organisation_id = $2 and state = 'standing'",
        strip_id,
        actor.organisation_id,
    )
    await _free(unit, strip_id, actor.organisation_id)
    deposit_minor = _deposit(traded, terms)
    await require(unit, _commitment(strip, terms, deposit_minor))
    offer_id = unit.new_id("off")
    hold_id = await _hold(unit, strip, traded.currency, deposit_minor)
    seq = await store.next_seq(unit, "strip_offer", strip_id)
    await unit.execute(
        "insert into strip_offer (id, strip_id, organisation_id, steps, capacity, min_total,"
        " breaks, storage, seq, state, placed_at, hold_id)"
        " values ($1, $2, $3, $4::jsonb, $5, $6, $7::jsonb, $8::jsonb, $9, 'standing', $10, $11)",
        offer_id,
        strip_id,
        actor.organisation_id,
        json.dumps({tenor: list(steps) for tenor, steps in sorted(terms.steps.items())}),
        terms.capacity,
        terms.min_total,
        json.dumps(list(terms.breaks)),
        json.dumps(list(terms.storage)),
        seq,
        unit.now,
        hold_id,
    )
    await unit.record(
        store.stream_of(strip_id),
        StripOfferPlaced(strip_id, offer_id, actor.organisation_id, seq),
    )
    return {"offer_id": offer_id, "strip_id": strip_id, "at": unit.stamp(unit.now)}


def written(terms: OfferTerms) -> dict[str, Any]:
    """Return an offer as a round's terms, which `terms_of` reads back."""
    return {
        "steps": {t: [list(step) for step in steps] for t, steps in sorted(terms.steps.items())},
        "capacity": terms.capacity,
        "min_total": terms.min_total,
        "breaks": [list(one) for one in terms.breaks],
        "storage": [list(one) for one in terms.storage],
    }


def terms_of(said: Mapping[str, Any]) -> OfferTerms:
    return OfferTerms(
        {tenor: [(lots, price) for lots, price in steps] for tenor, steps in said["steps"].items()},
        said["capacity"],
        said["min_total"],
        [(lots, rebate) for lots, rebate in said["breaks"]],
        [(source, target, lots, carry) for source, target, lots, carry in said.get("storage", ())],
    )


async def _counter(unit: Unit, strip: Strip, terms: OfferTerms) -> Answer:
    """Answer the bundle with an offer: it stands until the bundle takes or counters it."""
    rules = talks.counter_terms(strip)
    if unit.actor.organisation_id != rules.seller_id:
        raise NotFound("strip")
    talks.require_talking(strip, talks.COUNTER, unit.now)
    answer = await stand(unit, strip, terms)
    told = await store.operators(unit)
    opened = await talks.open_round(unit, strip, talks.SELLER, written(terms), told=told)
    return {**answer, "round": opened.number, "terms_sha256": opened.terms_sha256}


async def _free(unit: Unit, strip_id: str, organisation_id: str) -> None:
    """Free the deposit of the own offer that is replaced."""
    row = await unit.row(
        "select hold_id from strip_offer where strip_id = $1 and organisation_id = $2"
        " and hold_id is not null order by seq desc limit 1",
        strip_id,
        organisation_id,
    )
    if row is not None:
        await holds.void(unit, row["hold_id"])


def _deposit(traded: InstrumentView, terms: OfferTerms) -> int:
    """Return the instrument's share of what the dearest lots within the capacity are offered at.

    A stored lot counts twice, bought and sold, at the dearest price of the offer and its carry.
    """
    dearest = max(price for steps in terms.steps.values() for _, price in steps)
    left = terms.capacity
    goods_minor = sum(2 * lots * (dearest + carry) for _, _, lots, carry in terms.storage)
    offered = [(price, lots) for steps in terms.steps.values() for lots, price in steps]
    for price_minor, lots in sorted(offered, reverse=True):
        goods_minor += price_minor * min(lots, left)
        left -= min(lots, left)
    return scaled(goods_minor, traded.deposit_bps, 10_000, Rounding.UP)


async def _hold(unit: Unit, strip: Strip, currency: str, amount_minor: int) -> str | None:
    if not amount_minor:
        return None
    cash = await accounts.ensure(unit, unit.actor.organisation_id, accounts.CASH, currency)
    return await holds.place(unit, cash, amount_minor, f"strip:{strip.id}")


def _commitment(strip: Strip, terms: OfferTerms, deposit_minor: int) -> Commitment:
    prices = [price_minor for steps in terms.steps.values() for _, price_minor in steps]
    lots = terms.capacity + terms.stored_lots
    return Commitment(
        act="forwards.offer",
        subject=f"strip:{strip.id}",
        instrument_id=strip.instrument_id,
        region=strip.region,
        tenor=strip.tenors[0],
        side=SELL,
        lots=lots,
        price_minor=min(prices) - max((rebate for _, rebate in terms.breaks), default=0),
        amount_minor=max(prices) * lots,
        deposit_minor=deposit_minor,
        spread=_spread(terms),
    )


def _spread(terms: OfferTerms) -> Spread:
    """Return the most lots that an offer sells or takes into storage in each month."""
    most = {
        tenor: min(terms.capacity, sum(lots for lots, _ in steps))
        for tenor, steps in terms.steps.items()
    }
    for source, target, lots, _ in terms.storage:
        for tenor in (source, target):
            most[tenor] = most.get(tenor, 0) + lots
    return tuple(sorted(most.items()))


def _row(actor: Actor, terms: OfferTerms) -> dict[str, object]:
    return {
        "id": "new",
        "organisation_id": actor.organisation_id,
        "steps": terms.steps,
        "capacity": terms.capacity,
        "min_total": terms.min_total,
        "breaks": terms.breaks,
        "storage": terms.storage,
        "seq": 1,
    }


def _check(strip: Strip, traded: InstrumentView, terms: OfferTerms) -> None:
    if not terms.steps:
        raise InvalidField("/steps", "at least one month", 0)
    for tenor, steps in terms.steps.items():
        if tenor not in strip.tenors:
            raise InvalidField("/steps", f"one of {', '.join(strip.tenors)}", tenor[:20])
        if not 1 <= len(steps) <= MAX_STEPS:
            raise InvalidField(f"/steps/{tenor}", f"1 to {MAX_STEPS} steps", len(steps))
        for i, (lots, price_minor) in enumerate(steps):
            traded.check_lots(lots, f"/steps/{tenor}/{i}/lots")
            traded.check_price(price_minor, f"/steps/{tenor}/{i}/price")
            if price_minor > MAX_PRICE_MINOR:
                rule = f"at most {MAX_PRICE_MINOR}"
                raise InvalidField(f"/steps/{tenor}/{i}/price", rule, price_minor)
            if i and price_minor < steps[i - 1][1]:
                raise InvalidField(
                    f"/steps/{tenor}/{i}/price", "not below the step before", price_minor
                )
    traded.check_lots(terms.capacity, "/capacity")
    offered = sum(lots for steps in terms.steps.values() for lots, _ in steps)
    most = min(terms.capacity, offered)
    if not 1 <= terms.min_total <= most:
        raise InvalidField("/min_total", f"1 to the {most} lots offered", terms.min_total)
    _check_breaks(traded, terms)
    _check_storage(strip, traded, terms)


def _check_breaks(traded: InstrumentView, terms: OfferTerms) -> None:
    if len(terms.breaks) > MAX_BREAKS:
        raise InvalidField("/breaks", f"at most {MAX_BREAKS}", len(terms.breaks))
    cheapest = min(steps[0][1] for steps in terms.steps.values())
    for i, (lots, rebate_minor) in enumerate(terms.breaks):
        traded.check_lots(lots, f"/breaks/{i}/lots")
        traded.check_price(rebate_minor, f"/breaks/{i}/rebate")
        if rebate_minor >= cheapest:
            raise InvalidField(f"/breaks/{i}/rebate", "less than every price", rebate_minor)
        if i and (lots <= terms.breaks[i - 1][0] or rebate_minor <= terms.breaks[i - 1][1]):
            raise InvalidField(f"/breaks/{i}", "rising lots and rebates", lots)


def _check_storage(strip: Strip, traded: InstrumentView, terms: OfferTerms) -> None:
    if len(terms.storage) > MAX_STORAGE:
        raise InvalidField("/storage", f"at most {MAX_STORAGE}", len(terms.storage))
    routes: set[tuple[str, str]] = set()
    for i, (source, target, lots, carry_minor) in enumerate(terms.storage):
        for name, tenor in (("from", source), ("to", target)):
            if tenor not in strip.tenors:
                rule = f"one of {', '.join(strip.tenors)}"
                raise InvalidField(f"/storage/{i}/{name}", rule, tenor[:20])
        if target <= source:
            raise InvalidField(f"/storage/{i}/to", "a month after the first", target)
        if (source, target) in routes:
            raise InvalidField(f"/storage/{i}", "each pair of months once", f"{source} {target}")
        routes.add((source, target))
        traded.check_lots(lots, f"/storage/{i}/lots")
        traded.check_price(carry_minor, f"/storage/{i}/carry")
        if carry_minor > MAX_PRICE_MINOR:
            raise InvalidField(f"/storage/{i}/carry", f"at most {MAX_PRICE_MINOR}", carry_minor)


async def _check_keeper(unit: Unit, strip: Strip, terms: OfferTerms) -> None:
    """Refuse storage without a place, or beside another offer of the same owners.

    Who keeps lots may have to take them from other mills: goods need a place, and no two firms
    of one owner group trade with each other.
    """
    actor = unit.actor
    if terms.storage and await places.first_of(unit, actor.organisation_id, strip.region) is None:
        rule = "a firm with a receiving place in the region"
        raise InvalidField("/storage", rule, actor.organisation_id)
    row = await unit.row(
        "select 1 as found from strip_offer f join organisation o on o.id = f.organisation_id"
        " where f.strip_id = $1 and f.state = 'standing' and o.owner_group = $2"
        " and f.organisation_id <> $3 and (f.storage <> '[]' or $4) limit 1",
        strip.id,
        actor.owner_group,
        actor.organisation_id,
        bool(terms.storage),
    )
    if row is not None:
        raise Conflict("both_sides")
