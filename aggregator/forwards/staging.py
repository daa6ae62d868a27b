"""Ahead of a month: the price is fixed by the index, and the second deposit is called.

A price that follows an index is the cleared price plus what the index has moved since its
reference: the cell's last published value at the fixing, or the default that the window
declared if none is published. The deposit is paid by finance; unpaid in time, the slot lapses
and what was paid at signing goes to the seller, who kept his capacity for it.
"""

from __future__ import annotations

from aggregator.catalogue.calendars import calendar_of
from aggregator.catalogue.queries import instrument
from aggregator.catalogue.tenors import Cell
from aggregator.deals.lines import share
from aggregator.errors import NotFound, WrongState
from aggregator.forwards import dating, deposits, slots, store
from aggregator.forwards.contract_facts import PriceFixed, StageCalled, StagePaid
from aggregator.forwards.slots import AHEAD_TIMER, STAGE_TIMER, Slot
from aggregator.forwards.store import Strip
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.prices.queries import last_value
from aggregator.scheduler.timers import set_timer
from aggregator.settlement import calls

PAY_ACT = "forwards.pay"


async def on_ahead(market: Market, slot_id: str) -> None:
    """Ring ten trading days before the month: fix the price, then call the deposit."""
    found = await slots.load(Pool(), slot_id)

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        if slot.state != slots.OPEN or unit.now < slot.ahead_at:
            return {}
        strip = await store.load(unit, slot.strip_id)
        if not slot.is_fixed:
            slot = await _fix(unit, strip, slot)
        if slot.stage == slots.LATER:
            slot = await _call(unit, strip, slot)
        return {"slot_id": slot.id, "stage": slot.stage}

    stream = slots.stream_of(found.strip_id)
    await market.perform(Actor.SYSTEM, AHEAD_TIMER, step, stream=stream)


async def on_stage_due(market: Market, slot_id: str) -> None:
    """Ring when the deposit before the month is due: unpaid, the slot lapses."""
    found = await slots.load(Pool(), slot_id)

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        is_due = slot.state == slots.OPEN and unit.now >= slot.stage_due_at
        if not is_due or slot.stage != slots.ASKED:
            return {}
        forfeited_minor = await deposits.settle_up(unit, slot, slot.seller_id, kind="slot.forfeit")
        await slots.end(unit, slot, slots.LAPSED, forfeited_minor=forfeited_minor)
        return {"slot_id": slot.id, "state": slots.LAPSED}

    stream = slots.stream_of(found.strip_id)
    await market.perform(Actor.SYSTEM, STAGE_TIMER, step, stream=stream)


async def pay(market: Market, actor: Actor, command: Command, slot_id: str) -> Outcome:
    """Pay the deposit before the month from the buyer's cash.

    Raises:
        NotFound: no such slot of the actor's.
        WrongState: nothing is called, or the slot has ended.
        InsufficientFunds: the buyer's cash does not reach.

    """

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        if slot.buyer_id != actor.organisation_id:
            raise NotFound("slot")
        slot.require_open()
        if slot.stage != slots.ASKED:
            raise WrongState(f"stage_{slot.stage}", "stage_called")
        if unit.now >= slot.stage_due_at:
            raise WrongState(slots.LAPSED, slots.OPEN)
        slot = await deposits.take(unit, slot, slot.stage_minor, "slot.stage")
        await calls.mark_paid(unit, calls.reference_of(slot.id))
        slot = await slots.write(unit, slot.id, stage=slots.PAID)
        await unit.record(
            slots.stream_of(slot.strip_id),
            StagePaid(slot.id, slot.contract_id, slot.party_ids, slot.tenor),
        )
        return {"slot_id": slot.id, "stage": slot.stage, "amount_minor": slot.stage_minor}

    stream = await slots.stream_for(Pool(), actor, PAY_ACT, slot_id)
    return await market.perform(actor, PAY_ACT, step, command=command, stream=stream)


def price_at(strip: Strip, cleared_minor: int, index_minor: int, tick_minor: int) -> int:
    """Return the price per lot for a value of the index, on tick and at least one tick."""
    assert strip.index_reference_minor is not None
    moved_minor = cleared_minor + index_minor - strip.index_reference_minor
    return max(tick_minor, moved_minor - moved_minor % tick_minor)


async def index_value(reader: Reader, strip: Strip, tenor: str) -> int | None:
    """Return the last published value of a month of the window, or None."""
    return await last_value(Cell(strip.instrument_id, strip.region, tenor), reader)


async def _fix(unit: Unit, strip: Strip, slot: Slot) -> Slot:
    published_minor = await index_value(unit, strip, slot.tenor)
    is_default = published_minor is None
    index_minor = strip.index_default_minor if published_minor is None else published_minor
    assert index_minor is not None
    traded = await instrument(slot.instrument_id, unit)
    price_minor = price_at(strip, slot.price_minor, index_minor, traded.tick_minor)
    slot = await slots.write(
        unit, slot.id, price_minor=price_minor, index_minor=index_minor, is_fixed=True
    )
    await unit.record(
        slots.stream_of(slot.strip_id),
        PriceFixed(
            slot.id,
            slot.contract_id,
            slot.party_ids,
            slot.tenor,
            index_minor,
            price_minor,
            is_default,
        ),
    )
    return slot


async def _call(unit: Unit, strip: Strip, slot: Slot) -> Slot:
    traded = await instrument(slot.instrument_id, unit)
    amount_minor = share(await deposits.open_total(unit, slot), strip.month_bps)
    if not amount_minor:
        return await slots.write(unit, slot.id, stage=slots.PAID)
    calendar = await calendar_of(unit, slot.region)
    due_on = calendar.shifted(calendar.day_of(unit.now), dating.STAGE_DAYS)
    due_at = calendar.begins(due_on)
    await calls.call(
        unit, slot.id, slot.buyer_id, amount_minor, currency=traded.currency, due_at=due_at
    )
    slot = await slots.write(
        unit, slot.id, stage=slots.ASKED, stage_minor=amount_minor, stage_due_at=due_at
    )
    await set_timer(unit, STAGE_TIMER, slot.id, due_at)
    await unit.record(
        slots.stream_of(slot.strip_id),
        StageCalled(slot.id, slot.contract_id, slot.party_ids, slot.tenor, amount_minor, due_at),
    )
    return slot
