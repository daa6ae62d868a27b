"""A slot's money: the buyer's deposit in the slot's escrow, the seller's deposit held.

The buyer pays in stages: a share of the total at signing, less what the tier that he ordered with
frees him of, and another before the month. Each
call-off takes its part along, the last one the rest, so that no fen stays behind.
"""

from __future__ import annotations

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.deals.formation import DealTerms, agreed_lines
from aggregator.deals.lines import Line, share, total
from aggregator.forwards import slots
from aggregator.forwards.slots import Slot
from aggregator.forwards.store import Strip
from aggregator.ledger import accounts, holds, transfers
from aggregator.market import Unit
from aggregator.settlement import calls, escrow
from aggregator.standing.privileges import lowered


def slot_lines(traded: InstrumentView, slot: Slot, lots: int | None = None) -> tuple[Line, ...]:
    """Return the glass box of a slot's open lots, or of `lots` of them."""
    return agreed_lines(traded, slot_terms(slot, lots))


def slot_terms(slot: Slot, lots: int | None = None) -> DealTerms:
    """Return what was agreed of a slot's open lots, or of `lots` of them."""
    return DealTerms(
        source="strip",
        source_id=slot.strip_id,
        instrument_id=slot.instrument_id,
        region=slot.region,
        tenor=slot.tenor,
        buyer_id=slot.buyer_id,
        seller_id=slot.seller_id,
        lots=slot.open_lots if lots is None else lots,
        goods_minor=slot.price_minor,
        freight_minor=slot.freight_minor,
    )


def signing_bps(strip: Strip, traded: InstrumentView) -> int:
    """Return the share of the total that is paid at signing."""
    return traded.deposit_bps if strip.signing_bps is None else strip.signing_bps


def staged(
    strip: Strip, traded: InstrumentView, total_minor: int, *, is_ahead: bool, off_bps: int
) -> int:
    """Return the deposit due on a total, the stage before the month included once it is due.

    The part at signing is lower by `off_bps` of it.
    """
    signing_minor = lowered(share(total_minor, signing_bps(strip, traded)), off_bps)
    return signing_minor + (share(total_minor, strip.month_bps) if is_ahead else 0)


def at_signing(
    strip: Strip, traded: InstrumentView, lots: int, price_minor: int, *, off_bps: int
) -> int:
    """Return the deposit at signing of a slot of so many lots at this goods price."""
    terms = DealTerms(
        source="strip",
        source_id=strip.id,
        instrument_id=strip.instrument_id,
        region=strip.region,
        tenor=strip.tenors[0],
        buyer_id="",
        seller_id="",
        lots=lots,
        goods_minor=price_minor,
    )
    total_minor = total(agreed_lines(traded, terms))
    return staged(strip, traded, total_minor, is_ahead=False, off_bps=off_bps)


async def take(unit: Unit, slot: Slot, amount_minor: int, kind: str) -> Slot:
    """Move the buyer's cash into the slot's escrow.

    Raises:
        InsufficientFunds: less than that is available.

    """
    traded = await instrument(slot.instrument_id, unit)
    await escrow.take(
        unit, slot.id, slot.buyer_id, amount_minor, currency=traded.currency, kind=kind
    )
    return await slots.write(unit, slot.id, deposit_minor=slot.deposit_minor + amount_minor)


async def give(
    unit: Unit, slot: Slot, amount_minor: int, organisation_id: str, *, kind: str, cause: str
) -> Slot:
    """Move part of the slot's escrow to a firm's cash, once for each `cause`."""
    traded = await instrument(slot.instrument_id, unit)
    held = await accounts.ensure(unit, None, accounts.ESCROW, traded.currency, reference=slot.id)
    cash = await escrow.cash_of(unit, organisation_id, traded.currency)
    if amount_minor:
        lines = [(held, -amount_minor), (cash, amount_minor)]
        await transfers.post(unit, kind, slot.id, lines, key=f"{slot.id}:{kind}:{cause}")
    return await slots.write(unit, slot.id, deposit_minor=slot.deposit_minor - amount_minor)


async def available(unit: Unit, organisation_id: str, currency: str) -> int:
    """Return what a firm could pay now."""
    cash = await escrow.cash_of(unit, organisation_id, currency)
    balance_minor, held_minor, _ = await accounts.lock(unit, cash)
    return balance_minor - held_minor


async def hold_performance(unit: Unit, slot: Slot) -> Slot:
    """Hold the seller's deposit for the open lots, in place of the hold before.

    As in a deal, it is the instrument's share of the goods, or what the seller has if less.
    """
    traded = await instrument(slot.instrument_id, unit)
    await free_performance(unit, slot)
    wanted = share(slot.price_minor * slot.open_lots, traded.deposit_bps)
    amount_minor = min(wanted, await available(unit, slot.seller_id, traded.currency))
    hold_id = None
    if amount_minor > 0:
        cash = await escrow.cash_of(unit, slot.seller_id, traded.currency)
        hold_id = await holds.place(unit, cash, amount_minor, f"slot:{slot.id}")
    return await slots.write(unit, slot.id, performance_hold_id=hold_id)


async def free_performance(unit: Unit, slot: Slot) -> None:
    if slot.performance_hold_id is not None:
        await holds.void(unit, slot.performance_hold_id)


async def settle_up(unit: Unit, slot: Slot, organisation_id: str, *, kind: str) -> int:
    """Empty an ending slot's escrow to a firm, free the seller's deposit; return the amount."""
    amount_minor = slot.deposit_minor
    await calls.cancel(unit, calls.reference_of(slot.id))
    await give(unit, slot, amount_minor, organisation_id, kind=kind, cause="end")
    await free_performance(unit, slot)
    return amount_minor


async def open_total(unit: Unit, slot: Slot) -> int:
    """Return what the slot's open lots cost in all."""
    return total(slot_lines(await instrument(slot.instrument_id, unit), slot))
