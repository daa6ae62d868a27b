"""Call-offs: part of a slot's lots, wanted on a trading day of its month, becomes a deal.

The buyer nominates, and may withdraw until the seller confirms; the contract obliges the
seller, so his silence confirms. He may name another trading day of the month, at most three
away. Confirmed lots are a deal like any other: the rest of its price is called, it is shipped,
delivered, accepted, invoiced. What nobody has nominated when the last delivery of the month
could be is nominated for that day: a forward contract ends in goods, never in cash.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from aggregator.catalogue.calendars import TradingCalendar, calendar_of
from aggregator.catalogue.queries import instrument
from aggregator.deals.formation import form_deal
from aggregator.deals.lines import total
from aggregator.errors import InvalidField, NotFound, WrongState
from aggregator.forwards import call_offs, dating, deposits, places, slots
from aggregator.forwards.call_offs import CallOff
from aggregator.forwards.contract_facts import (
    CallOffConfirmed,
    CallOffNominated,
    CallOffWithdrawn,
)
from aggregator.forwards.slots import Slot
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.timers import clear_timer, set_timer
from aggregator.standing.privileges import return_days_more

CALL_ACT, CONFIRM_ACT = "forwards.call", "forwards.confirm"
CONFIRM_TIMER = "forwards.confirm"
BUYER, SELLER, SILENCE = "buyer", "seller", "silence"
MOVED_DAYS = 3


async def nominate(
    market: Market, actor: Actor, command: Command, slot_id: str, *, lots: int, delivery_on: date
) -> Outcome:
    """Nominate lots of one's own slot for a delivery day.

    Raises:
        NotFound: no such slot of the actor's.
        WrongState: the slot has ended, its price is not fixed, or its deposit is unpaid.
        InvalidField: more lots than are left, no trading day of the month, or too short notice.

    """

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        _check_side(slot.buyer_id, actor)
        _require_callable(slot, unit.now)
        calendar = await calendar_of(unit, slot.region)
        dating.check_delivery(calendar, slot.tenor, delivery_on, unit.now, "/delivery_on")
        left = slot.open_lots - await call_offs.nominated_lots(unit, slot.id)
        if not 1 <= lots <= left:
            raise InvalidField("/lots", f"1 to the {left} lots left", lots)
        return await _nominate(unit, slot, calendar, lots=lots, delivery_on=delivery_on, by=BUYER)

    stream = await slots.stream_for(Pool(), actor, CALL_ACT, slot_id)
    return await market.perform(actor, CALL_ACT, step, command=command, stream=stream)


async def withdraw(market: Market, actor: Actor, command: Command, call_off_id: str) -> Outcome:
    """Take back one's own nomination before the seller, or his silence, has confirmed it.

    Once nominations are over it stays: nothing could take its place, and goods would end in cash.
    """

    async def step(unit: Unit) -> Answer:
        slot, call_off = await _locked(unit, call_off_id)
        _check_side(slot.buyer_id, actor)
        slot.require_open()
        if call_off.by == SILENCE:
            raise WrongState("last_day", "nominated")
        if unit.now >= slot.nominate_by:
            raise WrongState("nominations_over", "nominated")
        if unit.now >= call_off.confirm_by:
            raise WrongState("confirmed", "nominated")
        await _answer(unit, call_off, "withdrawn")
        await unit.record(
            slots.stream_of(slot.strip_id),
            CallOffWithdrawn(
                call_off.id, slot.id, slot.contract_id, slot.party_ids, slot.tenor, call_off.lots
            ),
        )
        return {"call_off_id": call_off.id, "slot_id": slot.id, "state": "withdrawn"}

    return await _perform(market, actor, command, CALL_ACT, call_off_id, step)


async def confirm(
    market: Market,
    actor: Actor,
    command: Command,
    call_off_id: str,
    *,
    delivery_on: date | None = None,
) -> Outcome:
    """Confirm a call-off, for the day that was nominated or one close to it: a deal is formed.

    Raises:
        NotFound: no such call-off of the actor's.
        WrongState: it was confirmed or withdrawn before.
        InvalidField: another day that is no trading day of the month, or too far away.

    """

    async def step(unit: Unit) -> Answer:
        slot, call_off = await _locked(unit, call_off_id)
        _check_side(slot.seller_id, actor)
        slot.require_open()
        day = delivery_on or call_off.delivery_on
        if day != call_off.delivery_on:
            if unit.now >= call_off.confirm_by:
                raise WrongState("confirmed", "nominated")
            calendar = await calendar_of(unit, slot.region)
            dating.check_delivery(calendar, slot.tenor, day, unit.now, "/delivery_on")
            first = calendar.shifted(call_off.delivery_on, -MOVED_DAYS)
            last = calendar.shifted(call_off.delivery_on, MOVED_DAYS)
            if not first <= day <= last:
                rule = f"within {MOVED_DAYS} trading days of {call_off.delivery_on.isoformat()}"
                raise InvalidField("/delivery_on", rule, day.isoformat())
        return await _confirm(unit, slot, call_off, day, SELLER)

    return await _perform(market, actor, command, CONFIRM_ACT, call_off_id, step)


async def on_silent_seller(market: Market, call_off_id: str) -> None:
    """Ring at the end of the time to confirm: silence confirms."""
    slot_id = (await call_offs.load(Pool(), call_off_id)).slot_id
    strip_id = (await slots.load(Pool(), slot_id)).strip_id

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        call_off = await call_offs.load(unit, call_off_id)
        if call_off.state != "nominated" or unit.now < call_off.confirm_by:
            return {}
        return await _confirm(unit, slot, call_off, call_off.delivery_on, SILENCE)

    await market.perform(Actor.SYSTEM, CONFIRM_TIMER, step, stream=slots.stream_of(strip_id))


async def on_silent_buyer(market: Market, slot_id: str) -> None:
    """Ring when the month's last delivery must be nominated: the market does it for the rest."""
    strip_id = (await slots.load(Pool(), slot_id)).strip_id

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        if slot.state != slots.OPEN or unit.now < slot.nominate_by:
            return {}
        left = slot.open_lots - await call_offs.nominated_lots(unit, slot.id)
        if left == 0:
            return {}
        calendar = await calendar_of(unit, slot.region)
        day = dating.last_delivery(calendar, slot.tenor)
        return await _nominate(unit, slot, calendar, lots=left, delivery_on=day, by=SILENCE)

    stream = slots.stream_of(strip_id)
    await market.perform(Actor.SYSTEM, slots.NOMINATE_TIMER, step, stream=stream)


async def _nominate(
    unit: Unit, slot: Slot, calendar: TradingCalendar, *, lots: int, delivery_on: date, by: str
) -> Answer:
    call_off_id = unit.new_id("cal")
    confirm_by = dating.confirm_by(calendar, unit.now)
    await unit.execute(
        'insert into call_off (id, slot_id, lots, delivery_on, "by", state, confirm_by,'
        " nominated_at) values ($1, $2, $3, $4, $5, 'nominated', $6, $7)",
        call_off_id,
        slot.id,
        lots,
        delivery_on,
        by,
        confirm_by,
        unit.now,
    )
    await set_timer(unit, CONFIRM_TIMER, call_off_id, confirm_by)
    await unit.record(
        slots.stream_of(slot.strip_id),
        CallOffNominated(
            call_off_id,
            slot.id,
            slot.contract_id,
            slot.party_ids,
            slot.tenor,
            lots,
            delivery_on,
            by,
            confirm_by,
        ),
    )
    return {
        "call_off_id": call_off_id,
        "slot_id": slot.id,
        "lots": lots,
        "delivery_on": delivery_on.isoformat(),
        "state": "nominated",
        "confirm_by": unit.stamp(confirm_by),
    }


async def _confirm(unit: Unit, slot: Slot, call_off: CallOff, day: date, by: str) -> Answer:
    """Turn nominated lots into a deal that takes its part of the slot's deposit along."""
    part_minor = slot.deposit_minor * call_off.lots // slot.open_lots
    slot = await deposits.give(
        unit, slot, part_minor, slot.buyer_id, kind="slot.call_off", cause=call_off.id
    )
    await deposits.free_performance(unit, slot)
    deal_id = await _form_deal(unit, slot, call_off.lots, day, part_minor)
    await _answer(unit, call_off, "confirmed", day=day, by=by, deal_id=deal_id)
    await unit.record(
        slots.stream_of(slot.strip_id),
        CallOffConfirmed(
            call_off.id,
            slot.id,
            slot.contract_id,
            slot.party_ids,
            slot.tenor,
            call_off.lots,
            day,
            deal_id,
            by,
        ),
    )
    slot = await slots.write(
        unit,
        slot.id,
        called_lots=slot.called_lots + call_off.lots,
        performance_hold_id=None,
    )
    if slot.open_lots:
        await deposits.hold_performance(unit, slot)
    else:
        await slots.end(unit, slot, slots.CALLED)
    return {
        "call_off_id": call_off.id,
        "slot_id": slot.id,
        "lots": call_off.lots,
        "delivery_on": day.isoformat(),
        "state": "confirmed",
        "deal_id": deal_id,
    }


async def _form_deal(unit: Unit, slot: Slot, lots: int, day: date, part_minor: int) -> str:
    traded = await instrument(slot.instrument_id, unit)
    lines = deposits.slot_lines(traded, slot, lots)
    calendar = await calendar_of(unit, slot.region)
    place = await places.named(unit, slot.place_id)
    terms = replace(
        deposits.slot_terms(slot, lots),
        deposit_minor=min(part_minor, total(lines)),
        return_days_more=await return_days_more(slot.buyer_id, unit.now, unit),
        place=place.name if place else "",
        funding_due_at=dating.funding_due(calendar, day),
        ship_by=calendar.ends(day),
    )
    return await form_deal(unit, terms)


def _require_callable(slot: Slot, now: datetime) -> None:
    slot.require_open()
    if not slot.is_fixed:
        raise WrongState("price_open", "price_fixed")
    if slot.stage == slots.ASKED:
        raise WrongState("stage_unpaid", "stage_paid")
    if now >= slot.nominate_by:
        raise WrongState("nominations_over", slots.OPEN)


def _check_side(organisation_id: str, actor: Actor) -> None:
    """Refuse the other side as if the thing were absent to it."""
    if actor.organisation_id != organisation_id:
        raise NotFound("call_off")


async def _locked(unit: Unit, call_off_id: str) -> tuple[Slot, CallOff]:
    slot = await slots.locked(unit, (await call_offs.load(unit, call_off_id)).slot_id)
    call_off = await call_offs.load(unit, call_off_id)
    if call_off.state != "nominated":
        raise WrongState(call_off.state, "nominated")
    return slot, call_off


async def _answer(
    unit: Unit,
    call_off: CallOff,
    state: str,
    *,
    day: date | None = None,
    by: str | None = None,
    deal_id: str | None = None,
) -> None:
    await clear_timer(unit, CONFIRM_TIMER, call_off.id)
    await unit.execute(
        "update call_off set state = $2, delivery_on = $3, confirmed_by = $4, deal_id = $5,"
        " answered_at = $6 where id = $1",
        call_off.id,
        state,
        day or call_off.delivery_on,
        by,
        deal_id,
        unit.now,
    )


async def _perform(
    market: Market,
    actor: Actor,
    command: Command,
    act: str,
    call_off_id: str,
    step: Any,
) -> Outcome:
    actor.require(act)
    slot_id = (await call_offs.load(Pool(), call_off_id)).slot_id
    stream = await slots.stream_for(Pool(), actor, act, slot_id, what="call_off")
    return await market.perform(actor, act, step, command=command, stream=stream)
