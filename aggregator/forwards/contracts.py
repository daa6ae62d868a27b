"""From an award to contracts: one for each supplier, and a slot for each line of its schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregator.catalogue.calendars import calendar_of
from aggregator.catalogue.queries import instrument
from aggregator.forwards import deposits, places, slots
from aggregator.forwards.contract_facts import SlotOpened
from aggregator.forwards.dating import slot_dates
from aggregator.forwards.slots import AHEAD_TIMER, NOMINATE_TIMER, Slot
from aggregator.forwards.store import Strip
from aggregator.market import Unit
from aggregator.scheduler.timers import set_timer


@dataclass(frozen=True, slots=True)
class Line:
    """One buyer's month from one supplier; without an order, what a keeper's offer takes in."""

    order_id: str | None
    buyer_id: str
    seller_id: str
    tenor: str
    lots: int
    price_minor: int
    offer_id: str | None = None
    deposit_off_bps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTerms:
    """What a slot begins with. `base_lots` is what its tolerance is measured against."""

    contract_id: str
    line: int
    buyer_id: str
    tenor: str
    lots: int
    base_lots: int
    price_minor: int
    freight_minor: int = 0
    is_fixed: bool = True
    index_minor: int | None = None
    deposit_off_bps: int = 0
    place_id: str | None = None
    replaces: str | None = None


async def sign(unit: Unit, strip: Strip, lines: Sequence[Line]) -> list[tuple[str, str]]:
    """Write the contracts of an award, and return each with its seller.

    The deposits that the orders set aside are free again before: each slot takes its own, at
    most what is available, which a rounding may leave short of by a fen.
    """
    contracts = []
    for seller_id in sorted({line.seller_id for line in lines}):
        schedule = [line for line in lines if line.seller_id == seller_id]
        contract_id = unit.new_id("con")
        contracts.append((contract_id, seller_id))
        await unit.execute(
            "insert into strip_contract (id, strip_id, seller_id, total_lots, at)"
            " values ($1, $2, $3, $4, $5)",
            contract_id,
            strip.id,
            seller_id,
            sum(line.lots for line in schedule),
            unit.now,
        )
        for number, line in enumerate(schedule, start=1):
            await _sign_line(unit, strip, contract_id, number, line)
    return contracts


async def open_slot(unit: Unit, strip: Strip, terms: SlotTerms) -> Slot:
    """Open a slot without its money, and set the timers of its dates."""
    calendar = await calendar_of(unit, strip.region)
    dates = slot_dates(calendar, terms.tenor, unit.now)
    slot_id = unit.new_id("slt")
    row: Mapping[str, object] = {
        **{name: getattr(terms, name) for name in SlotTerms.__dataclass_fields__},
        "id": slot_id,
        "called_lots": 0,
        "deposit_minor": 0,
        "stage": slots.LATER if strip.month_bps else slots.NONE,
        "stage_minor": 0,
        "ahead_at": dates.ahead_at,
        "stage_due_at": dates.stage_due_at,
        "nominate_by": dates.nominate_by,
        "state": slots.OPEN,
        "opened_at": unit.now,
    }
    marks = ", ".join(f"${i}" for i in range(1, len(row) + 1))
    await unit.execute(
        f"insert into contract_slot ({', '.join(row)}) values ({marks})", *row.values()
    )
    if strip.month_bps or not terms.is_fixed:
        await set_timer(unit, AHEAD_TIMER, slot_id, dates.ahead_at)
    await set_timer(unit, NOMINATE_TIMER, slot_id, dates.nominate_by)
    slot = await slots.load(unit, slot_id)
    await unit.record(
        slots.stream_of(strip.id),
        SlotOpened(
            slot_id,
            slot.contract_id,
            slot.party_ids,
            slot.tenor,
            slot.lots,
            slot.price_minor,
            terms.replaces or "",
        ),
    )
    return await deposits.hold_performance(unit, slot)


async def _sign_line(unit: Unit, strip: Strip, contract_id: str, number: int, line: Line) -> None:
    await unit.execute(
        "insert into strip_schedule (contract_id, line, order_id, offer_id, buyer_id, tenor,"
        " lots, price_minor) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        contract_id,
        number,
        line.order_id,
        line.offer_id,
        line.buyer_id,
        line.tenor,
        line.lots,
        line.price_minor,
    )
    place = await places.first_of(unit, line.buyer_id, strip.region)
    terms = SlotTerms(
        contract_id=contract_id,
        line=number,
        buyer_id=line.buyer_id,
        tenor=line.tenor,
        lots=line.lots,
        base_lots=line.lots,
        price_minor=line.price_minor,
        is_fixed=strip.index_reference_minor is None,
        deposit_off_bps=line.deposit_off_bps,
        place_id=place.place_id if place else None,
    )
    slot = await open_slot(unit, strip, terms)
    traded = await instrument(strip.instrument_id, unit)
    wanted = deposits.staged(
        strip,
        traded,
        await deposits.open_total(unit, slot),
        is_ahead=False,
        off_bps=slot.deposit_off_bps,
    )
    most = await deposits.available(unit, slot.buyer_id, traded.currency)
    await deposits.take(unit, slot, min(wanted, most), "slot.deposit")
