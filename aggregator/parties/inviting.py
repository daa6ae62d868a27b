"""Invitations by link: made by the boss, told once, used once, over after its time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import queries, recovering
from aggregator.parties.facts import InvitationEnded, PersonAdded, PersonInvited
from aggregator.parties.membership import changed, check_joining
from aggregator.parties.passwords import hash_password
from aggregator.parties.permissions import MARKET_ROLES, OWNER
from aggregator.parties.registering import (
    NewPerson,
    add_within,
    check_person,
    check_roles,
    stream_of,
)

MAX_DAYS = 30
MAX_OPEN = 100


async def invite(market: Market, actor: Actor, *, roles: tuple[str, ...], days: int) -> Outcome:
    """Make a link that lets one person join the actor's firm.

    Its token is in the answer and nowhere else, so the act has no command that keeps it.

    Raises:
        InvalidField: unknown roles, roles that exclude each other, or too many days.
        Conflict: too many invitations are open, or the firm is a desk of the market, whose persons
            two of the operator put in.

    """
    firm = actor.organisation_id
    return await _invite(market, actor, "people.manage", firm, roles=roles, days=days)


async def invite_first(market: Market, actor: Actor, organisation_id: str, *, days: int) -> Outcome:
    """Make a link for the owner of a fresh firm, so that nobody but him ever knows his password.

    One made before works no longer.

    Raises:
        NotFound: there is no such firm.
        Conflict: somebody is in it already; its people invite each other.

    """
    return await _invite(
        market, actor, "parties.register", organisation_id, roles=(OWNER,), days=days
    )


async def _invite(
    market: Market, actor: Actor, act: str, firm: str, *, roles: tuple[str, ...], days: int
) -> Outcome:
    check_roles(roles)
    if not 1 <= days <= MAX_DAYS:
        raise InvalidField("/days", f"1 to {MAX_DAYS}", days)

    async def step(unit: Unit) -> Answer:
        if act != "people.manage":
            await _begin_anew(unit, firm)
        token = secrets.token_urlsafe(32)
        await check_joining(unit, firm, roles)
        if MARKET_ROLES & set(roles):
            raise Conflict("desk_by_two")
        row = await unit.row(
            "select count(*) as n from invitation where organisation_id = $1"
            " and ended_at is null and expires_at > $2",
            firm,
            unit.now,
        )
        if row and row["n"] >= MAX_OPEN:
            raise Conflict("too_many_invitations")
        invitation_id, expires_at = unit.new_id("inv"), unit.now + timedelta(days=days)
        await unit.execute(
            "insert into invitation (id, token_hash, organisation_id, roles, invited_by,"
            " invited_at, expires_at) values ($1, $2, $3, $4::text[], $5, $6, $7)",
            invitation_id,
            _hashed(token),
            firm,
            sorted(set(roles)),
            actor.person_id,
            unit.now,
            expires_at,
        )
        fact = PersonInvited(firm, invitation_id, tuple(sorted(set(roles))))
        await unit.record(stream_of(firm), fact)
        return {
            "invitation_id": invitation_id,
            "token": token,
            "expires_at": unit.stamp(expires_at),
        }

    return await market.perform(actor, act, step, stream=stream_of(firm))


async def _begin_anew(unit: Unit, firm: str) -> None:
    if not await unit.row("select 1 from organisation where id = $1 for update", firm):
        raise NotFound("organisation")
    if await unit.row("select 1 from membership where organisation_id = $1 limit 1", firm):
        raise Conflict("firm_has_people")
    await unit.execute(
        "update invitation set ended_at = $2 where organisation_id = $1 and ended_at is null",
        firm,
        unit.now,
    )


async def invitation(market: Market, token: str) -> Mapping[str, Any]:
    """Return who invites and for which roles, for whoever holds the link.

    Raises:
        NotFound: the link is unknown, used, taken back or too old; which is not told.

    """
    firm, roles = await _open_invitation(market, token)
    found = await queries.organisation(firm)
    return {"organisation": found.name, "organisation_en": found.name_en, "roles": list(roles)}


async def take_back(market: Market, actor: Actor, command: Command, invitation_id: str) -> Outcome:
    """End an invitation that nobody has used."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "update invitation set ended_at = $3 where id = $1 and organisation_id = $2"
            " and ended_at is null returning id",
            invitation_id,
            actor.organisation_id,
            unit.now,
        )
        if row is None:
            raise NotFound("invitation")
        firm = actor.organisation_id
        await unit.record(stream_of(firm), InvitationEnded(firm, invitation_id, None))
        return {"invitation_id": invitation_id}

    return await market.perform(
        actor, "people.manage", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def join_as_new(market: Market, token: str, new: NewPerson) -> Answer:
    """Join by a link with a fresh log-in; the roles are those of the invitation.

    Raises:
        NotFound: the link is unknown, used, taken back or too old; which is not told.
        Conflict: the log-in is taken.

    """
    firm, roles = await _open_invitation(market, token)
    person = NewPerson(new.login, new.name, new.password, roles, new.language)
    check_person(person)
    password_hash = await hash_password(new.password)

    async def step(unit: Unit) -> Answer:
        invitation_id = await _used(unit, token)
        answer = await add_within(unit, firm, person, password_hash)
        await _end(unit, firm, invitation_id, answer["person_id"])
        return answer

    done = await market.perform(Actor.SYSTEM, "people.join", step, stream=stream_of(firm))
    return done.answer


async def join_as(market: Market, actor: Actor, token: str) -> Answer:
    """Join by a link as who one already is; raises as `join_as_new`, and Conflict for a member."""
    firm, roles = await _open_invitation(market, token)

    async def step(unit: Unit) -> Answer:
        invitation_id = await _used(unit, token)
        if await unit.row(
            "select 1 as one from membership where person_id = $1 and organisation_id = $2",
            actor.person_id,
            firm,
        ):
            raise Conflict("member_already")
        await recovering.end_before_joining(unit, actor.person_id)
        await unit.execute(
            "insert into membership (person_id, organisation_id, roles)"
            " values ($1, $2, $3::text[])",
            actor.person_id,
            firm,
            list(roles),
        )
        await unit.record(stream_of(firm), PersonAdded(actor.person_id, firm, roles))
        await _end(unit, firm, invitation_id, actor.person_id)
        return {"person_id": actor.person_id, "organisation_id": firm}

    done = await market.perform(Actor.SYSTEM, "people.join", step, stream=stream_of(firm))
    return done.answer


async def _open_invitation(market: Market, token: str) -> tuple[str, tuple[str, ...]]:
    found = await Pool().rows(
        "select organisation_id, roles from invitation where token_hash = $1"
        " and ended_at is null and expires_at > $2",
        _hashed(token),
        market.clock.now(),
    )
    if not found:
        raise NotFound("invitation")
    return found[0]["organisation_id"], tuple(found[0]["roles"])


async def _used(unit: Unit, token: str) -> str:
    row = await unit.row(
        "update invitation set ended_at = $2 where token_hash = $1 and ended_at is null"
        " and expires_at > $2 returning id",
        _hashed(token),
        unit.now,
    )
    if row is None:
        raise NotFound("invitation")
    return str(row["id"])


async def _end(unit: Unit, firm: str, invitation_id: str, person_id: str) -> None:
    await unit.execute(
        "update invitation set accepted_by = $2 where id = $1", invitation_id, person_id
    )
    await unit.record(stream_of(firm), InvitationEnded(firm, invitation_id, person_id))
    changed(unit, firm)


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
