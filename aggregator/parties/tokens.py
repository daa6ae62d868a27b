"""Tokens for programs: a person's own, with scopes, an end, and revocation at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.facts import SessionsEnded, TokenIssued
from aggregator.parties.membership import changed
from aggregator.parties.names import checked_name
from aggregator.parties.permissions import ACTS, PERSONAL
from aggregator.parties.registering import stream_of
from aggregator.parties.sessions import key_of

MAX_DAYS = 366
MAX_TOKENS = 20


async def issue(
    market: Market, actor: Actor, *, label: str, scopes: Sequence[str], days: int
) -> Outcome:
    """Make a token that acts for the person within `scopes`; it is told once.

    The answer is kept under no command, so nobody reads the token again. It never holds an
    act that the person's roles do not hold at the time of use.

    Raises:
        InvalidField: a scope that is no act, or one that no program may hold.
        Conflict: the person has too many.

    """
    name, asked = checked_name(label, "/label"), sorted(set(scopes))
    if not asked or not set(asked) <= ACTS.keys() - PERSONAL:
        raise InvalidField("/scopes", "acts of the market that a program may hold", asked[0][:60])
    if not 1 <= days <= MAX_DAYS:
        raise InvalidField("/days", f"1 to {MAX_DAYS}", days)

    async def step(unit: Unit) -> Answer:
        firm, token, token_id = actor.organisation_id, secrets.token_urlsafe(32), unit.new_id("tok")
        row = await unit.row(
            "select count(*) as n from session where person_id = $1 and scopes is not null"
            " and revoked_at is null and expires_at > $2",
            actor.person_id,
            unit.now,
        )
        if row and row["n"] >= MAX_TOKENS:
            raise Conflict("too_many_tokens")
        expires_at = unit.now + timedelta(days=days)
        await unit.execute(
            "insert into session (token_hash, person_id, organisation_id, opened_at, seen_at,"
            " expires_at, id, scopes, label) values ($1, $2, $3, $4, $4, $5, $6, $7::text[], $8)",
            key_of(token),
            actor.person_id,
            firm,
            unit.now,
            expires_at,
            token_id,
            asked,
            name,
        )
        fact = TokenIssued(firm, actor.person_id, token_id, tuple(asked))
        await unit.record(stream_of(firm), fact)
        return {"token_id": token_id, "token": token, "expires_at": unit.stamp(expires_at)}

    return await market.perform(
        actor, "identity.manage", step, stream=stream_of(actor.organisation_id)
    )


async def revoke(market: Market, actor: Actor, command: Command, token_id: str) -> Outcome:
    """End one of one's own tokens, and what is open under it.

    Raises:
        NotFound: no such token of the person.

    """

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "update session set revoked_at = $4 where id = $1 and person_id = $2"
            " and organisation_id = $3 and revoked_at is null returning id",
            token_id,
            actor.person_id,
            actor.organisation_id,
            unit.now,
        )
        if row is None:
            raise NotFound("token")
        firm = actor.organisation_id
        await unit.record(stream_of(firm), SessionsEnded(firm, actor.person_id, "token"))
        changed(unit, firm)
        return {"token_id": token_id}

    return await market.perform(
        actor, "identity.manage", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def tokens(market: Market, actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return one's own tokens that still hold."""
    found = await Pool().rows(
        "select id as token_id, label, scopes, opened_at, seen_at, expires_at from session"
        " where person_id = $1 and organisation_id = $2 and scopes is not null"
        " and revoked_at is null and expires_at > $3 order by opened_at desc, id",
        actor.person_id,
        actor.organisation_id,
        market.clock.now(),
    )
    return [dict(row) for row in found]
