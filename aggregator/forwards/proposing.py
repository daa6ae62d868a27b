"""Changing a contract by consent: previewed, proposed, consented to by everybody it touches.

A proposal's terms are frozen: who consents names their hash, and what is carried out is
planned anew and must have the same one. The last consent carries it out, once, in its own
act. Whoever consents has the money that it costs him set aside at once, so that no other's
consent ever fails for it. Until then the proposer may withdraw it, any party asked may
refuse it, and after three trading days it expires: silence leaves everything as it was.
Whoever takes more lots in a month than he had there buys them: his people need the mandate of an
order for it, of which lots that only come from another month use no more money.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from aggregator.errors import Conflict, InvalidField, NotFound, WrongState
from aggregator.forwards import dating, places, plans, proposals, replacing, slots
from aggregator.forwards.contract_facts import (
    ChangeConsented,
    ChangeEnded,
    ChangeProposed,
    SlotEnded,
)
from aggregator.forwards.errors import TermsChanged
from aggregator.forwards.plans import SWAP, TRANSFER, Change, Plan, World
from aggregator.forwards.proposals import Proposal
from aggregator.forwards.slots import Slot
from aggregator.journal.reading import Pool, Reader
from aggregator.ledger import accounts, holds
from aggregator.mandates import freeing
from aggregator.mandates.checking import require
from aggregator.mandates.drawing import approval_of
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.timers import clear_timer, set_timer

ACT = "forwards.amend"
TIMER = "forwards.proposal"
OPEN, EXECUTED, WITHDRAWN = "open", "executed", "withdrawn"
REFUSED, EXPIRED = "refused", "expired"
MAX_OPEN = 5


async def preview(
    market: Market, actor: Actor, slot_id: str, wanted: Change, to: str = ""
) -> Answer:
    """Return what a change would do, to the fen, for the actor's firm; nothing is written.

    Raises:
        NotFound: no such slot of the actor's.
        InvalidField, ClosesIntoCash, WrongState, Conflict: the change breaks a rule.

    """
    actor.require(ACT)
    async with market.reading() as unit:
        slot = await slots.load(unit, slot_id)
        slots.check_party(slot, actor)
        change, asked = await _asked(unit, slot, actor, wanted, to)
        world = await plans.world_of(unit, slot.strip_id)
        plan = await replacing.planned(unit, world, slot, change)
        return {
            **proposals.plan_view(proposals.written(plan, slot), actor.organisation_id),
            "asks": len(asked) - 1,
        }


async def propose(
    market: Market,
    actor: Actor,
    command: Command | None,
    slot_id: str,
    wanted: Change,
    to: str = "",
    *,
    only_as: str | None = None,
) -> Outcome:
    """Propose a change of a slot; the proposer's own consent is part of it.

    `to` names the firm that a transfer or swap is offered to, by its id or exact name;
    `only_as` the hash of what alone is to be proposed.

    Raises:
        NotFound: no such slot of the actor's.
        InsufficientFunds: what it costs the proposer is not covered.
        BeyondMandate: he takes more lots than his people may order.
        InvalidField, ClosesIntoCash, WrongState, Conflict: the change breaks a rule.

    """

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, slot_id)
        slots.check_party(slot, actor)
        change, asked = await _asked(unit, slot, actor, wanted, to)
        open_ones = await unit.rows(
            "select 1 from contract_proposal where slot_id = $1 and state = 'open'", slot.id
        )
        if len(open_ones) >= MAX_OPEN:
            raise Conflict("too_many_proposals")
        world = await plans.world_of(unit, slot.strip_id)
        plan = await replacing.planned(unit, world, slot, change)
        if only_as not in (None, plan.sha256):
            raise TermsChanged(plan.sha256)
        proposal = await _insert(unit, world, slot, change, asked, plan)
        await _consent(unit, proposal, plan, actor)
        await unit.record(
            slots.stream_of(slot.strip_id),
            ChangeProposed(
                proposal.id,
                slot.contract_id,
                proposal.asked,
                proposal.kind,
                slot.tenor,
                proposal.expires_at,
            ),
        )
        return {
            "proposal_id": proposal.id,
            "slot_id": slot.id,
            "terms_sha256": proposal.terms_sha256,
            "expires_at": unit.stamp(proposal.expires_at),
        }

    stream = await slots.stream_for(Pool(), actor, ACT, slot_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def consent(
    market: Market,
    actor: Actor,
    command: Command | None,
    proposal_id: str,
    *,
    terms_sha256: str,
    slot_id: str | None = None,
) -> Outcome:
    """Consent to the terms of that hash; the last consent carries them out.

    A swap is consented to with one's own slot, whose hash the preview of the answer names.

    Raises:
        NotFound: the actor is not asked.
        WrongState: the proposal has ended.
        TermsChanged: it is no longer what the hash names.
        Conflict: the firm has consented already.
        InsufficientFunds: what it costs the actor is not covered.
        BeyondMandate: he takes more lots than his people may order.

    """

    async def step(unit: Unit) -> Answer:
        slot, proposal = await _locked(unit, actor, proposal_id)
        if unit.now >= proposal.expires_at:
            raise WrongState(EXPIRED, OPEN)
        if actor.organisation_id in await _consented(unit, proposal.id):
            raise Conflict("consented_already")
        world = await plans.world_of(unit, slot.strip_id)
        other = await _other(unit, actor, proposal, slot_id)
        frozen = await replacing.planned(unit, world, slot, proposal.change)
        if frozen.sha256 != proposal.terms_sha256:
            raise TermsChanged(proposal.terms_sha256)
        plan = frozen
        if other is not None:
            plan = await replacing.planned(unit, world, slot, proposal.change, other=other)
        if terms_sha256 != plan.sha256:
            raise TermsChanged(plan.sha256)
        await _consent(unit, proposal, plan, actor)
        fact = ChangeConsented(
            proposal.id, slot.contract_id, proposal.asked, proposal.kind, actor.organisation_id
        )
        await unit.record(slots.stream_of(slot.strip_id), fact)
        if set(proposal.asked) - set(await _consented(unit, proposal.id)):
            return {"proposal_id": proposal.id, "state": OPEN, "slot_ids": []}
        await _free_holds(unit, proposal.id)
        await _end(unit, slot, proposal, EXECUTED)
        made = await replacing.carry_out(unit, world, plan)
        mine = [fresh.id for fresh in made if actor.organisation_id in fresh.party_ids]
        return {"proposal_id": proposal.id, "state": EXECUTED, "slot_ids": mine}

    return await _perform(market, actor, command, proposal_id, step)


async def offered(
    market: Market, actor: Actor, proposal_id: str, slot_id: str | None = None
) -> Answer:
    """Return what a proposal would do for the actor's firm, with the slot he would swap."""
    actor.require(ACT)
    async with market.reading() as unit:
        proposal = await proposals.load(unit, proposal_id)
        if actor.organisation_id not in proposal.asked:
            raise NotFound("proposal")
        slot = await slots.load(unit, proposal.slot_id)
        world = await plans.world_of(unit, slot.strip_id)
        other = await _other(unit, actor, proposal, slot_id)
        plan = await replacing.planned(unit, world, slot, proposal.change, other=other)
        return proposals.plan_view(proposals.written(plan, slot), actor.organisation_id)


async def withdraw(market: Market, actor: Actor, command: Command, proposal_id: str) -> Outcome:
    """End an open proposal: its proposer withdraws it, anybody else who is asked refuses it."""

    async def step(unit: Unit) -> Answer:
        slot, proposal = await _locked(unit, actor, proposal_id)
        state = WITHDRAWN if actor.organisation_id == proposal.proposed_by else REFUSED
        await _free_holds(unit, proposal.id)
        await _end(unit, slot, proposal, state)
        return {"proposal_id": proposal.id, "state": state}

    return await _perform(market, actor, command, proposal_id, step)


async def expire(market: Market, proposal_id: str) -> None:
    """Ring when a proposal's time is over: silence changes nothing."""
    found = await proposals.load(Pool(), proposal_id)
    strip_id = (await slots.load(Pool(), found.slot_id)).strip_id

    async def step(unit: Unit) -> Answer:
        slot = await slots.locked(unit, found.slot_id)
        proposal = await proposals.load(unit, proposal_id)
        if proposal.state != OPEN or unit.now < proposal.expires_at:
            return {}
        await _free_holds(unit, proposal.id)
        await _end(unit, slot, proposal, EXPIRED)
        return {"proposal_id": proposal.id, "state": EXPIRED}

    await market.perform(Actor.SYSTEM, TIMER, step, stream=slots.stream_of(strip_id))


async def on_slot_ended(unit: Unit, fact: SlotEnded) -> None:
    """End what else was proposed of a slot: it can never be carried out, and money waits for it."""
    found = await unit.rows(
        "select id from contract_proposal where slot_id = $1 and state = 'open' order by id",
        fact.slot_id,
    )
    for row in found:
        proposal = await proposals.load(unit, row["id"])
        await _free_holds(unit, proposal.id)
        await _end(unit, await slots.load(unit, fact.slot_id), proposal, EXPIRED)


async def _asked(
    unit: Unit, slot: Slot, actor: Actor, wanted: Change, to: str
) -> tuple[Change, tuple[str, ...]]:
    """Return the change with the firm that is meant, and all who must consent, actor first."""
    if wanted.kind not in (TRANSFER, SWAP):
        parties = dict.fromkeys((actor.organisation_id, *slot.party_ids))
        return wanted, tuple(parties)
    if actor.organisation_id != slot.buyer_id:
        raise NotFound("slot")
    found = await unit.rows(
        "select o.id from organisation o where (o.id = $1 or o.name = $1) and exists (select 1"
        " from membership m where m.organisation_id = o.id and 'buyer' = any(m.roles))",
        to,
    )
    rule = "a buyer with a receiving place"
    if not found:
        raise InvalidField("/to", rule, to[:120])
    to_id = found[0]["id"]
    await replacing.check_taker(unit, slot, to_id)
    there = await places.of_firm(unit, to_id)
    if not there:
        raise InvalidField("/to", rule, to[:120])
    is_near = any(place.region == slot.region for place in there)
    others = (to_id,) if wanted.kind == SWAP or is_near else (to_id, slot.seller_id)
    return replace(wanted, to_id=to_id), (actor.organisation_id, *others)


async def _other(unit: Unit, actor: Actor, proposal: Proposal, slot_id: str | None) -> Slot | None:
    """Return the slot that the actor gives in a swap; nothing for every other change."""
    if proposal.kind != SWAP or actor.organisation_id == proposal.proposed_by:
        return None
    if slot_id is None:
        raise InvalidField("/slot_id", "required for this kind of change")
    other = await slots.load(unit, slot_id)
    if other.buyer_id != actor.organisation_id:
        raise NotFound("slot")
    return other


async def _insert(
    unit: Unit, world: World, slot: Slot, change: Change, asked: tuple[str, ...], plan: Plan
) -> Proposal:
    proposal_id = unit.new_id("prp")
    expires_at = min(dating.consent_by(world.calendar, unit.now), slot.nominate_by)
    await unit.execute(
        "insert into contract_proposal (id, contract_id, slot_id, kind, proposed_by, asked, terms,"
        " terms_sha256, plan, state, expires_at, proposed_at) values ($1, $2, $3, $4, $5,"
        " $6::text[], $7::jsonb, $8, $9::jsonb, 'open', $10, $11)",
        proposal_id,
        slot.contract_id,
        slot.id,
        change.kind,
        asked[0],
        list(asked),
        json.dumps(asdict(change)),
        plan.sha256,
        json.dumps(proposals.written(plan, slot)),
        expires_at,
        unit.now,
    )
    await set_timer(unit, TIMER, proposal_id, expires_at)
    return await proposals.load(unit, proposal_id)


async def _consent(unit: Unit, proposal: Proposal, plan: Plan, actor: Actor) -> None:
    """Write a firm's consent, within its mandates, and set aside what it costs that firm."""
    bought = proposals.bought(proposal, plan, actor.organisation_id)
    if bought is not None:
        await require(unit, bought)
    elif approval_of(actor) is not None:
        raise Conflict("nothing_to_approve")
    needed = plan.money.get(actor.organisation_id, plans.Money()).needed_minor
    hold_id = None
    if needed:
        cash = await accounts.ensure(unit, actor.organisation_id, accounts.CASH, "CNY")
        hold_id = await holds.place(unit, cash, needed, proposal.subject)
    await unit.execute(
        "insert into proposal_consent (proposal_id, organisation_id, person_id, hold_id, at)"
        " values ($1, $2, $3, $4, $5)",
        proposal.id,
        actor.organisation_id,
        actor.person_id,
        hold_id,
        unit.now,
    )


async def _consented(unit: Reader, proposal_id: str) -> list[str]:
    found = await unit.rows(
        "select organisation_id from proposal_consent where proposal_id = $1 order by at, 1",
        proposal_id,
    )
    return [row["organisation_id"] for row in found]


async def _free_holds(unit: Unit, proposal_id: str) -> None:
    found = await unit.rows(
        "select hold_id from proposal_consent where proposal_id = $1 and hold_id is not null"
        " order by hold_id",
        proposal_id,
    )
    for row in found:
        await holds.void(unit, row["hold_id"])


async def _locked(unit: Unit, actor: Actor, proposal_id: str) -> tuple[Slot, Proposal]:
    found = await proposals.load(unit, proposal_id)
    slot = await slots.locked(unit, found.slot_id)
    proposal = await proposals.load(unit, proposal_id)
    if actor.organisation_id not in proposal.asked:
        raise NotFound("proposal")
    if proposal.state != OPEN:
        raise WrongState(proposal.state, OPEN)
    return slot, proposal


async def _end(unit: Unit, slot: Slot, proposal: Proposal, state: str) -> None:
    await clear_timer(unit, TIMER, proposal.id)
    kept = dict.fromkeys(proposal.asked if state == EXECUTED else (), freeing.WHOLE)
    await freeing.settle(unit, proposal.subject, kept)
    await unit.execute(
        "update contract_proposal set state = $2, ended_at = $3 where id = $1",
        proposal.id,
        state,
        unit.now,
    )
    await unit.record(
        slots.stream_of(slot.strip_id),
        ChangeEnded(proposal.id, slot.contract_id, proposal.asked, proposal.kind, state),
    )


async def _perform(
    market: Market, actor: Actor, command: Command | None, proposal_id: str, step: Any
) -> Outcome:
    actor.require(ACT)
    found = await proposals.load(Pool(), proposal_id)
    if actor.organisation_id not in found.asked:
        raise NotFound("proposal")
    stream = slots.stream_of((await slots.load(Pool(), found.slot_id)).strip_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)
