"""A buyer's forward order: placed with a deposit, cancelled until the window closes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.forwards import deposits, store, talks
from aggregator.forwards.facts import OrderCancelled, OrderPlaced
from aggregator.forwards.instance import MAX_PRICE_MINOR, check_readable
from aggregator.forwards.store import Strip
from aggregator.journal.reading import decoded
from aggregator.ledger import accounts, holds
from aggregator.mandates.checking import require
from aggregator.mandates.drawing import BUY, Commitment, Spread
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.queries import owner_groups
from aggregator.standing.privileges import deposit_off

T = TypeVar("T")

MAX_ORDERS = 24


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What a buyer wants. `limit_minor` is the highest goods price per lot.

    A `period` order has `tenor` and `lots`, a `flexible` one `window` and `lots`, a `block`
    one `schedule` (tenor → lots), which is taken whole or not at all.
    """

    form: str
    limit_minor: int
    lots: int | None = None
    tenor: str | None = None
    window: tuple[str, str] | None = None
    per_tenor_max: int | None = None
    min_lots: int = 0
    schedule: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A deposit, and how much less it is for the firm's tier, in 1/10,000 of the whole."""

    deposit_minor: int
    off_bps: int


async def place_order(
    market: Market, actor: Actor, command: Command | None, strip_id: str, terms: OrderTerms
) -> Outcome:
    """Place an order, with its deposit set aside in the same act.

    Raises:
        InvalidField: a month, quantity or limit breaks its rule.
        InsufficientFunds: the deposit is not covered.
        WrongState: the window is not open.
        Conflict: the firm's owner group sells here, or it has too many orders.

    """

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        strip.require_open(unit.now)
        await store.require_one_side(unit, strip_id, actor.owner_group, "strip_offer")
        await _check_mill(unit, strip, actor)
        traded = await instrument(strip.instrument_id, unit)
        checked, lots = _checked(strip, traded, terms)
        mine = await unit.rows(
            "select id from strip_order where strip_id = $1 and organisation_id = $2"
            " and state = 'standing'",
            strip_id,
            actor.organisation_id,
        )
        if len(mine) >= MAX_ORDERS:
            raise Conflict("too_many_orders")
        _check_clearable(strip, traded, actor, terms, checked)
        off_bps = await deposit_off(actor.organisation_id, unit.now, unit)
        deposit_minor = deposits.at_signing(strip, traded, lots, terms.limit_minor, off_bps=off_bps)
        held = Held(deposit_minor, off_bps)
        order_id, seq = await _insert(unit, strip, terms, checked=checked, lots=lots, held=held)
        await unit.record(
            store.stream_of(strip_id),
            OrderPlaced(strip_id, order_id, actor.organisation_id, actor.owner_group, seq),
        )
        return {
            "order_id": order_id,
            "strip_id": strip_id,
            "lots": lots,
            "limit_minor": terms.limit_minor,
            "deposit_minor": deposit_minor,
            "at": unit.stamp(unit.now),
        }

    return await market.perform(
        actor, "forwards.order", step, command=command, stream=store.stream_of(strip_id)
    )


async def cancel_order(
    market: Market, actor: Actor, command: Command, strip_id: str, order_id: str
) -> Outcome:
    """Take back one's own order while the window is open; its deposit is free at once."""

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        row = await unit.row(
            "select hold_id from strip_order where id = $1 and strip_id = $2"
            " and organisation_id = $3 and state = 'standing'",
            order_id,
            strip_id,
            actor.organisation_id,
        )
        if row is None:
            raise NotFound("order")
        strip.require_open(unit.now)
        await unit.execute("update strip_order set state = 'cancelled' where id = $1", order_id)
        if row["hold_id"]:
            await holds.void(unit, row["hold_id"])
        await unit.record(
            store.stream_of(strip_id), OrderCancelled(strip_id, order_id, actor.organisation_id)
        )
        return {"order_id": order_id, "strip_id": strip_id}

    return await market.perform(
        actor, "forwards.order", step, command=command, stream=store.stream_of(strip_id)
    )


async def raise_limit(unit: Unit, strip: Strip, order_id: str, limit_minor: int) -> None:
    """Raise the limit of the actor's standing order, with its mandate and deposit anew."""
    row = await unit.row(
        "select form, terms, total_lots, hold_id, deposit_off_bps from strip_order where id = $1",
        order_id,
    )
    assert row is not None, "an order that is asked about stands"
    if row["hold_id"]:
        await holds.void(unit, row["hold_id"])
    terms = OrderTerms(form=row["form"], limit_minor=limit_minor)
    checked = decoded(row["terms"])
    traded = await instrument(strip.instrument_id, unit)
    lots = row["total_lots"]
    deposit_minor = deposits.at_signing(
        strip, traded, lots, limit_minor, off_bps=row["deposit_off_bps"]
    )
    bound = _commitment(strip, terms, order_id, checked=checked, lots=lots, deposit=deposit_minor)
    await require(unit, bound)
    await unit.execute(
        "update strip_order set limit_minor = $2, hold_id = $3 where id = $1",
        order_id,
        limit_minor,
        await _hold(unit, strip, unit.actor, deposit_minor),
    )


async def _check_mill(unit: Unit, strip: Strip, actor: Actor) -> None:
    """Refuse the owners of the mill that the bundle is to talk with: it could not offer then."""
    if strip.rounds != talks.COUNTER:
        return
    seller_id = talks.counter_terms(strip).seller_id
    if (await owner_groups([seller_id], unit))[seller_id] == actor.owner_group:
        raise Conflict("both_sides")


async def _insert(
    unit: Unit,
    strip: Strip,
    terms: OrderTerms,
    *,
    checked: Mapping[str, Any],
    lots: int,
    held: Held,
) -> tuple[str, int]:
    """Set the deposit aside and write the order; return its id and its place in line."""
    order_id = unit.new_id("ord")
    bound = _commitment(
        strip, terms, order_id, checked=checked, lots=lots, deposit=held.deposit_minor
    )
    await require(unit, bound)
    hold_id = await _hold(unit, strip, unit.actor, held.deposit_minor)
    seq = await store.next_seq(unit, "strip_order", strip.id)
    await unit.execute(
        "insert into strip_order (id, strip_id, organisation_id, form, terms, total_lots,"
        " limit_minor, seq, hold_id, state, placed_at, deposit_off_bps)"
        " values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, 'standing', $10, $11)",
        order_id,
        strip.id,
        unit.actor.organisation_id,
        terms.form,
        json.dumps(checked),
        lots,
        terms.limit_minor,
        seq,
        hold_id,
        unit.now,
        held.off_bps,
    )
    return order_id, seq


async def _hold(unit: Unit, strip: Strip, actor: Actor, deposit_minor: int) -> str | None:
    if not deposit_minor:
        return None
    traded = await instrument(strip.instrument_id, unit)
    cash = await accounts.ensure(unit, actor.organisation_id, accounts.CASH, traded.currency)
    return await holds.place(unit, cash, deposit_minor, f"strip:{strip.id}")


def _commitment(
    strip: Strip,
    terms: OrderTerms,
    order_id: str,
    *,
    checked: Mapping[str, Any],
    lots: int,
    deposit: int,
) -> Commitment:
    """Return what an order binds to: its lots in all, and the most of them in each month."""
    spread = _spread(strip, terms.form, checked)
    return Commitment(
        act="forwards.order",
        subject=f"strip:{strip.id}",
        own=order_id,
        instrument_id=strip.instrument_id,
        region=strip.region,
        tenor=spread[0][0],
        side=BUY,
        lots=lots,
        price_minor=terms.limit_minor,
        amount_minor=terms.limit_minor * lots,
        deposit_minor=deposit,
        spread=spread,
    )


def _spread(strip: Strip, form: str, checked: Mapping[str, Any]) -> Spread:
    if form == "block":
        return tuple(sorted(checked["lots"].items()))
    if form == "period":
        return ((checked["tenor"], checked["lots"]),)
    first, last = checked["window"]
    most = min(checked["lots"], checked.get("per_tenor_max", checked["lots"]))
    return tuple((tenor, most) for tenor in sorted(strip.tenors) if first <= tenor <= last)


def _check_clearable(
    strip: Strip,
    traded: InstrumentView,
    actor: Actor,
    terms: OrderTerms,
    checked: Mapping[str, Any],
) -> None:
    order = {
        "id": "new",
        "organisation_id": actor.organisation_id,
        "form": terms.form,
        "terms": checked,
        "limit_minor": terms.limit_minor,
        "seq": 1,
    }
    check_readable(strip, traded.tick_minor, orders=[order])


def _checked(strip: Strip, traded: InstrumentView, terms: OrderTerms) -> tuple[dict[str, Any], int]:
    """Return an order's terms as the laboratory writes them, and its total lots."""
    traded.check_price(terms.limit_minor, "/limit")
    if terms.limit_minor > MAX_PRICE_MINOR:
        raise InvalidField("/limit", f"at most {MAX_PRICE_MINOR}", terms.limit_minor)
    if terms.form == "block":
        return _checked_block(strip, traded, terms)
    lots = traded.check_lots(_given(terms.lots, "/lots"), "/lots")
    if not 0 <= terms.min_lots <= lots:
        raise InvalidField("/min_lots", f"0 to {lots} lots", terms.min_lots)
    if terms.form == "period":
        tenor = _of_strip(strip, _given(terms.tenor, "/tenor"), "/tenor")
        return {"tenor": tenor, "lots": lots, "min_lots": terms.min_lots}, lots
    if terms.form != "flexible":
        raise InvalidField("/form", "one of period, flexible, block", terms.form[:20])
    first, last = _given(terms.window, "/window")
    _of_strip(strip, first, "/window/0")
    _of_strip(strip, last, "/window/1")
    if last < first:
        raise InvalidField("/window/1", "a month not before the first", last)
    found: dict[str, Any] = {"window": [first, last], "lots": lots, "min_lots": terms.min_lots}
    if terms.per_tenor_max is not None:
        months = sum(first <= tenor <= last for tenor in strip.tenors)
        if not -(-lots // months) <= terms.per_tenor_max <= lots:
            rule = f"{-(-lots // months)} to {lots} lots"
            raise InvalidField("/per_tenor_max", rule, terms.per_tenor_max)
        found["per_tenor_max"] = terms.per_tenor_max
    return found, lots


def _checked_block(
    strip: Strip, traded: InstrumentView, terms: OrderTerms
) -> tuple[dict[str, Any], int]:
    schedule = _given(terms.schedule, "/schedule")
    if not schedule:
        raise InvalidField("/schedule", "at least one month", 0)
    for tenor, lots in schedule.items():
        _of_strip(strip, tenor, f"/schedule/{tenor}")
        traded.check_lots(lots, f"/schedule/{tenor}")
    whole = traded.check_lots(sum(schedule.values()), "/schedule")
    return {"lots": dict(sorted(schedule.items()))}, whole


def _given(value: T | None, pointer: str) -> T:
    if value is None:
        raise InvalidField(pointer, "required for this form of order")
    return value


def _of_strip(strip: Strip, tenor: str, pointer: str) -> str:
    if tenor not in strip.tenors:
        raise InvalidField(pointer, f"one of {', '.join(strip.tenors)}", tenor[:20])
    return tenor
