"""What acceptance does to a deal's money: lines for the accepted lots, the surplus back."""

from __future__ import annotations

from aggregator.deals import store
from aggregator.deals.evidence import TITLE, record_evidence
from aggregator.deals.lines import lines_of, total
from aggregator.deals.reducing import refunded
from aggregator.deals.store import Deal
from aggregator.market import Unit
from aggregator.settlement import escrow


async def price_accepted(unit: Unit, deal: Deal, accepted_lots: int, title: str) -> int:
    """Write the lines of the accepted lots and refund what they cost less; return that.

    `title` names the document by which the lots became the buyer's.
    """
    lines = lines_of(deal.rates, accepted_lots, seller_id=deal.seller_id)
    await store.write_lines(unit, deal.id, "accepted", lines)
    await record_evidence(unit, deal.id, TITLE, title, lots=accepted_lots)
    surplus_minor = deal.total_minor - total(lines) - await refunded(unit, deal)
    await escrow.refund(
        unit,
        deal.id,
        deal.buyer_id,
        surplus_minor,
        currency=deal.currency,
        kind="deal.surplus",
    )
    return surplus_minor
