"""Approval requests: asked with fixed terms, decided link by link, ended once.

The terms never change after the asking, and who decides says which terms he saw. What an
approved request sets off is carried out above, in `approvals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.journal.facts import canonical, json_text
from aggregator.mandates import secrecy
from aggregator.mandates.errors import OwnAct, TermsDiffer
from aggregator.mandates.facts import ApprovalAsked, ApprovalEnded, ApprovalStepped
from aggregator.mandates.policies import stream_of
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.facts import PersonLeft
from aggregator.parties.names import checked_note
from aggregator.parties.permissions import ACTS, OWNER
from aggregator.refusals import Refusal
from aggregator.scheduler.timers import clear_timer, set_timer
from matching.money import MAX_TOTAL_MINOR

EXPIRE, EXECUTE = "approvals.expire", "approvals.execute"
EXECUTE_AFTER = timedelta(seconds=5)
MAX_WAITING = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked for: the act, what it acts on, and its terms as JSON."""

    act: str
    subject: str
    terms: Mapping[str, Any]
    amount_minor: int
    currency: str
    note: str = ""


async def ask(
    market: Market,
    actor: Actor,
    command: Command,
    asking: Asking,
    *,
    refusal: Refusal | None = None,
) -> Outcome:
    """Ask for an approval of an act under the firm's policy.

    With a `refusal`, of the act itself, that is what a command is answered which is new.

    Raises:
        NotAllowed: the person's roles do not hold the act itself.
        Conflict: the act is not bound by a policy, or too many requests wait.
        InvalidField: the amount is beyond what the market takes.

    """
    actor.require(asking.act)
    _checked(asking)

    async def step(unit: Unit) -> Answer:
        if refusal is not None:
            raise refusal
        return await ask_within(unit, asking)

    return await market.perform(
        actor, "approvals.ask", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def ask_within(unit: Unit, asking: Asking) -> Answer:
    """Ask in the caller's transaction, of an actor who may do the act; raises as `ask` does."""
    note, firm = _checked(asking), unit.actor.organisation_id
    policy = await unit.row(
        "select chain, valid_hours from mandate_policy where organisation_id = $1 and act = $2",
        firm,
        asking.act,
    )
    if policy is None:
        raise Conflict("not_bound")
    waiting = await unit.row(
        "select count(*) as n from approval where organisation_id = $1 and state = 'waiting'",
        firm,
    )
    if waiting and waiting["n"] >= MAX_WAITING:
        raise Conflict("too_many_waiting")
    fingerprint = fingerprint_of(asking)
    ends_at = unit.now + timedelta(hours=policy["valid_hours"])
    chain: list[str] = list(policy["chain"])
    approval_id = await _insert(unit, asking, note, chain=chain, ends_at=ends_at)
    await set_timer(unit, EXPIRE, approval_id, ends_at)
    fact = ApprovalAsked(firm, approval_id, unit.actor.person_id, asking.act)
    await unit.record(stream_of(firm), fact)
    return {
        "approval_id": approval_id,
        "state": "waiting",
        "fingerprint": fingerprint.hex(),
        "ends_at": unit.stamp(ends_at),
    }


async def approve(
    market: Market, actor: Actor, command: Command, approval_id: str, *, fingerprint: str
) -> Outcome:
    """Say yes for the link of the chain that is next.

    Raises:
        NotFound: no such request of the firm.
        WrongState: it no longer waits.
        TermsDiffer: the decider saw other terms.
        OwnAct: the decider asked for it, or has decided a link of it.
        NotAllowed: the link names neither him nor somebody in whose place he decides.

    """

    async def step(unit: Unit) -> Answer:
        row = await _waiting(unit, approval_id)
        if bytes(row["fingerprint"]).hex() != fingerprint:
            raise TermsDiffer(approval_id)
        principal = await _decides(unit, row)
        await _note(unit, row, "approved", "", principal)
        links = row["step"] + 1
        is_last = links == len(row["chain"])
        state = "approved" if is_last else "waiting"
        await unit.execute(
            "update approval set step = $2, state = $3 where id = $1", approval_id, links, state
        )
        if is_last:
            await clear_timer(unit, EXPIRE, approval_id)
            await set_timer(unit, EXECUTE, approval_id, unit.now + EXECUTE_AFTER)
        firm, person = actor.organisation_id, actor.person_id
        fact = ApprovalStepped(firm, approval_id, person, principal, is_last)
        await unit.record(stream_of(firm), fact)
        return {"approval_id": approval_id, "state": state, "step": links}

    return await _decide(market, actor, command, step)


async def reject(
    market: Market, actor: Actor, command: Command, approval_id: str, *, reason: str
) -> Outcome:
    """Say no for the link of the chain that is next, which ends the request.

    It raises what `approve` raises.
    """
    said = checked_note(reason, "/reason")

    async def step(unit: Unit) -> Answer:
        row = await _waiting(unit, approval_id)
        principal = await _decides(unit, row)
        await _note(unit, row, "rejected", said, principal)
        return await _end(unit, row, "rejected", reason=said)

    return await _decide(market, actor, command, step)


async def withdraw(market: Market, actor: Actor, command: Command, approval_id: str) -> Outcome:
    """Take one's own request back while it waits."""

    async def step(unit: Unit) -> Answer:
        return await withdraw_within(unit, approval_id)

    return await market.perform(
        actor, "approvals.ask", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def withdraw_within(unit: Unit, approval_id: str) -> Answer:
    """Take the actor's own waiting request back in the caller's transaction."""
    row = await _waiting(unit, approval_id)
    if row["asked_by"] != unit.actor.person_id:
        raise NotFound("approval")
    return await _end(unit, row, "withdrawn")


async def on_person_left(unit: Unit, fact: PersonLeft) -> None:
    """Take back what a leaver asked for and nobody has decided."""
    rows = await unit.rows(
        "select * from approval where organisation_id = $1 and asked_by = $2"
        " and state = 'waiting' order by id for update",
        fact.organisation_id,
        fact.person_id,
    )
    for row in rows:
        await _end(unit, row, "withdrawn")


async def expire(market: Market, approval_id: str) -> None:
    """End a request that nobody decided in time."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row("select * from approval where id = $1 for update", approval_id)
        if row is not None and row["state"] == "waiting" and unit.now >= row["ends_at"]:
            await _end(unit, dict(row), "expired")
        return {}

    await market.perform(Actor.SYSTEM, EXPIRE, step)


def _checked(asking: Asking) -> str:
    if not 1 <= asking.amount_minor <= MAX_TOTAL_MINOR:
        raise InvalidField("/terms", f"a total of 1 to {MAX_TOTAL_MINOR}", asking.amount_minor)
    return checked_note(asking.note, "/note")


async def _insert(
    unit: Unit, asking: Asking, note: str, *, chain: list[str], ends_at: datetime
) -> str:
    approval_id = unit.new_id("apr")
    hidden = {"terms": dict(asking.terms), "amount_minor": asking.amount_minor, "note": note}
    await unit.execute(
        "insert into approval (id, organisation_id, asked_by, act, subject, terms,"
        " fingerprint, amount_minor, currency, note, chain, state, asked_at, ends_at)"
        " values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11::text[], 'waiting',"
        " $12, $13)",
        approval_id,
        unit.actor.organisation_id,
        unit.actor.person_id,
        asking.act,
        asking.subject,
        json_text(secrecy.sealed(hidden)),
        fingerprint_of(asking),
        secrecy.NO_AMOUNT_MINOR,
        asking.currency,
        "",
        chain,
        unit.now,
        ends_at,
    )
    return approval_id


def fingerprint_of(asking: Asking) -> bytes:
    """Return what stands for all that is asked for: act, subject, terms and amount."""
    content = [asking.act, asking.subject, dict(asking.terms), asking.amount_minor]
    return secrecy.keyed(canonical(content))


async def _decide(market: Market, actor: Actor, command: Command, step: Any) -> Outcome:
    return await market.perform(
        actor, "approvals.decide", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def _waiting(unit: Unit, approval_id: str) -> dict[str, Any]:
    row = await unit.row(
        "select * from approval where id = $1 and organisation_id = $2 for update",
        approval_id,
        unit.actor.organisation_id,
    )
    if row is None:
        raise NotFound("approval")
    if row["state"] != "waiting" or unit.now >= row["ends_at"]:
        state = "expired" if row["state"] == "waiting" else row["state"]
        raise WrongState(state, "waiting")
    return dict(row)


async def _decides(unit: Unit, row: Mapping[str, Any]) -> str | None:
    """Return the person in whose place the actor decides the next link; None for himself.

    An owner decides in the place of who has left the firm, or the roles that decide.
    """
    actor = unit.actor
    taken = await unit.row(
        "select 1 as one from approval_decision where approval_id = $1 and person_id = $2",
        row["id"],
        actor.person_id,
    )
    if taken is not None or row["asked_by"] == actor.person_id:
        raise OwnAct(row["id"])
    kind, _, name = row["chain"][row["step"]].partition(":")
    if name in (actor.roles if kind == "role" else {actor.person_id}):
        return None
    found = await unit.rows(
        "select s.person_id, m.roles from mandate_substitute s join membership m"
        " on m.organisation_id = s.organisation_id and m.person_id = s.person_id"
        " where s.organisation_id = $1 and s.substitute_id = $2 and s.begins_at <= $3"
        " and s.ends_at > $3 and s.person_id <> $4 order by s.person_id",
        actor.organisation_id,
        actor.person_id,
        unit.now,
        row["asked_by"],
    )
    for one in found:
        if name in (one["roles"] if kind == "role" else [one["person_id"]]):
            return str(one["person_id"])
    if kind == "person" and OWNER in actor.roles and await _decides_no_longer(unit, name):
        return str(name)
    raise NotAllowed("approvals.decide")


async def _decides_no_longer(unit: Unit, person_id: str) -> bool:
    found = await unit.row(
        "select 1 from membership where organisation_id = $1 and person_id = $2"
        " and roles && $3::text[]",
        unit.actor.organisation_id,
        person_id,
        sorted(ACTS["approvals.decide"]),
    )
    return found is None


async def _note(
    unit: Unit, row: Mapping[str, Any], verdict: str, reason: str, principal: str | None
) -> None:
    await unit.execute(
        "insert into approval_decision (approval_id, step, person_id, on_behalf_of, verdict,"
        " reason, at) values ($1, $2, $3, $4, $5, $6, $7)",
        row["id"],
        row["step"] + 1,
        unit.actor.person_id,
        principal,
        verdict,
        reason,
        unit.now,
    )


async def _end(unit: Unit, row: Mapping[str, Any], state: str, *, reason: str = "") -> Answer:
    await unit.execute("update approval set state = $2 where id = $1", row["id"], state)
    await clear_timer(unit, EXPIRE, row["id"])
    firm = row["organisation_id"]
    fact = ApprovalEnded(firm, row["id"], row["asked_by"], state, reason)
    await unit.record(stream_of(firm), fact)
    return {"approval_id": row["id"], "state": state}
