"""New versions of the rulebook, and who brought whom: the operator's acts.

A version comes into force no earlier than a drop could: 90 days after it was published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aggregator.errors import Conflict, InvalidField
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.queries import organisation
from aggregator.parties.registering import stream_of
from aggregator.standing import store
from aggregator.standing.facts import FirmReferred, RulebookPublished
from matching.standing.moving import NOTICE
from matching.standing.rulebook import document_of, rulebook_of

STREAM = "standing"
ACT = "standing.rule"


async def publish(
    market: Market,
    actor: Actor,
    command: Command,
    document: Mapping[str, Any],
    *,
    in_force_at: datetime,
) -> Outcome:
    """Publish the next version of the rulebook.

    Raises:
        RulebookRefused: it breaks the law of the market.
        InvalidField: it would come into force too early.

    """
    book = rulebook_of(document)

    async def step(unit: Unit) -> Answer:
        if in_force_at < unit.now + NOTICE:
            raise InvalidField("/in_force_at", "90 days ahead or more", unit.stamp(in_force_at))
        known = await store.versions(unit)
        last = known[-1].in_force_at
        if last is not None and in_force_at <= last:
            raise InvalidField("/in_force_at", "after the version before", unit.stamp(last))
        version = known[-1].version + 1
        await unit.execute(
            "insert into standing_rulebook (version, document, published_at, in_force_at)"
            " values ($1, $2::jsonb, $3, $4)",
            version,
            json.dumps(document_of(book)),
            unit.now,
            in_force_at,
        )
        await unit.record(STREAM, RulebookPublished(version, in_force_at))
        return {"version": version, "in_force_at": unit.stamp(in_force_at)}

    return await market.perform(actor, ACT, step, command=command, stream=STREAM)


async def refer(
    market: Market, actor: Actor, command: Command, organisation_id: str, *, referred_by: str
) -> Outcome:
    """Note which firm brought another here, before that one has traded.

    Raises:
        NotFound: one of the two does not exist.
        Conflict: both are of one owner group, it was noted before, or the firm has traded.

    """

    async def step(unit: Unit) -> Answer:
        brought = await organisation(organisation_id, unit)
        by = await organisation(referred_by, unit)
        if brought.owner_group == by.owner_group:
            raise Conflict("one_owner_group")
        if await unit.row(
            "select axis from standing_mark where organisation_id = $1 limit 1", brought.id
        ):
            raise Conflict("referred_too_late")
        noted = await unit.row(
            "insert into referral (organisation_id, referred_by, noted_at) values ($1, $2, $3)"
            " on conflict do nothing returning organisation_id",
            brought.id,
            by.id,
            unit.now,
        )
        if noted is None:
            raise Conflict("referred_before")
        await unit.record(stream_of(brought.id), FirmReferred(brought.id, by.id))
        return {"organisation_id": brought.id, "referred_by": by.id}

    return await market.perform(
        actor, ACT, step, command=command, stream=stream_of(organisation_id)
    )
