"""Deals that feed no price while something about them is in dispute.

A ticket over lots parks its deal: at once while it waits in its batch, or when it settles. What
was published before stays; lots found to be at fault are excluded like returned ones. A claim for
quality parks a deal that settles before it is answered, and what the seller concedes comes off
the price: the index takes what was paid. When nothing is in dispute any more, what is left of the
deal waits in its batch again.
"""

from __future__ import annotations

from aggregator.catalogue.tenors import parse_cell
from aggregator.deals import claims, store
from aggregator.deals.facts import ClaimEnded
from aggregator.fulfilment.facts import TicketEnded, TicketOpened
from aggregator.market import Unit
from aggregator.prices import publication
from aggregator.prices.facts import DealParked


async def on_ticket_opened(unit: Unit, opened: TicketOpened) -> None:
    """Park the deal of a ticket over lots, if it still waits."""
    if not opened.lots:
        return
    cell = await publication.locked_cell(unit, opened.deal_id)
    if cell is None:
        return
    found = await unit.rows(
        "update price_deal set state = 'parked', parked_for = $2"
        " where deal_id = $1 and state = 'waiting' returning deal_id",
        opened.deal_id,
        publication.TICKET,
    )
    if found:
        await unit.record(f"cell:{cell}", DealParked(opened.deal_id, publication.TICKET))
        # What is left of the batch may be safe now.
        await publication.gather(unit, parse_cell(cell))


async def on_ticket_ended(unit: Unit, ended: TicketEnded) -> None:
    """Exclude the lots at fault, and let the rest wait again unless more is in dispute."""
    cell = await publication.locked_cell(unit, ended.deal_id)
    if cell is None:
        return
    if ended.fault_lots:
        await publication.exclude(unit, ended.deal_id, ended.fault_lots)
    await _resume(unit, cell, ended.deal_id)


async def on_claim_ended(unit: Unit, ended: ClaimEnded) -> None:
    """Take what a quality claim conceded off the price, and let the deal wait again."""
    if ended.cause != claims.QUALITY:
        return
    cell = await publication.locked_cell(unit, ended.deal_id)
    if cell is None:
        return
    deal = await store.load(unit, ended.deal_id)
    price_minor = await publication.paid(unit, deal.id, deal.goods_minor, deal.accepted_lots)
    await unit.execute(
        "update price_deal set price_minor = $2 where deal_id = $1 and state <> 'published'",
        deal.id,
        price_minor,
    )
    await _resume(unit, cell, deal.id)


async def _resume(unit: Unit, cell: str, deal_id: str) -> None:
    """Let a deal that was parked for a dispute wait again, when nothing is in dispute any more."""
    reason = await publication.in_dispute(unit, deal_id)
    found = await unit.rows(
        "update price_deal set state = case when $2::text is null then 'waiting' else state end,"
        " parked_for = $2 where deal_id = $1 and state = 'parked'"
        " and parked_for = any($3::text[]) returning deal_id",
        deal_id,
        reason,
        list(publication.DISPUTES),
    )
    if found and reason is None:
        await publication.gather(unit, parse_cell(cell))
