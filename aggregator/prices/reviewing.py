"""Deals that the circular-trade screen parked: two persons of the operator decide.

One proposes to release a deal or to leave it out for good, with a reason; within a week another
one approves. A later proposal takes the place of the one before. A deal that is released waits in
its batch like any other, under the same safety rules; one that is left out never feeds a price.
Nothing of the deal can be changed, so a price moves by what was settled alone. Silence keeps the
deal out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from aggregator.catalogue.tenors import parse_cell
from aggregator.errors import NotFound, SamePerson, WrongState
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.prices import publication
from aggregator.prices.facts import DecisionProposed, ParkingDecided

Verdict = Literal["release", "exclude"]

ACT = "prices.review"
STANDS_FOR = timedelta(days=7)
PROPOSED, REPLACED, APPROVED = "proposed", "replaced", "approved"


async def propose(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    verdict: Verdict,
    reason: str,
) -> Outcome:
    """Propose what is to become of a parked deal.

    Raises:
        NotFound: no such deal waits for a review.
        InvalidField: the reason breaks its rule.

    """
    said = checked_name(reason, "/reason")

    async def step(unit: Unit) -> Answer:
        cell = await _locked(unit, deal_id)
        await unit.execute(
            "update price_review set state = $2 where deal_id = $1 and state = $3",
            deal_id,
            REPLACED,
            PROPOSED,
        )
        fact = DecisionProposed(
            motion_id=unit.new_id("mot"),
            deal_id=deal_id,
            verdict=verdict,
            reason=said,
            person_id=unit.actor.person_id,
            expires_at=unit.now + STANDS_FOR,
        )
        await unit.execute(
            "insert into price_review (id, deal_id, verdict, reason, proposed_by, proposed_at,"
            " expires_at, state) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            fact.motion_id,
            deal_id,
            verdict,
            said,
            fact.person_id,
            unit.now,
            fact.expires_at,
            PROPOSED,
        )
        await unit.record(f"cell:{cell}", fact)
        return {
            "deal_id": deal_id,
            "motion_id": fact.motion_id,
            "verdict": verdict,
            "expires_at": unit.stamp(fact.expires_at),
        }

    return await market.perform(actor, ACT, step, command=command)


async def approve(
    market: Market, actor: Actor, command: Command, deal_id: str, motion_id: str
) -> Outcome:
    """Do what another person of the operator has proposed.

    Raises:
        NotFound: no such deal waits for a review, or nothing stands proposed under this id.
        SamePerson: nobody approves what he proposed himself.
        WrongState: the proposal has expired.

    """

    async def step(unit: Unit) -> Answer:
        cell = await _locked(unit, deal_id)
        motion = await unit.row(
            "select verdict, proposed_by, expires_at from price_review"
            " where id = $1 and deal_id = $2 and state = $3",
            motion_id,
            deal_id,
            PROPOSED,
        )
        if motion is None:
            raise NotFound("motion")
        if motion["proposed_by"] == unit.actor.person_id:
            raise SamePerson(motion_id)
        if unit.now >= motion["expires_at"]:
            raise WrongState("expired", PROPOSED)
        await unit.execute(
            "update price_review set state = $2, approved_by = $3, decided_at = $4 where id = $1",
            motion_id,
            APPROVED,
            unit.actor.person_id,
            unit.now,
        )
        state = await _carry_out(unit, deal_id, motion["verdict"])
        person_id = unit.actor.person_id
        fact = ParkingDecided(motion_id, deal_id, motion["verdict"], person_id)
        await unit.record(f"cell:{cell}", fact)
        if state == "waiting":
            await publication.gather(unit, parse_cell(cell))
        return {"deal_id": deal_id, "motion_id": motion_id, "verdict": motion["verdict"]}

    return await market.perform(actor, ACT, step, command=command)


async def _carry_out(unit: Unit, deal_id: str, verdict: str) -> str:
    """Change what the deal feeds and return its state; one in dispute stays parked for that."""
    dispute = await publication.in_dispute(unit, deal_id) if verdict == "release" else None
    state = "excluded" if verdict == "exclude" else "parked" if dispute else "waiting"
    await unit.execute(
        "update price_deal set state = $2, parked_for = $3 where deal_id = $1",
        deal_id,
        state,
        dispute,
    )
    return state


async def _locked(unit: Unit, deal_id: str) -> str:
    """Lock the cell of a deal that waits for a review, and return it."""
    cell = await publication.locked_cell(unit, deal_id)
    found = await unit.row(
        "select 1 from price_deal where deal_id = $1 and state = 'parked'"
        " and parked_for <> all($2::text[])",
        deal_id,
        list(publication.DISPUTES),
    )
    if cell is None or found is None:
        raise NotFound("deal")
    return cell
