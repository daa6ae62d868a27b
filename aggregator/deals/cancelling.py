"""Cancelling by consent: one party proposes, the other agrees, nobody owes anything.

A proposal stands for three days; then, or when its maker takes it back, the deal goes on as
if nobody had asked. Shipping ends it too.
"""

from __future__ import annotations

from datetime import timedelta

from aggregator.deals import stages
from aggregator.deals.access import as_party, stream_for
from aggregator.deals.closing import call_off
from aggregator.deals.facts import CancellationProposed, CancellationWithdrawn
from aggregator.deals.store import Deal, locked, stream_of
from aggregator.errors import Conflict
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.terms import check_running, is_over
from aggregator.scheduler.timers import clear_timer, set_timer

ACT = "deals.cancel"
CONSENT_TIME = timedelta(days=3)
SILENCE = "silence"


async def cancel(market: Market, actor: Actor, command: Command, deal_id: str) -> Outcome:
    """Propose to cancel a deal, or agree to the other side's proposal.

    Raises:
        NotFound: no such deal of the actor's.
        WrongState: the goods are on their way already, or the deal has ended.
        TermOver: the proposal stood until now, or what the deal waits for is overdue.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_party(unit, deal_id)
        stages.require_running(unit, deal, stages.FORMED, stages.FUNDED)
        check_running(unit, deal.cancel_until)
        by = actor.organisation_id
        if deal.cancel_wanted_by is None:
            deal = await _propose(unit, deal, by)
        elif deal.cancel_wanted_by != by:
            deal = await call_off(unit, deal)
        return _answer(unit, deal)

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def withdraw(market: Market, actor: Actor, command: Command, deal_id: str) -> Outcome:
    """Take the own proposal to cancel back.

    Raises:
        NotFound: no such deal of the actor's.
        Conflict: the actor's side proposes nothing.
        TermOver: the proposal stood until now.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_party(unit, deal_id)
        if deal.cancel_wanted_by != actor.organisation_id:
            raise Conflict("no_proposal")
        check_running(unit, deal.cancel_until)
        return _answer(unit, await _withdraw(unit, deal, actor.organisation_id))

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def expire(market: Market, deal_id: str) -> None:
    """Ring when nobody agreed in time: the proposal is off."""

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        if is_over(unit, deal.cancel_until):
            await _withdraw(unit, deal, SILENCE)
        return {}

    await market.perform(Actor.SYSTEM, "deals.expire_proposal", step, stream=stream_of(deal_id))


async def _propose(unit: Unit, deal: Deal, by: str) -> Deal:
    until = unit.now + CONSENT_TIME
    await set_timer(unit, stages.PROPOSAL, deal.id, until)
    fact = CancellationProposed(deal.id, deal.buyer_id, deal.seller_id, by, until)
    return await stages.annotate(unit, deal, fact, cancel_wanted_by=by, cancel_until=until)


async def _withdraw(unit: Unit, deal: Deal, by: str) -> Deal:
    await clear_timer(unit, stages.PROPOSAL, deal.id)
    fact = CancellationWithdrawn(deal.id, deal.buyer_id, deal.seller_id, by)
    return await stages.annotate(unit, deal, fact, cancel_wanted_by=None, cancel_until=None)


def _answer(unit: Unit, deal: Deal) -> Answer:
    return {
        "deal_id": deal.id,
        "state": deal.state,
        "cancel_wanted_by": deal.cancel_wanted_by,
        "cancel_until": None if deal.cancel_until is None else unit.stamp(deal.cancel_until),
    }
