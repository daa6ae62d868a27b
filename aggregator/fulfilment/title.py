"""Whose the goods are: each passing on is a row, never an edit."""

from __future__ import annotations

from aggregator.deals.store import Deal
from aggregator.market import Unit


async def pass_on(unit: Unit, deal: Deal, lots: int) -> str:
    """Make accepted lots the buyer's and return the document's id."""
    return await _write(unit, deal.id, deal.seller_id, deal.buyer_id, lots, "acceptance")


async def give_back(unit: Unit, deal: Deal, lots: int) -> str:
    """Make returned lots the seller's again and return the document's id."""
    return await _write(unit, deal.id, deal.buyer_id, deal.seller_id, lots, "return")


async def _write(unit: Unit, deal_id: str, from_id: str, to_id: str, lots: int, cause: str) -> str:
    title_id = unit.new_id("ttl")
    await unit.execute(
        "insert into title_transfer (id, deal_id, from_id, to_id, lots, cause, at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        title_id,
        deal_id,
        from_id,
        to_id,
        lots,
        cause,
        unit.now,
    )
    return title_id
