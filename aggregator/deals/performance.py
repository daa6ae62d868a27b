"""The seller's deposit: held from the forming of the deal, lost lot by lot.

Each lot of a deal has its share of the deposit behind it. What is forfeited for a lot is the
buyer's, for his trouble with a substitute; what stands behind a lot in doubt stays held until
the doubt is over; the rest is free when the deal ends well.

Offers and bids hold the deposit before there is a deal. What is missing when a deal forms all
the same (a price that rose above the offered one, lots that came back from a failed deal) the
seller must have available within two days, and before he ships; else the deal ends as his
default. Shares are rounded on the running
total, half to even, so that all lots together are the whole deposit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aggregator.deals import stages
from aggregator.deals.facts import DepositAsked
from aggregator.deals.store import Deal
from aggregator.errors import InsufficientFunds
from aggregator.ledger import accounts, holds, transfers
from aggregator.market import Unit
from aggregator.scheduler.timers import clear_timer, set_timer
from aggregator.settlement import escrow
from matching.money import Rounding, scaled

TIME = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Part:
    """What stands behind some lots; without a hold there is nothing."""

    amount_minor: int
    hold_id: str | None


def performance_of(goods_minor: int, deposit_bps: int) -> int:
    """Return the deposit on goods; rounded down, so that parts never exceed the whole's."""
    return scaled(goods_minor, deposit_bps, 10_000, Rounding.DOWN)


async def ask_missing(unit: Unit, deal: Deal) -> None:
    """Ask the seller of a fresh deal for what is missing of his deposit."""
    if not deal.missing_minor:
        return
    due_at = min(unit.now + TIME, deal.ship_due_at)
    await set_timer(unit, stages.PERFORMANCE, deal.id, due_at)
    fact = DepositAsked(deal.id, deal.buyer_id, deal.seller_id, deal.missing_minor, due_at)
    await stages.annotate(unit, deal, fact, performance_due_at=due_at)


async def complete(unit: Unit, deal: Deal) -> Deal:
    """Hold what is missing of a locked deal's deposit.

    Raises:
        InsufficientFunds: the seller has less than that available.

    """
    if not deal.missing_minor:
        return deal
    cash = await escrow.cash_of(unit, deal.seller_id, deal.currency)
    balance_minor, held_minor, currency = await accounts.lock(unit, cash)
    if balance_minor - held_minor < deal.missing_minor:
        raise InsufficientFunds(deal.missing_minor, balance_minor - held_minor, currency)
    whole_minor = deal.performance_minor + deal.missing_minor
    if deal.performance_hold_id is not None:
        await holds.void(unit, deal.performance_hold_id)
    await clear_timer(unit, stages.PERFORMANCE, deal.id)
    return await stages.annotate(
        unit,
        deal,
        performance_minor=whole_minor,
        missing_minor=0,
        performance_due_at=None,
        performance_hold_id=await _hold(unit, deal, whole_minor),
    )


async def part_off(unit: Unit, deal: Deal, lots: int) -> tuple[Deal, Part]:
    """Hold the share of `lots` apart from the rest of a locked deal's deposit."""
    before = _behind(deal, deal.claimed_lots)
    amount_minor = _behind(deal, deal.claimed_lots + lots) - before
    rest_minor = deal.performance_minor - before - amount_minor
    hold_id, rest_id = None, deal.performance_hold_id
    if deal.performance_hold_id is not None and amount_minor:
        await holds.void(unit, deal.performance_hold_id)
        hold_id = await _hold(unit, deal, amount_minor)
        rest_id = await _hold(unit, deal, rest_minor) if rest_minor else None
    deal = await stages.annotate(
        unit,
        deal,
        claimed_lots=deal.claimed_lots + lots,
        performance_hold_id=rest_id,
    )
    return deal, Part(amount_minor, hold_id)


async def part_of(unit: Unit, deal: Deal, wanted_minor: int) -> tuple[Deal, Part]:
    """Hold an amount apart from what is left of an accepted deal's deposit, or all that is."""
    if deal.performance_hold_id is None or not wanted_minor:
        return deal, Part(0, None)
    row = await unit.row("select amount_minor from hold where id = $1", deal.performance_hold_id)
    assert row is not None
    amount_minor = min(wanted_minor, row["amount_minor"])
    rest_minor = row["amount_minor"] - amount_minor
    await holds.void(unit, deal.performance_hold_id)
    hold_id = await _hold(unit, deal, amount_minor)
    rest_id = await _hold(unit, deal, rest_minor) if rest_minor else None
    deal = await stages.annotate(unit, deal, performance_hold_id=rest_id)
    return deal, Part(amount_minor, hold_id)


async def forfeit(unit: Unit, deal: Deal, part: Part, amount_minor: int, *, key: str) -> Deal:
    """Pay `amount_minor` of a part to the buyer, once for each `key`, and free the rest."""
    if part.hold_id is None:
        return deal
    if not amount_minor:
        await holds.void(unit, part.hold_id)
        return deal
    await holds.release_for_posting(unit, part.hold_id)
    seller = await escrow.cash_of(unit, deal.seller_id, deal.currency)
    buyer = await escrow.cash_of(unit, deal.buyer_id, deal.currency)
    kind = "deal.compensation"
    lines = [(seller, -amount_minor), (buyer, amount_minor)]
    await transfers.post(unit, kind, deal.id, lines, key=f"{key}:{kind}")
    return await stages.annotate(unit, deal, forfeited_minor=deal.forfeited_minor + amount_minor)


async def forfeit_rest(unit: Unit, deal: Deal) -> int:
    """Pay what is left of the deposit to the buyer and return it."""
    part = Part(deal.performance_minor - _behind(deal, deal.claimed_lots), deal.performance_hold_id)
    if part.hold_id is None:
        return 0
    await forfeit(unit, deal, part, part.amount_minor, key=deal.id)
    return part.amount_minor


async def free_rest(unit: Unit, deal: Deal) -> None:
    """Give back what is left of the deposit; claims keep theirs."""
    if deal.performance_hold_id is not None:
        await holds.void(unit, deal.performance_hold_id)


def _behind(deal: Deal, lots: int) -> int:
    return scaled(deal.performance_minor, lots, deal.lots, Rounding.HALF_EVEN)


async def _hold(unit: Unit, deal: Deal, amount_minor: int) -> str:
    cash = await escrow.cash_of(unit, deal.seller_id, deal.currency)
    return await holds.place(unit, cash, amount_minor, f"deal:{deal.id}")
