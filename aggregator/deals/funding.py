"""Paying the call: the buyer's finance moves cash into the deal's escrow, at once or in parts."""

from __future__ import annotations

from aggregator.amounts import decimal_text
from aggregator.deals import stages
from aggregator.deals.access import as_buyer, stream_for
from aggregator.deals.evidence import MONEY, record_evidence
from aggregator.deals.facts import DealFunded, DealPartlyFunded, DealPaymentTakenBack
from aggregator.deals.store import Deal, load, stream_of
from aggregator.errors import InvalidField, NotFound
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.settlement import calls, escrow
from aggregator.settlement.facts import CallReopened

ACT = "deals.fund"


async def fund(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    amount_minor: int | None = None,
) -> Outcome:
    """Pay what is left of a deal's call from the buyer's cash, or a part of it.

    The deal is funded with the last part. Until then the parts are the buyer's, behind the
    deposit: if he does not pay the rest in time, he loses the deposit only (`closing`).

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the seller.
        WrongState: the deal is not waiting for money.
        TermOver: the money was due by now.
        InvalidField: a part of nothing, or more than is left.
        InsufficientFunds: the buyer's cash does not reach.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_buyer(unit, deal_id, ACT)
        stages.require_running(unit, deal, stages.FORMED)
        call = await calls.locked(unit, deal.call_reference)
        left_minor = call.left_minor
        paid_minor = left_minor if amount_minor is None else amount_minor
        _check(deal, paid_minor, left_minor)
        await escrow.take(
            unit,
            deal.id,
            deal.buyer_id,
            paid_minor,
            currency=deal.currency,
            kind="deal.fund",
            part=f":{call.received_minor}",
        )
        await calls.pay(unit, deal.call_reference, paid_minor)
        left_minor -= paid_minor
        if left_minor:
            fact = DealPartlyFunded(deal.id, deal.buyer_id, deal.seller_id, paid_minor, left_minor)
            deal = await stages.annotate(unit, deal, fact)
        else:
            deal = await complete(unit, deal)
        return {
            "deal_id": deal.id,
            "state": deal.state,
            "amount_minor": paid_minor,
            "left_minor": left_minor,
            "currency": deal.currency,
        }

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def complete(unit: Unit, deal: Deal) -> Deal:
    """Note that the escrow holds the whole total."""
    await record_evidence(unit, deal.id, MONEY, deal.call_reference, amount_minor=deal.total_minor)
    fact = DealFunded(deal.id, deal.buyer_id, deal.seller_id, deal.total_minor, deal.ship_due_at)
    return await stages.advance(unit, deal, stages.FUNDED, fact)


async def on_call_reopened(unit: Unit, reopened: CallReopened) -> None:
    """Tell the deal whose part payment paid for what the bank took back."""
    try:
        deal = await load(unit, reopened.escrow)
    except NotFound:
        return  # the escrow is a slot's
    fact = DealPaymentTakenBack(
        deal.id, deal.buyer_id, deal.seller_id, reopened.amount_minor, reopened.left_minor
    )
    await unit.record(stream_of(deal.id), fact)


def _check(deal: Deal, paid_minor: int, left_minor: int) -> None:
    if paid_minor < 1:
        raise InvalidField("/amount", "more_than", f"0 {deal.currency}")
    if paid_minor > left_minor:
        told = f"{decimal_text(left_minor, deal.currency)} {deal.currency}"
        raise InvalidField("/amount", "at_most", told)
