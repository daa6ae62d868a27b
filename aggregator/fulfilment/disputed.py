"""The disputed part: money of the seller's that waits until its ticket has ended.

Before a deal settles all of its money lies in the escrow. When it settles, and at once for a
ticket on a settled deal, the seller's part of the price of the disputed lots is held in his
cash, as far as he has it. Lots that are returned meanwhile leave the dispute, so that their
refund is paid from what was held for them. Lots that a ticket has paid for are neither disputed
nor returned again, nor are so many lots as a quality claim has paid or may still pay for: nobody
gets the price of a lot twice.
"""

from __future__ import annotations

from aggregator.deals import claims, store
from aggregator.deals.facts import DealSettled, LotsReturned
from aggregator.deals.lines import lines_of, total
from aggregator.deals.store import Deal
from aggregator.fulfilment.ticket_rows import Ticket, open_tickets, tickets_of
from aggregator.ledger import accounts, holds, transfers
from aggregator.market import Unit
from aggregator.settlement import escrow


async def on_deal_settled(unit: Unit, settled: DealSettled) -> None:
    """Hold what is in dispute of the money that the seller has just got."""
    waiting = await open_tickets(unit, settled.deal_id)
    if not waiting:
        return
    deal = await store.load(unit, settled.deal_id)
    left = settled.lots - await compensated_lots(unit, deal)
    for ticket in waiting:
        lots = min(ticket.lots, left)
        left -= lots
        await hold(unit, deal, ticket, lots)


async def on_lots_returned(unit: Unit, returned: LotsReturned) -> None:
    """Take returned lots out of the open disputes, the earliest first."""
    deal = await store.load(unit, returned.deal_id)
    gone = returned.lots
    for ticket in await open_tickets(unit, deal.id):
        lots = min(ticket.lots, gone)
        gone -= lots
        if lots:
            # Their refund is certain, what is still in dispute is not: that is covered after it.
            spared_minor = price_of(deal, returned.lots)
            await hold(unit, deal, ticket, ticket.lots - lots, spared_minor=spared_minor)


async def hold(unit: Unit, deal: Deal, ticket: Ticket, lots: int, *, spared_minor: int = 0) -> None:
    """Let a ticket dispute `lots`, and hold what they cost in place of what was held.

    So much as is to be spared stays free.
    """
    if ticket.hold_id is not None:
        await holds.void(unit, ticket.hold_id)
    amount_minor, hold_id = 0, None
    cash = await escrow.cash_of(unit, deal.seller_id, deal.currency)
    if deal.settled_at is not None and lots:
        balance_minor, held_minor, _ = await accounts.lock(unit, cash)
        free_minor = max(balance_minor - held_minor - spared_minor, 0)
        amount_minor = min(price_of(deal, lots), free_minor)
    if amount_minor:
        hold_id = await holds.place(unit, cash, amount_minor, f"ticket:{ticket.id}")
    await unit.execute(
        "update ticket set lots = $2, hold_id = $3, held_minor = $4 where id = $1",
        ticket.id,
        lots,
        hold_id,
        amount_minor,
    )


async def release(unit: Unit, deal: Deal, ticket: Ticket, fault_lots: int) -> int:
    """Pay `fault_lots` to the buyer as far as is held, free the rest; return what was paid."""
    if ticket.hold_id is None:
        return 0
    paid_minor = min(price_of(deal, fault_lots), ticket.held_minor)
    if not paid_minor:
        await holds.void(unit, ticket.hold_id)
        return 0
    await holds.release_for_posting(unit, ticket.hold_id)
    seller = await escrow.cash_of(unit, deal.seller_id, deal.currency)
    buyer = await escrow.cash_of(unit, deal.buyer_id, deal.currency)
    kind = "ticket.compensation"
    lines = [(seller, -paid_minor), (buyer, paid_minor)]
    await transfers.post(unit, kind, deal.id, lines, key=f"{ticket.id}:{kind}")
    return paid_minor


async def compensated_lots(unit: Unit, deal: Deal) -> int:
    """Return how many lots of a deal were paid for, a part of one as one.

    By upheld tickets, and by quality claims: of those that are not over, all that is at stake.
    """
    paid = [
        (ticket.fault_lots, ticket.compensation_minor)
        for ticket in await tickets_of(unit, deal.id)
        if ticket.compensation_minor
    ]
    for claim in (await claims.claims_of(unit, deal.id)).values():
        if claim.cause == claims.QUALITY:
            is_over = claim.state in (claims.FORFEITED, claims.FREED)
            paid.append((claim.lots, claim.compensation_minor if is_over else claim.deposit_minor))
    return sum(-(-lots * paid_minor // price_of(deal, lots)) for lots, paid_minor in paid)


def price_of(deal: Deal, lots: int) -> int:
    """Return the seller's part of what `lots` of a deal cost, his tax included."""
    return total(lines_of(deal.rates, lots, seller_id=deal.seller_id), deal.seller_id)
