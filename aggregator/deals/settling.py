"""Settling: when all five evidences agree, the escrow is released, and only then.

contract: the agreed lots and total · money: the escrow holds the accepted total ·
invoice: the seller's invoice is his part of the accepted total · receipt: at least the
accepted lots were received · title: exactly the accepted lots became the buyer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aggregator.deals import stages, store
from aggregator.deals.evidence import KINDS, Evidence
from aggregator.deals.evidence import evidences as found_evidences
from aggregator.deals.facts import DealSettled
from aggregator.deals.lines import INFORMATION, SERVICE_TAX, Line, total
from aggregator.deals.performance import free_rest
from aggregator.deals.store import Deal
from aggregator.ledger.queries import escrow_balance
from aggregator.market import Unit
from aggregator.settlement import escrow


async def attempt(unit: Unit, deal_id: str) -> list[str]:
    """Settle an invoiced deal if its evidences agree; return those that do not yet."""
    deal = await store.locked(unit, deal_id)
    stages.require_state(deal, stages.INVOICED)
    lines = await store.lines_of(unit, deal_id, "accepted")
    found = await found_evidences(unit, deal_id)
    held_minor = await escrow_balance(deal_id, deal.currency, unit)
    wanting = disagreeing(deal, lines, found, held_minor)
    if not wanting:
        await _settle(unit, deal, lines)
    return wanting


def disagreeing(
    deal: Deal, lines: Sequence[Line], found: Mapping[str, Evidence], held_minor: int
) -> list[str]:
    """Return the evidences that are missing or do not agree, in their order."""
    if not lines or deal.accepted_lots == 0:
        return list(KINDS)
    return [
        kind
        for kind in KINDS
        if kind not in found or not _agrees(deal, lines, found[kind], held_minor)
    ]


def _agrees(deal: Deal, lines: Sequence[Line], seen: Evidence, held_minor: int) -> bool:
    match seen.kind:
        case "contract":
            return (seen.lots, seen.amount_minor) == (deal.lots, deal.total_minor)
        case "money":
            return min(seen.amount_minor or 0, held_minor) >= total(lines)
        case "invoice":
            invoiced = (deal.accepted_lots, total(lines, deal.seller_id))
            return (seen.lots, seen.amount_minor) == invoiced
        case "receipt":
            return (seen.lots or 0) >= deal.accepted_lots
        case _:
            return seen.lots == deal.accepted_lots


async def _settle(unit: Unit, deal: Deal, lines: Sequence[Line]) -> None:
    amounts = {line.kind: line.amount_minor for line in lines}
    shares = [
        (await escrow.cash_of(unit, deal.seller_id, deal.currency), total(lines, deal.seller_id)),
        (await escrow.fees_account(unit, deal.currency), amounts[INFORMATION]),
        (await escrow.tax_account(unit, deal.currency), amounts[SERVICE_TAX]),
    ]
    await escrow.pay_out(
        unit,
        deal.id,
        shares,
        currency=deal.currency,
        kind="deal.release",
        rest_to=deal.buyer_id,
    )
    await free_rest(unit, deal)
    fact = DealSettled(
        deal_id=deal.id,
        cell=deal.cell,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        buyer_group=deal.buyer_group,
        seller_group=deal.seller_group,
        price_minor=deal.goods_minor,
        lots=deal.accepted_lots,
        settled_at=unit.now,
    )
    await stages.advance(unit, deal, stages.SETTLED, fact)
