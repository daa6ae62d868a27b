"""Paying the call: the buyer's finance moves cash into the deal's escrow."""

from __future__ import annotations

from aggregator.deals import stages
from aggregator.deals.access import as_buyer, stream_for
from aggregator.deals.evidence import MONEY, record_evidence
from aggregator.deals.facts import DealFunded
from aggregator.deals.store import Deal
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.settlement import calls, escrow

ACT = "deals.fund"


async def fund(market: Market, actor: Actor, command: Command, deal_id: str) -> Outcome:
    """Pay a deal's call in full from the buyer's cash.

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the seller.
        WrongState: the deal is not waiting for money.
        InsufficientFunds: the buyer's cash does not reach.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_buyer(unit, deal_id, ACT)
        stages.require_state(deal, stages.FORMED)
        await escrow.take(
            unit,
            deal.id,
            deal.buyer_id,
            deal.call_minor,
            currency=deal.currency,
            kind="deal.fund",
        )
        await calls.mark_paid(unit, deal.call_reference)
        deal = await complete(unit, deal)
        return {
            "deal_id": deal.id,
            "state": deal.state,
            "amount_minor": deal.call_minor,
            "currency": deal.currency,
        }

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def complete(unit: Unit, deal: Deal) -> Deal:
    """Note that the escrow holds the whole total."""
    await record_evidence(unit, deal.id, MONEY, deal.call_reference, amount_minor=deal.total_minor)
    fact = DealFunded(deal.id, deal.buyer_id, deal.seller_id, deal.total_minor, deal.ship_due_at)
    return await stages.advance(unit, deal, stages.FUNDED, fact)
