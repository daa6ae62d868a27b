"""Deals that feed no price while something about them is in dispute.

A ticket over lots parks its deal: at once while it waits in its batch, or when it settles. What
was published before stays; lots found to be at fault are excluded like returned ones. When the
last such ticket has ended, the rest of the deal waits in its batch again.
"""

from __future__ import annotations

from aggregator.catalogue.tenors import parse_cell
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


async def on_ticket_ended(unit: Unit, ended: TicketEnded) -> None:
    """Exclude the lots at fault, and let the rest wait again unless another ticket is open."""
    cell = await publication.locked_cell(unit, ended.deal_id)
    if cell is None:
        return
    if ended.fault_lots:
        await publication.exclude(unit, ended.deal_id, ended.fault_lots)
    if await publication.in_dispute(unit, ended.deal_id) is not None:
        return
    found = await unit.rows(
        "update price_deal set state = 'waiting', parked_for = null"
        " where deal_id = $1 and state = 'parked' and parked_for = $2 returning deal_id",
        ended.deal_id,
        publication.TICKET,
    )
    if found:
        await publication.gather(unit, parse_cell(cell))
