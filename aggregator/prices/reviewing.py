"""Circles that the circular-trade screen parked: two persons of the operator decide.

One proposes to release a circle's deals or to leave them out for good, all or some of them, with
a reason; within a week another one approves. A later proposal takes the place of the one before.
A deal that is released waits in its batch like any other, under the same safety rules; one that
is left out never feeds a price. When the last of a circle is released, its published deals are no
exclusions any more, unless a publication named them already. Nothing of a deal can be changed, so
a price moves by what was settled alone. Silence keeps the circle out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from aggregator.catalogue.tenors import parse_cell
from aggregator.errors import NotFound, SamePerson, WrongState
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.prices import circling, publication
from aggregator.prices.circling import APPROVED, PROPOSED, REPLACED
from aggregator.prices.facts import DecisionProposed, ParkingDecided

Verdict = Literal["release", "exclude"]

ACT = "prices.review"
STANDS_FOR = timedelta(days=7)


async def propose(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    verdict: Verdict,
    reason: str,
    deals: Sequence[str] = (),
) -> Outcome:
    """Propose what is to become of a parked deal's circle, or of those of its `deals` named.

    Raises:
        NotFound: no such deal waits for a review, or one that is named is not of its circle.
        InvalidField: the reason breaks its rule.

    """
    said = checked_name(reason, "/reason")

    async def step(unit: Unit) -> Answer:
        circle, parked = await _locked(unit, deal_id)
        chosen = sorted(set(deals)) or [row["deal_id"] for row in parked]
        if not {row["deal_id"] for row in parked}.issuperset(chosen):
            raise NotFound("deal")
        await unit.execute(
            "update price_review set state = $2 where deal_id = $1 and state = $3",
            circle,
            REPLACED,
            PROPOSED,
        )
        fact = DecisionProposed(
            motion_id=unit.new_id("mot"),
            deal_id=circle,
            verdict=verdict,
            reason=said,
            person_id=unit.actor.person_id,
            expires_at=unit.now + STANDS_FOR,
            deals=tuple(chosen),
        )
        await unit.execute(
            "insert into price_review (id, deal_id, verdict, reason, proposed_by, proposed_at,"
            " expires_at, state, deals) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            fact.motion_id,
            circle,
            verdict,
            said,
            fact.person_id,
            unit.now,
            fact.expires_at,
            PROPOSED,
            chosen,
        )
        await unit.record(f"cell:{parked[0]['cell']}", fact)
        return {
            "deal_id": deal_id,
            "motion_id": fact.motion_id,
            "verdict": verdict,
            "expires_at": unit.stamp(fact.expires_at),
            "deals": chosen,
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
        circle, parked = await _locked(unit, deal_id)
        motion = await unit.row(
            "select verdict, proposed_by, expires_at, deals from price_review"
            " where id = $1 and deal_id = $2 and state = $3",
            motion_id,
            circle,
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
        chosen = [row for row in parked if row["deal_id"] in motion["deals"]]
        await _carry_out(unit, motion_id, chosen, motion["verdict"])
        if motion["verdict"] == "release" and len(chosen) == len(parked):
            await _end(unit, circle)
        return {"deal_id": deal_id, "motion_id": motion_id, "verdict": motion["verdict"]}

    return await market.perform(actor, ACT, step, command=command)


async def _carry_out(
    unit: Unit, motion_id: str, chosen: Sequence[Mapping[str, Any]], verdict: Verdict
) -> None:
    """Change what the deals feed; one in dispute stays parked for that."""
    waiting = set()
    for row in chosen:
        deal_id, cell = row["deal_id"], row["cell"]
        dispute = await publication.in_dispute(unit, deal_id) if verdict == "release" else None
        state = "excluded" if verdict == "exclude" else "parked" if dispute else "waiting"
        await unit.execute(
            "update price_deal set state = $2, parked_for = $3, circle = null"
            " where deal_id = $1 and state = 'parked'",
            deal_id,
            state,
            dispute,
        )
        if state == "waiting":
            waiting.add(cell)
        fact = ParkingDecided(motion_id, deal_id, verdict, unit.actor.person_id)
        await unit.record(f"cell:{cell}", fact)
    for cell in sorted(waiting):
        await publication.gather(unit, parse_cell(cell))


async def _end(unit: Unit, circle: str) -> None:
    """Let the circle's published deals be none of it, unless one of its deals was left out."""
    left_out = await unit.rows(
        "select 1 from price_review where deal_id = $1 and state = $2 and verdict = 'exclude'",
        circle,
        APPROVED,
    )
    if not left_out:
        await unit.execute(
            "delete from price_exclusion where circle = $1 and publication_id is null", circle
        )


async def _locked(unit: Unit, deal_id: str) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Lock the circle of a deal that waits for a review; return its name and its parked deals."""
    found = await unit.row("select instrument_id from price_deal where deal_id = $1", deal_id)
    if found is None:
        raise NotFound("deal")
    await unit.lock(f"screen:{found['instrument_id']}")
    parked = await unit.rows(
        "select p.deal_id, p.cell, p.circle from price_deal p join price_deal d"
        " on d.circle = p.circle and d.state = 'parked' where d.deal_id = $1"
        " and p.state = 'parked' and p.parked_for <> all($2::text[]) order by p.deal_id",
        deal_id,
        list(publication.DISPUTES),
    )
    if not parked:
        raise NotFound("deal")
    cells = {row["cell"] for row in parked}
    await circling.lock_cells(unit, found["instrument_id"], cells)
    return str(parked[0]["circle"]), parked
