"""Letting the market's people in: by the owner, for a while, to read, and every look is noted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from aggregator.errors import InvalidField, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.facts import SupportEnded, SupportGranted, SupportUsed
from aggregator.parties.membership import changed
from aggregator.parties.names import checked_note
from aggregator.parties.registering import stream_of
from aggregator.parties.sessions import SUPPORT, key_of

MAX_HOURS = 72
READS = ("approvals.read", "deals.read", "forwards.contracts", "invoices.read", "mandates.read")
"""What support may look at; it commits nothing and holds no socket.

Of policies, mandates and approvals it is shown no figure, but how far they are: limits are their
owner's.
"""


async def grant(
    market: Market, actor: Actor, command: Command, *, reason: str, hours: int
) -> Outcome:
    """Let the market's people read the actor's firm for some hours.

    Raises:
        InvalidField: no reason, or too many hours.

    """
    said = checked_note(reason, "/reason", longest=500)
    if not said:
        raise InvalidField("/reason", "required", 0)
    if not 1 <= hours <= MAX_HOURS:
        raise InvalidField("/hours", f"1 to {MAX_HOURS}", hours)

    async def step(unit: Unit) -> Answer:
        firm, grant_id = actor.organisation_id, unit.new_id("sup")
        ends_at = unit.now + timedelta(hours=hours)
        await unit.execute(
            "insert into support_grant (id, organisation_id, reason, granted_by, granted_at,"
            " ends_at) values ($1, $2, $3, $4, $5, $6)",
            grant_id,
            firm,
            said,
            actor.person_id,
            unit.now,
            ends_at,
        )
        await unit.record(stream_of(firm), SupportGranted(firm, grant_id, ends_at))
        return {"grant_id": grant_id, "ends_at": unit.stamp(ends_at)}

    return await market.perform(
        actor, "support.grant", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def end(market: Market, actor: Actor, command: Command, grant_id: str) -> Outcome:
    """End a grant and every session under it, now."""

    async def step(unit: Unit) -> Answer:
        firm = actor.organisation_id
        row = await unit.row(
            "update support_grant set ended_at = $3 where id = $1 and organisation_id = $2"
            " and ended_at is null returning id",
            grant_id,
            firm,
            unit.now,
        )
        if row is None:
            raise NotFound("grant")
        await unit.execute(
            "update session set revoked_at = $2 where support_grant_id = $1 and revoked_at is null",
            grant_id,
            unit.now,
        )
        await unit.record(stream_of(firm), SupportEnded(firm, grant_id))
        changed(unit, firm)
        return {"grant_id": grant_id}

    return await market.perform(
        actor, "support.grant", step, command=command, stream=stream_of(actor.organisation_id)
    )


async def enter(market: Market, actor: Actor, grant_id: str) -> Outcome:
    """Open a reading session in the firm that granted it; its token is told once.

    Raises:
        NotFound: no such grant, or it is over.

    """
    found = await Pool().rows("select organisation_id from support_grant where id = $1", grant_id)
    if not found:
        raise NotFound("grant")
    firm = found[0]["organisation_id"]

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select ends_at from support_grant where id = $1 and ended_at is null"
            " and ends_at > $2 for update",
            grant_id,
            unit.now,
        )
        if row is None:
            raise NotFound("grant")
        token = secrets.token_urlsafe(32)
        await unit.execute(
            "insert into session (token_hash, person_id, organisation_id, opened_at, seen_at,"
            " expires_at, id, scopes, label, support_grant_id)"
            " values ($1, $2, $3, $4, $4, $5, $6, $7::text[], 'support', $8)",
            key_of(token),
            actor.person_id,
            firm,
            unit.now,
            row["ends_at"],
            unit.new_id("tok"),
            list(READS),
            grant_id,
        )
        await unit.record(stream_of(firm), SupportUsed(firm, grant_id, actor.person_id))
        return {
            "token": token,
            "organisation_id": firm,
            "expires_at": unit.stamp(row["ends_at"]),
        }

    return await market.perform(actor, "support.use", step, stream=stream_of(firm))


def is_let_in(actor: Actor) -> bool:
    """Say whether this is a person of the market who looks into a firm by its grant."""
    return _grant_in(actor.grants) is not None


async def note(market: Market, actor: Actor, what: str) -> None:
    """Write down what a person of the market is about to read, if he is let in by a grant."""
    grant_id = _grant_in(actor.grants)
    if grant_id is not None:
        await Pool().rows(
            "insert into support_read (grant_id, person_id, what, at) values ($1, $2, $3, $4)"
            " returning id",
            grant_id,
            actor.person_id,
            what[:300],
            market.clock.now(),
        )


@lru_cache(maxsize=4096)
def _grant_in(held: frozenset[str]) -> str | None:
    found = [one for one in held if one.startswith(SUPPORT)]
    return found[0].removeprefix(SUPPORT) if found else None


async def grants(organisation_id: str) -> Sequence[Mapping[str, Any]]:
    """Return a firm's grants with what was read under each, the newest first."""
    found = await Pool().rows(
        "select id as grant_id, reason, granted_at, ends_at, ended_at from support_grant"
        " where organisation_id = $1 order by granted_at desc, id limit 100",
        organisation_id,
    )
    reads = await Pool().rows(
        "select r.grant_id, r.what, r.at, p.name as person from support_read r"
        " join person p on p.id = r.person_id where r.grant_id = any($1::text[])"
        " order by r.id desc limit 1000",
        [row["grant_id"] for row in found],
    )
    return [
        {
            **row,
            "reads": [
                {"what": r["what"], "at": r["at"], "person": r["person"]}
                for r in reads
                if r["grant_id"] == row["grant_id"]
            ],
        }
        for row in found
    ]


async def open_grants(market: Market) -> Sequence[Mapping[str, Any]]:
    """Return the grants that hold now, for the market's people."""
    found = await Pool().rows(
        "select g.id as grant_id, g.organisation_id, o.name as organisation, g.reason, g.ends_at"
        " from support_grant g join organisation o on o.id = g.organisation_id"
        " where g.ended_at is null and g.ends_at > $1 order by g.ends_at, g.id limit 200",
        market.clock.now(),
    )
    return [dict(row) for row in found]
