"""Accepting: what the buyer takes is what he pays.

Within the tolerance the deal goes on with the accepted quantity, and what it costs less is
refunded; below it the deal is marked as a shortfall besides, and the lots short are claimed
from the seller's deposit (`deals.claims`). Silence for the acceptance
time is acceptance of what was delivered. A buyer who takes nothing opens a dispute, which
the operator decides; title never passed, so if nobody decides he is refunded.
"""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.deals import access, claims, quality, stages, store, terms
from aggregator.deals.acceptance import price_accepted
from aggregator.deals.closing import call_off
from aggregator.deals.facts import DealDisputed
from aggregator.deals.quantities import check_lots, check_text
from aggregator.deals.store import Deal
from aggregator.fulfilment import title
from aggregator.fulfilment.facts import GoodsAccepted, TitlePassed
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.terms import is_over

ACT, RESOLVE = "fulfilment.accept", "fulfilment.resolve"
BUYER, SILENCE, OPERATOR = "buyer", "silence", "operator"
SELLER, NOBODY = "seller", "nobody"
_MAX_REASON = 500


async def accept(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    lots: int,
    measured: Mapping[str, str] | None = None,
    graded: Mapping[str, int] | None = None,
) -> Outcome:
    """Accept delivered lots; `measured` says what was found, by dimension of the promise.

    `graded` are measured values of the instrument's price-adjustment table; what they take off
    the price is claimed from the seller.

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the seller.
        WrongState: nothing waits for acceptance.
        TermOver: silence has accepted what was delivered.
        InvalidField: more lots than were delivered, or none, or an unknown dimension or measure.

    """
    found = terms.checked_measures(measured or {})

    async def step(unit: Unit) -> Answer:
        deal = await access.as_buyer(unit, deal_id, ACT)
        stages.require_running(unit, deal, stages.DELIVERED)
        check_lots(lots, at_most=deal.delivered_lots)
        await terms.record_measures(unit, deal.id, found)
        discount_bps = await quality.discount_bps(unit, deal, graded or {})
        answer = await _accept(unit, deal, lots, BUYER)
        await claims.claim_quality(unit, await store.load(unit, deal.id), lots, discount_bps)
        return {**answer, "discount_bps": discount_bps}

    stream = await access.stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def refuse(
    market: Market, actor: Actor, command: Command, deal_id: str, *, reason: str
) -> Outcome:
    """Take nothing of what was delivered: the operator is to decide.

    Raises:
        NotFound, NotAllowed, WrongState, TermOver: as for accepting.
        InvalidField: there is no reason.

    """
    said = check_text(reason, "/reason", max_length=_MAX_REASON)

    async def step(unit: Unit) -> Answer:
        deal = await access.as_buyer(unit, deal_id, ACT)
        stages.require_running(unit, deal, stages.DELIVERED)
        fact = DealDisputed(deal.id, deal.buyer_id, deal.seller_id, deal.delivered_lots)
        deal = await stages.advance(unit, deal, stages.DISPUTED, fact, dispute_reason=said)
        return {"deal_id": deal.id, "state": deal.state}

    stream = await access.stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def resolve(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    lots: int,
    fault: str = NOBODY,
) -> Outcome:
    """Decide a dispute: the buyer takes `lots` of what was delivered, 0 calls the deal off.

    Where the rest was the seller's fault, it forfeits its share of his deposit.

    Raises:
        NotFound: no such deal.
        WrongState: it is not in dispute.
        TermOver: the decision was due by now.
        InvalidField: more lots than were delivered, or fewer than 0.

    """
    actor.require(RESOLVE)
    await store.load(Pool(), deal_id)

    async def end(unit: Unit, deal: Deal) -> None:
        stages.require_running(unit, deal, stages.DISPUTED)
        check_lots(lots, at_most=deal.delivered_lots, at_least=0)
        if fault == SELLER:
            deal = await claims.claim_decided(unit, deal, deal.delivered_lots - lots, OPERATOR)
        if lots:
            await _accept(unit, deal, lots, OPERATOR)
        else:
            await call_off(unit, await claims.claim_not_delivered(unit, deal))

    return await access.decide_for_market(
        market, actor, command, RESOLVE, deal_id, about={}, lots=lots, decide=end
    )


async def on_silence(market: Market, deal_id: str) -> None:
    """Ring at the end of the acceptance time: silence accepts what was delivered."""

    async def step(unit: Unit) -> Answer:
        deal = await store.locked(unit, deal_id)
        if deal.state != stages.DELIVERED or not is_over(unit, deal.due_at):
            return {}
        return await _accept(unit, deal, deal.delivered_lots, SILENCE)

    await market.perform(Actor.SYSTEM, ACT, step, stream=store.stream_of(deal_id))


async def _accept(unit: Unit, deal: Deal, lots: int, by: str) -> Answer:
    is_within = claims.is_within_tolerance(deal, lots)
    await unit.execute(
        "insert into acceptance (deal_id, lots, is_within_tolerance, by, accepted_at)"
        " values ($1, $2, $3, $4, $5)",
        deal.id,
        lots,
        is_within,
        by,
        unit.now,
    )
    title_id = await title.pass_on(unit, deal, lots)
    refunded_minor = await price_accepted(unit, deal, lots, title_id)
    accepted = GoodsAccepted(
        deal_id=deal.id,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        lots=lots,
        ordered_lots=deal.lots,
        is_within_tolerance=is_within,
        by=by,
        refunded_minor=refunded_minor,
    )
    passed = TitlePassed(deal.id, deal.seller_id, deal.buyer_id, lots)
    delivered_lots = deal.delivered_lots
    given_up = await claims.undelivered_lots(unit, deal)
    note = "" if is_within else "shortfall"
    deal = await stages.advance(
        unit, deal, stages.ACCEPTED, accepted, passed, accepted_lots=lots, note=note
    )
    if not is_within:
        undelivered = deal.lots - delivered_lots - given_up
        deal = await claims.claim_undelivered(unit, deal, undelivered)
        refused = delivered_lots - lots
        if by != OPERATOR:
            deal = await claims.claim_refused(unit, deal, refused)
    return {
        "deal_id": deal.id,
        "state": deal.state,
        "lots": lots,
        "is_within_tolerance": is_within,
        "note": deal.note,
        "refunded_minor": refunded_minor,
        "currency": deal.currency,
    }
