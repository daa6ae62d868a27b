"""Where a firm wants its notices sent: its own addresses, each with a secret that signs.

A notice and what is to be sent of it are rows of one transaction. A delivery comes at least once;
`webhook-id` is the notice's id, by which the receiver knows it again. The headers and the
signature are those of Standard Webhooks 1.0: HMAC-SHA-256 over id, time and body. A secret can be
changed: until the one before ends, each delivery carries a signature by either.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.errors import Conflict, InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.notices.facts import WebhookChanged
from aggregator.notices.kinds import KINDS
from aggregator.notices.posting import checked_address
from aggregator.parties.registering import stream_of
from aggregator.scheduler.timers import set_timer
from aggregator.vault import vault

ACT = "notices.direct"
TIMER = "notices.deliver"
FORGET = "notices.forget_secret"
PURPOSE = "webhook"
MAX_WEBHOOKS, MAX_REPLAYED, SHOWN = 5, 1000, 100
SECRET_BYTES = 32
MAX_OVERLAP_H = 168
_PREFIX = "whsec_"


async def register(market: Market, actor: Actor, *, address: str, kinds: Sequence[str]) -> Outcome:
    """Send notices of these kinds to an address, of all kinds where none is named.

    The secret is told once: the answer is kept under no command.

    Raises:
        InvalidField: no address that may be posted to, or no kind of notice.
        Conflict: the firm has too many.

    """
    place, wanted = checked_address(address, "/address"), sorted(set(kinds))
    unknown = sorted(set(wanted) - KINDS.keys())
    if unknown:
        raise InvalidField("/kinds", "kinds of notices", unknown[0][:60])
    firm, secret = actor.organisation_id, secrets.token_bytes(SECRET_BYTES)

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select count(*) as n from webhook where organisation_id = $1 and removed_at is null",
            firm,
        )
        if row and row["n"] >= MAX_WEBHOOKS:
            raise Conflict("too_many_webhooks")
        webhook_id = unit.new_id("whk")
        await unit.execute(
            "insert into webhook (id, organisation_id, address, kinds, secret_wrapped, made_by,"
            " made_at) values ($1, $2, $3, $4::text[], $5, $6, $7)",
            webhook_id,
            firm,
            place,
            wanted,
            vault().wrap(secret, PURPOSE),
            actor.person_id,
            unit.now,
        )
        await _record(unit, webhook_id, "registered")
        return _told(webhook_id, secret, 1)

    return await market.perform(actor, ACT, step, stream=stream_of(firm))


async def rotate(market: Market, actor: Actor, webhook_id: str, *, overlap_h: int) -> Outcome:
    """Sign by a fresh secret from now on, and for `overlap_h` hours by the one before too.

    The secret is told once: the answer is kept under no command. Where the answer was lost and a
    fresh one is asked for, the one that the receiver knows still is the one before.

    Raises:
        NotFound: the firm has no such address.
        InvalidField: more than a week of overlap.

    """
    if not 0 <= overlap_h <= MAX_OVERLAP_H:
        raise InvalidField("/hours", f"0 to {MAX_OVERLAP_H}", overlap_h)
    firm, secret = actor.organisation_id, secrets.token_bytes(SECRET_BYTES)

    async def step(unit: Unit) -> Answer:
        await _own(unit, webhook_id)
        until = unit.now + timedelta(hours=overlap_h) if overlap_h else None
        row = await unit.row(_ROTATE, webhook_id, vault().wrap(secret, PURPOSE), until, unit.now)
        assert row is not None, "it was locked just now"
        if until is not None:
            await set_timer(unit, FORGET, webhook_id, until)
        await _record(unit, webhook_id, "secret_changed")
        return _told(webhook_id, secret, row["secret_number"])

    return await market.perform(actor, ACT, step, stream=stream_of(firm))


async def forget(market: Market, webhook_id: str) -> None:
    """Ring when the secret before has ended: it is kept no longer."""

    async def step(unit: Unit) -> Answer:
        await unit.execute(
            "update webhook set former_wrapped = null, former_number = null, former_until = null"
            " where id = $1 and former_until <= $2",
            webhook_id,
            unit.now,
        )
        return {"webhook_id": webhook_id}

    await market.perform(Actor.SYSTEM, FORGET, step)


async def remove(market: Market, actor: Actor, command: Command, webhook_id: str) -> Outcome:
    """Send nothing to an address any more.

    Raises:
        NotFound: the firm has no such one.

    """

    async def step(unit: Unit) -> Answer:
        await _own(unit, webhook_id)
        await unit.execute("update webhook set removed_at = $2 where id = $1", webhook_id, unit.now)
        await _record(unit, webhook_id, "removed")
        return {"webhook_id": webhook_id}

    return await market.perform(
        actor, ACT, step, command=command, stream=stream_of(actor.organisation_id)
    )


async def resume(market: Market, actor: Actor, command: Command, webhook_id: str) -> Outcome:
    """Send again to an address that was switched off; what was missed is to be replayed.

    Raises:
        NotFound: the firm has no such one.

    """

    async def step(unit: Unit) -> Answer:
        await _own(unit, webhook_id)
        await unit.execute(
            "update webhook set failing_since = null, disabled_at = null where id = $1", webhook_id
        )
        await _record(unit, webhook_id, "resumed")
        return {"webhook_id": webhook_id}

    return await market.perform(
        actor, ACT, step, command=command, stream=stream_of(actor.organisation_id)
    )


async def replay(
    market: Market,
    actor: Actor,
    command: Command,
    webhook_id: str,
    *,
    notice_id: str | None,
    since: datetime | None,
) -> Outcome:
    """Send one notice again, or the first 1000 from an instant on, whether they arrived or not.

    Raises:
        NotFound: the firm has no such address, or no such notice.
        InvalidField: neither or both are said.
        WrongState: the address is switched off.

    """

    async def step(unit: Unit) -> Answer:
        found = await _own(unit, webhook_id)
        if (notice_id is None) == (since is None):
            raise InvalidField("/since", "a notice or an instant, one of the two")
        if found["disabled_at"] is not None:
            raise WrongState("disabled", "active")
        sent = await unit.rows(
            _REPLAY,
            webhook_id,
            actor.organisation_id,
            notice_id,
            since,
            list(found["kinds"]),
            MAX_REPLAYED,
            unit.now,
            TIMER,
        )
        if notice_id is not None and not sent:
            raise NotFound("notice")
        return {"webhook_id": webhook_id, "notices": len(sent)}

    return await market.perform(actor, ACT, step, command=command)


async def webhooks(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the firm's addresses, the oldest first, and never their secrets."""
    found = await Pool().rows(
        "select id as webhook_id, address, kinds, made_at, failing_since, disabled_at,"
        " secret_number, former_number, former_until"
        " from webhook where organisation_id = $1 and removed_at is null order by made_at, id",
        actor.organisation_id,
    )
    return [{**row, "kinds": list(row["kinds"])} for row in found]


async def deliveries(actor: Actor, webhook_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the newest deliveries to one of the firm's addresses.

    Raises:
        NotFound: the firm has no such one.

    """
    if webhook_id not in {row["webhook_id"] for row in await webhooks(actor)}:
        raise NotFound("webhook")
    found = await Pool().rows(
        "select d.notice_id, n.kind, n.at, d.state, d.attempts, d.tried_at, d.outcome"
        " from webhook_delivery d join notice n on n.id = d.notice_id"
        " where d.webhook_id = $1 order by n.at desc, n.place desc limit $2",
        webhook_id,
        SHOWN,
    )
    return [dict(row) for row in found]


def _told(webhook_id: str, secret: bytes, number: int) -> Answer:
    text = _PREFIX + base64.b64encode(secret).decode("ascii")
    return {"webhook_id": webhook_id, "secret": text, "secret_number": number}


async def _own(unit: Unit, webhook_id: str) -> Mapping[str, Any]:
    row = await unit.row(
        "select kinds, disabled_at from webhook where id = $1 and organisation_id = $2"
        " and removed_at is null for update",
        webhook_id,
        unit.actor.organisation_id,
    )
    if row is None:
        raise NotFound("webhook")
    return row


async def _record(unit: Unit, webhook_id: str, change: str) -> None:
    firm = unit.actor.organisation_id
    await unit.record(stream_of(firm), WebhookChanged(firm, webhook_id, change))


_ROTATE = """
update webhook w set secret_number = w.secret_number + 1, secret_wrapped = $2,
  former_wrapped = before.wrapped, former_number = before.number,
  former_until = case when before.number is not null then $3::timestamptz end
from webhook o cross join lateral (
  select case when o.former_until > $4 then o.former_wrapped else o.secret_wrapped end as wrapped,
    case when o.former_until > $4 then o.former_number else o.secret_number end as number
  where $3::timestamptz is not null union all select null, null where $3::timestamptz is null
) before
where w.id = $1 and o.id = w.id returning w.secret_number
"""
_REPLAY = """
with chosen as (
  select id from notice where organisation_id = $2 and (id = $3::text or at >= $4::timestamptz)
    and ($3::text is not null or $5::text[] = '{}' or kind = any($5::text[]))
  order by at, place limit $6
), due as (
  insert into webhook_delivery (webhook_id, notice_id, state, made_at)
  select $1, id, 'pending', $7 from chosen
  on conflict (webhook_id, notice_id) do update set state = 'pending', attempts = 0
  returning notice_id
)
insert into timer (kind, key, due_at) select $8, $1 || '/' || notice_id, $7 from due
on conflict (kind, key) do update set due_at = excluded.due_at, attempts = 0
returning key
"""
