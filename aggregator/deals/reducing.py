"""A shortfall known before shipping: fewer lots at the same price, the surplus paid back.

Beyond the tolerance the lots given up forfeit their share of the seller's deposit at once, and of
the whole deposit: what is missing of it must come first, as before shipping.

The contract stays as it was formed, so that accepting the lower quantity is a shortfall on
the record; but no more than the reduced lots can be shipped, and what they cost less leaves
the escrow at once. A deal is reduced once.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals import claims, stages, store
from aggregator.deals.facts import DealReduced
from aggregator.deals.lines import lines_of, total
from aggregator.deals.performance import complete
from aggregator.deals.quantities import check_lots
from aggregator.deals.store import Deal
from aggregator.errors import Conflict
from aggregator.journal.reading import Reader
from aggregator.market import Unit
from aggregator.settlement import escrow


@dataclass(frozen=True, slots=True)
class Reduction:
    """How many lots are left of a deal, and what was paid back for the rest."""

    lots: int
    refunded_minor: int


async def reduce_within(unit: Unit, deal_id: str, lots: int) -> Reduction:
    """Reduce a funded deal to `lots` in the caller's transaction.

    Raises:
        WrongState: the deal is not funded, or is on its way already.
        TermOver: it should be on its way by now.
        Conflict: it was reduced before.
        InvalidField: not fewer lots than were sold, or none.
        InsufficientFunds: the seller's deposit is not complete, and he has not the rest.

    """
    deal = await store.locked(unit, deal_id)
    stages.require_running(unit, deal, stages.FUNDED)
    check_lots(lots, at_most=deal.lots - 1)
    if await reduction_of(unit, deal_id) is not None:
        raise Conflict("reduced_before")
    deal = await complete(unit, deal)
    left = lines_of(deal.rates, lots, seller_id=deal.seller_id)
    made = Reduction(lots, deal.total_minor - total(left))
    await unit.execute(
        "insert into deal_reduction (deal_id, lots, refunded_minor, at) values ($1, $2, $3, $4)",
        deal_id,
        made.lots,
        made.refunded_minor,
        unit.now,
    )
    await escrow.refund(
        unit,
        deal_id,
        deal.buyer_id,
        made.refunded_minor,
        currency=deal.currency,
        kind="deal.reduction",
    )
    fact = DealReduced(deal_id, deal.buyer_id, deal.seller_id, lots, deal.lots, made.refunded_minor)
    deal = await stages.annotate(unit, deal, fact)
    if not claims.is_within_tolerance(deal, lots):
        await claims.claim_undelivered(unit, deal, deal.lots - lots)
    return made


async def reduction_of(reader: Reader, deal_id: str) -> Reduction | None:
    found = await reader.rows(
        "select lots, refunded_minor from deal_reduction where deal_id = $1", deal_id
    )
    return Reduction(**dict(found[0])) if found else None


async def lots_to_ship(unit: Unit, deal: Deal) -> int:
    """Return the lots that a deal still promises."""
    found = await reduction_of(unit, deal.id)
    return found.lots if found else deal.lots


async def refunded(unit: Unit, deal: Deal) -> int:
    """Return what a reduction paid back already."""
    found = await reduction_of(unit, deal.id)
    return found.refunded_minor if found else 0
