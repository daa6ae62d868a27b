"""Ends without goods: where the escrow and the seller's deposit go then."""

from __future__ import annotations

from aggregator.deals import claims, stages
from aggregator.deals.facts import DealCancelled, DealDefaulted, DealLapsed
from aggregator.deals.performance import complete, forfeit_rest, free_rest
from aggregator.deals.store import Deal, load, locked, stream_of
from aggregator.errors import InsufficientFunds
from aggregator.ledger.queries import escrow_balance
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.terms import is_over
from aggregator.settlement import calls, escrow


async def lapse(market: Market, deal_id: str) -> None:
    """Ring at the end of the funding time: a deal that is not wholly paid lapses.

    What the escrow holds goes, in this order: to the seller, who kept the goods for the buyer,
    the deposit that the deal asked for; to the buyer what is left of his payments. The market
    takes nothing of a deal that did not come about.
    """

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        if not _is_overdue(unit, deal, stages.FORMED):
            return {}
        await calls.cancel(unit, deal.call_reference)
        cash = await escrow.cash_of(unit, deal.seller_id, deal.currency)
        held_minor = await escrow_balance(deal.id, deal.currency, unit)
        forfeited_minor = min(held_minor, max(deal.wanted_minor, deal.deposit_minor))
        refunded_minor = await escrow.pay_out(
            unit,
            deal.id,
            [(cash, forfeited_minor)],
            currency=deal.currency,
            kind="deal.forfeit",
            rest_to=deal.buyer_id,
        )
        await free_rest(unit, deal)
        fact = DealLapsed(deal.id, deal.buyer_id, deal.seller_id, forfeited_minor, refunded_minor)
        await stages.advance(unit, deal, stages.LAPSED, fact)
        return {"deal_id": deal.id, "state": stages.LAPSED}

    await market.perform(Actor.SYSTEM, "deals.lapse", step, stream=stream_of(deal_id))


async def default(market: Market, deal_id: str) -> None:
    """Ring when goods are overdue: the seller defaults.

    The buyer gets his money back, and the seller's deposit as compensation.
    """

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        if not _is_overdue(unit, deal, stages.FUNDED, stages.SHIPPING):
            return {}
        await _default(unit, deal)
        return {"deal_id": deal.id, "state": stages.DEFAULTED}

    await market.perform(Actor.SYSTEM, "deals.default", step, stream=stream_of(deal_id))


async def require_performance(market: Market, deal_id: str) -> None:
    """Ring when the seller's deposit must be complete: hold the rest, or it is his default."""

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        is_due = is_over(unit, deal.performance_due_at)
        if deal.state not in (stages.FORMED, stages.FUNDED) or not is_due:
            return {}
        try:
            await complete(unit, deal)
        except InsufficientFunds:
            await calls.cancel(unit, deal.call_reference)
            await _default(unit, deal)
        return {"deal_id": deal.id}

    await market.perform(Actor.SYSTEM, "deals.default", step, stream=stream_of(deal_id))


async def give_up_dispute(market: Market, deal_id: str) -> None:
    """Ring when nobody decided a dispute: title never passed, so the buyer is refunded.

    What the seller did not even deliver is no matter of the dispute: that he forfeits.
    """

    async def step(unit: Unit) -> Answer:
        deal = await locked(unit, deal_id)
        if not _is_overdue(unit, deal, stages.DISPUTED):
            return {}
        await call_off(unit, await claims.claim_not_delivered(unit, deal))
        return {"deal_id": deal.id, "state": stages.CANCELLED}

    await market.perform(Actor.SYSTEM, "deals.give_up", step, stream=stream_of(deal_id))


async def call_off(unit: Unit, deal: Deal) -> Deal:
    """End a locked deal as cancelled: the buyer refunded, the seller's deposit free."""
    await calls.cancel(unit, deal.call_reference)
    refunded_minor = await refund_all(unit, deal)
    await free_rest(unit, deal)
    fact = DealCancelled(deal.id, deal.buyer_id, deal.seller_id, refunded_minor)
    return await stages.advance(unit, deal, stages.CANCELLED, fact)


async def refund_all(unit: Unit, deal: Deal) -> int:
    """Empty the escrow into the buyer's cash and return the amount."""
    return await escrow.pay_out(
        unit, deal.id, [], currency=deal.currency, kind="deal.refund", rest_to=deal.buyer_id
    )


async def _default(unit: Unit, deal: Deal) -> None:
    refunded_minor = await refund_all(unit, deal)
    paid_minor = await forfeit_rest(unit, deal)
    fact = DealDefaulted(deal.id, deal.buyer_id, deal.seller_id, refunded_minor, paid_minor)
    deal = await load(unit, deal.id)
    await stages.advance(unit, deal, stages.DEFAULTED, fact)


def _is_overdue(unit: Unit, deal: Deal, *states: str) -> bool:
    return deal.state in states and is_over(unit, deal.due_at)
