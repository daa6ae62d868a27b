"""Answering a claim: the seller concedes or contests, the operator decides what is contested."""

from __future__ import annotations

from aggregator.deals import claims
from aggregator.deals.access import as_seller, decide_for_market, stream_for
from aggregator.deals.claims import CONTESTED, OPEN, Claim
from aggregator.deals.quantities import check_lots, check_text
from aggregator.deals.store import Deal
from aggregator.errors import NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.terms import check_running

ACT = "deals.answer_claim"
DECIDE = "deals.decide_claim"
_MAX_REASON = 500


async def concede(
    market: Market, actor: Actor, command: Command, deal_id: str, claim_id: str
) -> Outcome:
    """Admit a claim: its share of the deposit is the buyer's.

    Raises:
        NotFound: no such claim on a deal of the actor's.
        NotAllowed: the actor is of the buyer.
        WrongState: the claim has ended.
        TermOver: an answer, or the decision, was due by now.

    """

    async def step(unit: Unit) -> Answer:
        deal, claim = await _own(unit, deal_id, claim_id)
        if claim.state not in (OPEN, CONTESTED):
            raise WrongState(claim.state, f"{OPEN}, {CONTESTED}")
        check_running(unit, claim.due_at)
        await claims.end(unit, deal, claim, fault_lots=claim.lots, by="seller")
        return await _answer(unit, deal, claim_id)

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def contest(
    market: Market, actor: Actor, command: Command, deal_id: str, claim_id: str, *, reason: str
) -> Outcome:
    """Lay a claim before the operator.

    Raises:
        NotFound, NotAllowed: as for conceding.
        WrongState: the claim is contested already, or has ended.
        TermOver: silence has conceded it.
        InvalidField: there is no reason.

    """
    said = check_text(reason, "/reason", max_length=_MAX_REASON)

    async def step(unit: Unit) -> Answer:
        deal, claim = await _own(unit, deal_id, claim_id)
        if claim.state != OPEN:
            raise WrongState(claim.state, OPEN)
        check_running(unit, claim.due_at)
        await claims.contest(unit, deal, claim, said)
        return await _answer(unit, deal, claim_id)

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def decide(
    market: Market, actor: Actor, command: Command, claim_id: str, *, lots: int
) -> Outcome:
    """Decide a contested claim: `lots` were rightly refused.

    Raises:
        NotFound: no such claim.
        WrongState: it is not contested.
        TermOver: the decision was due by now.
        InvalidField: more lots than are claimed, or fewer than 0.

    """
    actor.require(DECIDE)
    deal_id = await claims.deal_of(Pool(), claim_id)
    if deal_id is None:
        raise NotFound("claim")

    async def end(unit: Unit, deal: Deal) -> None:
        claim = (await claims.claims_of(unit, deal.id))[claim_id]
        if claim.state != CONTESTED:
            raise WrongState(claim.state, CONTESTED)
        check_running(unit, claim.due_at)
        check_lots(lots, at_most=claim.lots, at_least=0)
        await claims.end(unit, deal, claim, fault_lots=lots, by="operator")

    about = {"claim_id": claim_id}
    return await decide_for_market(
        market, actor, command, DECIDE, deal_id, about=about, lots=lots, decide=end
    )


async def _own(unit: Unit, deal_id: str, claim_id: str) -> tuple[Deal, Claim]:
    deal = await as_seller(unit, deal_id, ACT)
    claim = (await claims.claims_of(unit, deal_id)).get(claim_id)
    if claim is None:
        raise NotFound("claim")
    return deal, claim


async def _answer(unit: Unit, deal: Deal, claim_id: str) -> Answer:
    claim = (await claims.claims_of(unit, deal.id))[claim_id]
    return {
        "claim_id": claim_id,
        "deal_id": deal.id,
        "state": claim.state,
        "lots": claim.lots,
        "fault_lots": claim.fault_lots,
        "compensation_minor": claim.compensation_minor,
        "currency": deal.currency,
        "due_at": None if claim.due_at is None else unit.stamp(claim.due_at),
    }
