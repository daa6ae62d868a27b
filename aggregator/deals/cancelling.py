"""Cancelling by consent: one party proposes, the other agrees, nobody owes anything."""

from __future__ import annotations

from aggregator.deals import stages
from aggregator.deals.access import as_party, stream_for
from aggregator.deals.closing import call_off
from aggregator.deals.facts import CancellationProposed
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

ACT = "deals.cancel"


async def cancel(market: Market, actor: Actor, command: Command, deal_id: str) -> Outcome:
    """Propose to cancel a deal, or agree to the other side's proposal.

    Raises:
        NotFound: no such deal of the actor's.
        WrongState: the goods are on their way already, or the deal has ended.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_party(unit, deal_id)
        stages.require_state(deal, stages.FORMED, stages.FUNDED)
        by = actor.organisation_id
        if deal.cancel_wanted_by in (None, by):
            fact = CancellationProposed(deal.id, deal.buyer_id, deal.seller_id, by)
            deal = await stages.annotate(unit, deal, fact, cancel_wanted_by=by)
        else:
            deal = await call_off(unit, deal)
        return {
            "deal_id": deal.id,
            "state": deal.state,
            "cancel_wanted_by": deal.cancel_wanted_by,
        }

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)
