"""Policies: which acts of a firm need more than a role, and who says yes in which order.

A firm without a policy for an act is bound by roles alone. A link of a chain is `role:<role>`
or `person:<id>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.errors import InvalidField, NotFound
from aggregator.mandates.facts import PolicySet, SubstituteEnded, SubstituteNamed
from aggregator.market import Actor, Answer, Command, Market, Outcome, Step, Unit
from aggregator.parties import permissions
from aggregator.parties.permissions import APPROVER, FINANCE, OWNER

ACTS = ("auctions.bid", "forwards.offer", "forwards.order", "pools.pledge", "supply.offer")
"""The acts that commit a firm, and so can be bound by a policy."""
DECIDING_ROLES = (APPROVER, FINANCE, OWNER)
MAX_LINKS = 5
MAX_HOURS = 720
MOST_BPS = 5_000
MAX_COUNTERPARTIES = 50
LONGEST_SUBSTITUTION = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTerms:
    """Acts of more than `free_up_to_minor` need a mandate, or a yes from each link of `chain`.

    With `index_bps` smaller ones do too whose price is worse than the cell's last published one
    by more than so many 1/10,000 of it, or has none to be measured against. With `counterparties`
    so do acts with any other firm, or with nobody known yet.
    """

    act: str
    chain: tuple[str, ...]
    free_up_to_minor: int = 0
    index_bps: int | None = None
    counterparties: tuple[str, ...] = ()
    valid_hours: int = 24


def stream_of(organisation_id: str) -> str:
    return f"organisation:{organisation_id}"


async def set_policy(market: Market, actor: Actor, command: Command, terms: PolicyTerms) -> Outcome:
    """Bind an act of the actor's firm from now on; what was asked before keeps its chain.

    Raises:
        NotFound: a link names nobody of the firm.
        InvalidField: an unknown act, an empty or too long chain, or a link that cannot decide.

    """
    _check(terms)

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        for number, link in enumerate(terms.chain):
            kind, _, name = link.partition(":")
            if kind == "person":
                await _check_decides(unit, name, f"/chain/{number}")
        await unit.execute(
            "insert into mandate_policy (organisation_id, act, free_up_to_minor, chain,"
            " valid_hours, set_by, set_at, index_bps, counterparties)"
            " values ($1, $2, $3, $4::text[], $5, $6, $7, $8, $9::text[])"
            " on conflict (organisation_id, act) do update set"
            " free_up_to_minor = excluded.free_up_to_minor, chain = excluded.chain,"
            " valid_hours = excluded.valid_hours, set_by = excluded.set_by,"
            " set_at = excluded.set_at, index_bps = excluded.index_bps,"
            " counterparties = excluded.counterparties",
            firm,
            terms.act,
            terms.free_up_to_minor,
            list(terms.chain),
            terms.valid_hours,
            actor.person_id,
            unit.now,
            terms.index_bps,
            sorted(set(terms.counterparties)),
        )
        await unit.record(stream_of(firm), PolicySet(firm, terms.act, terms.chain))
        return {"act": terms.act, "chain": list(terms.chain)}

    return await _perform(market, actor, command, "mandates.rule", step)


async def lift_policy(market: Market, actor: Actor, command: Command, act: str) -> Outcome:
    """Let roles alone decide about an act again.

    Raises:
        NotFound: the firm has no policy for the act.

    """

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        row = await unit.row(
            "delete from mandate_policy where organisation_id = $1 and act = $2 returning act",
            firm,
            act,
        )
        if row is None:
            raise NotFound("policy")
        await unit.record(stream_of(firm), PolicySet(firm, act, ()))
        return {"act": act, "chain": []}

    return await _perform(market, actor, command, "mandates.rule", step)


async def name_substitute(
    market: Market,
    actor: Actor,
    command: Command,
    substitute_id: str,
    *,
    begins_at: datetime,
    ends_at: datetime,
) -> Outcome:
    """Let a colleague decide in the actor's place for a while; the record names both.

    Raises:
        NotFound: no such person in the firm.
        InvalidField: the window is empty, over or longer than a year, or he has no role to
            decide by.

    """
    if not begins_at < ends_at <= begins_at + LONGEST_SUBSTITUTION:
        raise InvalidField("/ends_at", "after it begins, and within a year", ends_at.isoformat())

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        if ends_at <= unit.now:
            raise InvalidField("/ends_at", "ahead, within a year", unit.stamp(ends_at))
        if substitute_id == actor.person_id:
            raise InvalidField("/person", "somebody else", substitute_id)
        await _check_decides(unit, substitute_id, "/person")
        await unit.execute(
            "insert into mandate_substitute (organisation_id, person_id, substitute_id,"
            " begins_at, ends_at) values ($1, $2, $3, $4, $5)"
            " on conflict (organisation_id, person_id, substitute_id) do update set"
            " begins_at = excluded.begins_at, ends_at = excluded.ends_at",
            firm,
            actor.person_id,
            substitute_id,
            begins_at,
            ends_at,
        )
        fact = SubstituteNamed(firm, actor.person_id, substitute_id, begins_at, ends_at)
        await unit.record(stream_of(firm), fact)
        return {"person_id": substitute_id, "ends_at": unit.stamp(ends_at)}

    return await _perform(market, actor, command, "approvals.substitute", step)


async def end_substitute(
    market: Market, actor: Actor, command: Command, person_id: str, substitute_id: str
) -> Outcome:
    """Let a colleague no longer decide in a person's place: who named him says so, or an owner.

    Raises:
        NotFound: nobody stands in, or the actor neither named him nor owns the firm.

    """

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        if person_id != actor.person_id and OWNER not in actor.roles:
            raise NotFound("substitute")
        row = await unit.row(
            "delete from mandate_substitute where organisation_id = $1 and person_id = $2"
            " and substitute_id = $3 and ends_at > $4 returning ends_at",
            firm,
            person_id,
            substitute_id,
            unit.now,
        )
        if row is None:
            raise NotFound("substitute")
        fact = SubstituteEnded(firm, person_id, substitute_id, actor.person_id)
        await unit.record(stream_of(firm), fact)
        return {"person_id": substitute_id, "ends_at": unit.stamp(unit.now)}

    return await _perform(market, actor, command, "approvals.substitute", step)


async def _perform(market: Market, actor: Actor, command: Command, act: str, step: Step) -> Outcome:
    stream = stream_of(actor.organisation_id)
    return await market.perform(actor, act, step, command=command, stream=stream)


async def _check_decides(unit: Unit, person_id: str, pointer: str) -> None:
    """Refuse who is not in the actor's firm, or may decide nothing there."""
    row = await unit.row(
        "select roles from membership where organisation_id = $1 and person_id = $2",
        unit.actor.organisation_id,
        person_id,
    )
    if row is None:
        raise NotFound("person")
    if not permissions.ACTS["approvals.decide"] & set(row["roles"]):
        raise InvalidField(pointer, "somebody whose role decides approvals", person_id)


def _check(terms: PolicyTerms) -> None:
    if terms.act not in ACTS:
        raise InvalidField("/act", f"one of {', '.join(ACTS)}", terms.act[:60])
    if not 1 <= len(terms.chain) <= MAX_LINKS:
        raise InvalidField("/chain", f"1 to {MAX_LINKS} links", len(terms.chain))
    if terms.index_bps is not None and not 0 <= terms.index_bps <= MOST_BPS:
        raise InvalidField("/index_bps", f"0 to {MOST_BPS}", terms.index_bps)
    if len(terms.counterparties) > MAX_COUNTERPARTIES:
        count = len(terms.counterparties)
        raise InvalidField("/counterparties", f"at most {MAX_COUNTERPARTIES}", count)
    if not 1 <= terms.valid_hours <= MAX_HOURS:
        raise InvalidField("/valid_hours", f"1 to {MAX_HOURS}", terms.valid_hours)
    for number, link in enumerate(terms.chain):
        kind, _, name = link.partition(":")
        if kind not in ("role", "person") or (kind == "role" and name not in DECIDING_ROLES):
            rule = f"person:<id>, or role: and one of {', '.join(DECIDING_ROLES)}"
            raise InvalidField(f"/chain/{number}", rule, link[:60])
