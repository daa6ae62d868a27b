"""What a change would do to slots: their successors, and the money of each party to the fen.

A plan ends slots and opens others for the lots that are not called off yet; what is called off
stays a deal. Every ended slot's deposit goes back to its buyer, every new one takes its own,
in one act. Kinds of change and what they may alter:

- `lots`: the quantity, within the tolerance of what was agreed first;
- `month`: the month, at the price that the window cleared for it;
- `place`: the buyer's receiving place, with the freight per lot that both agree;
- `price`: of an index-linked slot only, fixed now at the last published value;
- `cancel`: nothing is left of it;
- `transfer`: the buyer, some or all lots, at the contract's price and nothing besides;
- `swap`: two buyers of one contract exchange months, lot for lot, each at the month's price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aggregator.deals.lines import BPS, total
from aggregator.errors import Conflict, InvalidField
from aggregator.forwards import call_offs, dating, deposits, places, slots, staging
from aggregator.forwards.contracts import SlotTerms, open_slot
from aggregator.forwards.errors import ClosesIntoCash
from aggregator.forwards.plans import (
    CANCEL,
    LOTS,
    MONTH,
    PERCENT,
    PLACE,
    PRICE,
    SWAP,
    TOLERANCE_BPS,
    TRANSFER,
    Change,
    Money,
    Plan,
    World,
)
from aggregator.forwards.slots import Slot
from aggregator.market import Unit


async def planned(
    unit: Unit, world: World, slot: Slot, change: Change, *, other: Slot | None = None
) -> Plan:
    """Return the plan of a change to a slot; `other` is the slot that a swap takes.

    Raises:
        InvalidField: a figure that breaks the rule of its kind.
        ClosesIntoCash: the goods would go back to where they came from.
        WrongState, Conflict: a slot has ended, or a call-off of it waits for the seller.

    """
    ended = (slot,) if other is None else (slot, other)
    for one in ended:
        one.require_open()
        if await call_offs.nominated_lots(unit, one.id):
            raise Conflict("call_off_waits")
        if one.stage == slots.ASKED:
            raise Conflict("stage_waits")
    opened = await _SUCCESSORS[change.kind](unit, world, slot, change, other)
    return await _priced(unit, world, ended, opened)


async def carry_out(unit: Unit, world: World, plan: Plan) -> list[Slot]:
    """End the plan's slots and open their successors with their deposits, in one act.

    Raises:
        InsufficientFunds: a deposit is not covered.

    """
    for slot in plan.ended:
        await deposits.settle_up(unit, slot, slot.buyer_id, kind="slot.refund")
    made = []
    for slot in plan.ended:
        state = slots.REPLACED if plan.opened else slots.CANCELLED
        await slots.end(unit, slot, state)
    for terms, taken_minor in zip(plan.opened, _taken(unit, world, plan), strict=True):
        fresh = await open_slot(unit, world.strip, terms)
        fresh = await deposits.take(unit, fresh, taken_minor, "slot.deposit")
        if world.strip.month_bps and _is_ahead(unit, world, terms.tenor):
            fresh = await slots.write(unit, fresh.id, stage=slots.PAID)
        made.append(fresh)
    return made


def _taken(unit: Unit, world: World, plan: Plan) -> list[int]:
    return [
        deposits.staged(
            world.strip,
            world.traded,
            total_minor,
            is_ahead=_is_ahead(unit, world, terms.tenor),
            off_bps=terms.deposit_off_bps,
        )
        for terms, total_minor in zip(plan.opened, plan.totals_after, strict=True)
    ]


def _is_ahead(unit: Unit, world: World, tenor: str) -> bool:
    """Tell whether the stage before the month is due already."""
    return dating.slot_dates(world.calendar, tenor, unit.now).ahead_at <= unit.now


async def _priced(
    unit: Unit, world: World, ended: Sequence[Slot], opened: Sequence[SlotTerms]
) -> Plan:
    seller = ended[0]
    before = [total(deposits.slot_lines(world.traded, slot)) for slot in ended]
    after = [total(deposits.slot_lines(world.traded, _as_slot(seller, terms))) for terms in opened]
    plan = Plan(tuple(ended), tuple(opened), tuple(before), tuple(after))
    money: dict[str, Money] = {}
    for slot in ended:
        known = money.get(slot.buyer_id, Money())
        money[slot.buyer_id] = replace(
            known, refunded_minor=known.refunded_minor + slot.deposit_minor
        )
    for terms, taken_minor in zip(opened, _taken(unit, world, plan), strict=True):
        known = money.get(terms.buyer_id, Money())
        money[terms.buyer_id] = replace(known, taken_minor=known.taken_minor + taken_minor)
    return replace(plan, money=money)


def _as_slot(like: Slot, terms: SlotTerms) -> Slot:
    return replace(
        like,
        buyer_id=terms.buyer_id,
        tenor=terms.tenor,
        lots=terms.lots,
        called_lots=0,
        price_minor=terms.price_minor,
        freight_minor=terms.freight_minor,
    )


def _rest(slot: Slot, **changed: Any) -> SlotTerms:
    """Return a successor for all open lots of a slot, with what is changed of it."""
    same: dict[str, Any] = {
        "contract_id": slot.contract_id,
        "line": slot.line,
        "buyer_id": slot.buyer_id,
        "tenor": slot.tenor,
        "lots": slot.open_lots,
        "base_lots": max(1, slot.base_lots - slot.called_lots),
        "price_minor": slot.price_minor,
        "freight_minor": slot.freight_minor,
        "is_fixed": slot.is_fixed,
        "index_minor": slot.index_minor,
        "place_id": slot.place_id,
        "deposit_off_bps": slot.deposit_off_bps,
        "replaces": slot.id,
    }
    return SlotTerms(**{**same, **changed})


async def _lots(
    _: Unit, __: World, slot: Slot, change: Change, ___: Slot | None
) -> list[SlotTerms]:
    wanted = _given(change.lots, "/lots")
    base = max(1, slot.base_lots - slot.called_lots)
    room = base * TOLERANCE_BPS // BPS
    low, high = max(1, base - room), base + room
    if not low <= wanted <= high or wanted == slot.open_lots:
        rule = f"{low} to {high} lots, {TOLERANCE_BPS // PERCENT} % around {base}, a change"
        raise InvalidField("/lots", rule, wanted)
    return [_rest(slot, lots=wanted)]


async def _month(
    unit: Unit, world: World, slot: Slot, change: Change, _: Slot | None
) -> list[SlotTerms]:
    tenor = _given(change.tenor, "/tenor")
    _check_month(unit, world, slot, tenor)
    return [_rest(slot, **_in_month(world, slot, tenor))]


def _check_month(unit: Unit, world: World, slot: Slot, tenor: str) -> None:
    others = [found for found in sorted(world.prices_minor) if found != slot.tenor]
    if tenor not in others:
        raise InvalidField("/tenor", f"one of {', '.join(others)}", tenor[:20])
    if dating.latest_signing(world.calendar, tenor) < unit.now:
        rule = f"a month with {dating.SIGNING_DAYS} trading days between signing and nomination"
        raise InvalidField("/tenor", rule, tenor)


def _in_month(world: World, slot: Slot, tenor: str) -> dict[str, Any]:
    """Return what another month of the window changes: its own cleared price, fixed or not."""
    is_fixed = world.strip.index_reference_minor is None
    if slot.is_fixed and not is_fixed:
        # A month whose index was fixed keeps its value: what is agreed is never guessed anew.
        moved_minor = slot.price_minor - world.prices_minor[slot.tenor]
        price_minor = max(world.traded.tick_minor, world.prices_minor[tenor] + moved_minor)
        return {"tenor": tenor, "price_minor": price_minor}
    return {"tenor": tenor, "price_minor": world.prices_minor[tenor], "is_fixed": is_fixed}


async def _place(
    unit: Unit, _: World, slot: Slot, change: Change, __: Slot | None
) -> list[SlotTerms]:
    place = await places.named(unit, _given(change.place_id, "/place_id"))
    mine = {found.place_id for found in await places.of_firm(unit, slot.buyer_id)}
    if place is None or place.place_id not in mine:
        raise InvalidField("/place_id", "a receiving place of the buyer", change.place_id)
    freight_minor = _given(change.freight_minor, "/freight")
    if freight_minor < 0:
        raise InvalidField("/freight", "0 or more", freight_minor)
    if (place.place_id, freight_minor) == (slot.place_id, slot.freight_minor):
        raise InvalidField("/place_id", "a change", place.place_id)
    return [_rest(slot, place_id=place.place_id, freight_minor=freight_minor)]


async def _price(
    unit: Unit, world: World, slot: Slot, _: Change, __: Slot | None
) -> list[SlotTerms]:
    if slot.is_fixed:
        raise Conflict("price_is_fixed")
    index_minor = await staging.index_value(unit, world.strip, slot.tenor)
    if index_minor is None:
        raise Conflict("nothing_published")
    price_minor = staging.price_at(
        world.strip, slot.price_minor, index_minor, world.traded.tick_minor
    )
    return [_rest(slot, price_minor=price_minor, index_minor=index_minor, is_fixed=True)]


async def _cancel(
    _: Unit, __: World, ___: Slot, ____: Change, _____: Slot | None
) -> list[SlotTerms]:
    return []


async def _transfer(
    unit: Unit, _: World, slot: Slot, change: Change, __: Slot | None
) -> list[SlotTerms]:
    to_id = _given(change.to_id, "/to")
    lots = slot.open_lots if change.lots is None else change.lots
    if not 1 <= lots <= slot.open_lots:
        raise InvalidField("/lots", f"1 to the {slot.open_lots} lots left", lots)
    await check_taker(unit, slot, to_id)
    place = await places.first_of(unit, to_id, slot.region)
    if place is None:
        held = await places.of_firm(unit, to_id)
        place = held[0] if held else None
    if place is None:
        raise InvalidField("/to", "a buyer with a receiving place", None)
    freight_minor = slot.freight_minor if change.freight_minor is None else change.freight_minor
    if place.region == slot.region and freight_minor != slot.freight_minor:
        raise InvalidField(
            "/freight", "the freight of the slot, for the same region", freight_minor
        )
    moved = _rest(
        slot,
        buyer_id=to_id,
        deposit_off_bps=0,
        lots=lots,
        base_lots=lots,
        place_id=place.place_id,
        freight_minor=freight_minor,
    )
    left = slot.open_lots - lots
    return [moved, _rest(slot, lots=left, base_lots=left)] if left else [moved]


async def _swap(
    unit: Unit, world: World, slot: Slot, change: Change, other: Slot | None
) -> list[SlotTerms]:
    """Exchange months: each keeps his place and freight, and pays the other month's price."""
    tenor = _given(change.tenor, "/tenor")
    if tenor == slot.tenor:
        raise ClosesIntoCash("cash.same_month")
    _check_month(unit, world, slot, tenor)
    lots = slot.open_lots if change.lots is None else change.lots
    if not 1 <= lots <= slot.open_lots:
        raise InvalidField("/lots", f"1 to the {slot.open_lots} lots left", lots)
    if other is None:
        return _parted(slot, lots, _in_month(world, slot, tenor))
    if (other.contract_id, other.tenor) != (slot.contract_id, tenor):
        raise InvalidField("/slot_id", f"a slot of the same contract in {tenor}", other.id)
    if other.open_lots < lots:
        raise ClosesIntoCash("cash.unequal_lots")
    _check_month(unit, world, other, slot.tenor)
    given = {"tenor": tenor, "price_minor": other.price_minor, "is_fixed": other.is_fixed}
    if given != _in_month(world, slot, tenor):
        rule = "a slot at the price that the proposer has consented to"
        raise InvalidField("/slot_id", rule, other.price_minor)
    given["index_minor"] = other.index_minor
    taken = {
        "tenor": slot.tenor,
        "price_minor": slot.price_minor,
        "is_fixed": slot.is_fixed,
        "index_minor": slot.index_minor,
    }
    return [*_parted(slot, lots, given), *_parted(other, lots, taken)]


def _parted(slot: Slot, lots: int, changed: Mapping[str, Any]) -> list[SlotTerms]:
    moved = _rest(slot, lots=lots, base_lots=lots, **changed)
    left = slot.open_lots - lots
    return [moved, _rest(slot, lots=left, base_lots=left)] if left else [moved]


async def check_taker(unit: Unit, slot: Slot, to_id: str) -> None:
    """Refuse whoever would send the goods back: the seller's group, and who had them before.

    Sisters of one owner group may hand a slot on, but not take back one that left the group.

    Raises:
        ClosesIntoCash: the chain would end where it began, in money only.

    """
    found = await unit.rows(
        "select id, owner_group from organisation where id = any($1::text[])",
        [to_id, slot.seller_id, slot.buyer_id],
    )
    groups = {row["id"]: row["owner_group"] for row in found}
    taking = groups.get(to_id)
    if taking == groups[slot.seller_id]:
        raise ClosesIntoCash("cash.back_to_seller")
    earlier = await unit.rows(
        "with recursive before (id, buyer_id, replaces) as ("
        "  select id, buyer_id, replaces from contract_slot where id = $1"
        "  union all select s.id, s.buyer_id, s.replaces from contract_slot s"
        "  join before b on s.id = b.replaces)"
        " select 1 from before b join organisation o on o.id = b.buyer_id"
        " where b.buyer_id = $2 or $3 and o.owner_group = $4 limit 1",
        slot.id,
        to_id,
        taking != groups[slot.buyer_id],
        taking,
    )
    if earlier:
        raise ClosesIntoCash("cash.came_from_there")


def _given(value: Any, pointer: str) -> Any:
    if value is None:
        raise InvalidField(pointer, "required for this kind of change")
    return value


_SUCCESSORS = {
    LOTS: _lots,
    MONTH: _month,
    PLACE: _place,
    PRICE: _price,
    CANCEL: _cancel,
    TRANSFER: _transfer,
    SWAP: _swap,
}
