"""The seller's deposit: held from the forming of the deal, lost lot by lot.

Each lot of a deal has its share of the deposit behind it. What is forfeited for a lot is the
buyer's, for his trouble with a substitute; what stands behind a lot in doubt stays held until
the doubt is over; the rest is free when the deal ends well. Shares are rounded on the running
total, half to even, so that all lots together are the whole deposit.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals import stages
from aggregator.deals.store import Deal
from aggregator.ledger import holds, transfers
from aggregator.market import Unit
from aggregator.settlement import escrow
from matching.money import Rounding, scaled


@dataclass(frozen=True, slots=True)
class Part:
    """What stands behind some lots; without a hold there is nothing."""

    amount_minor: int
    hold_id: str | None


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
