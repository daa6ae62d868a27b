"""Sending what waits for a firm's address, again and again over a day, until it is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.journal.facts import canonical, stamp
from aggregator.journal.reading import Pool, decoded
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.notices import posting
from aggregator.notices.facts import WebhookDisabled
from aggregator.notices.topic import shown
from aggregator.notices.webhooks import ACT, PURPOSE, TIMER
from aggregator.parties.facts import PersonLeft
from aggregator.parties.registering import stream_of
from aggregator.scheduler.timers import set_timer
from aggregator.vault import vault

AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (10, 60, 600, 3_600, 21_600, 86_400))
"""How long after each failure it is tried again; then the delivery is given up."""
LONG = timedelta(days=1)
"""Where nothing was taken for this long, the address is switched off."""
_WAITING = """
select w.id, w.organisation_id, w.address, w.secret_wrapped, w.secret_number, w.former_wrapped,
  w.former_number, w.former_until, n.id as notice_id, n.kind, n.subject, n.figures, n.at
from webhook_delivery d join webhook w on w.id = d.webhook_id join notice n on n.id = d.notice_id
where d.webhook_id = $1 and d.notice_id = $2 and d.state = 'pending'
  and w.disabled_at is null and w.removed_at is null
"""


async def deliver(market: Market, key: str) -> None:
    """Try one delivery; what is no longer to be sent is passed over."""
    webhook_id, _, notice_id = key.partition("/")
    found = await Pool().rows(_WAITING, webhook_id, notice_id)
    if not found:
        return
    body = body_of(found[0])
    now = market.clock.now()
    headers = signed(_secrets(found[0], now), notice_id, int(now.timestamp()), body)
    try:
        await posting.post(found[0]["address"], headers, body)
    except posting.Undelivered as error:
        await _failed(market, found[0], str(error))
        return
    await _delivered(market, found[0])


def body_of(row: Mapping[str, Any]) -> bytes:
    """Return a notice as it is sent, the same bytes each time; amounts are decimal text."""
    return canonical(
        {
            "notice_id": row["notice_id"],
            "organisation_id": row["organisation_id"],
            "kind": row["kind"],
            "subject": row["subject"],
            "figures": shown(decoded(row["figures"])),
            "at": stamp(row["at"]),
        }
    )


def signed(
    secrets: Mapping[int, bytes], message_id: str, sent_at_s: int, body: bytes
) -> dict[str, str]:
    """Return the headers that tell a message and prove it, after Standard Webhooks 1.0.

    There is a signature by each of the secrets, and their numbers stand in the same order.
    """
    content = f"{message_id}.{sent_at_s}.".encode() + body
    proofs = (
        base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode("ascii")
        for secret in secrets.values()
    )
    return {
        "content-type": "application/json",
        "user-agent": "aggregator-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": " ".join(f"v1,{proof}" for proof in proofs),
        "webhook-secrets": " ".join(str(number) for number in secrets),
    }


def _secrets(row: Mapping[str, Any], now: datetime) -> Mapping[int, bytes]:
    """Return what signs now, by number: the newest, and the one before until it ends."""
    found = {row["secret_number"]: vault().unwrap(row["secret_wrapped"], PURPOSE)}
    if row["former_until"] is not None and now < row["former_until"]:
        found[row["former_number"]] = vault().unwrap(row["former_wrapped"], PURPOSE)
    return found


async def _delivered(market: Market, row: Mapping[str, Any]) -> None:
    async def step(unit: Unit) -> Answer:
        await _note(unit, row, state="delivered", outcome="delivered")
        await unit.execute(
            "update webhook set failing_since = null where id = $1 and failing_since is not null",
            row["id"],
        )
        return {}

    await market.perform(Actor.SYSTEM, ACT, step)


async def _failed(market: Market, row: Mapping[str, Any], reason: str) -> None:
    async def step(unit: Unit) -> Answer:
        attempts = await _note(unit, row, state="pending", outcome=reason)
        if attempts is None:
            return {}
        if attempts <= len(AGAIN_AFTER):
            key = f"{row['id']}/{row['notice_id']}"
            await set_timer(unit, TIMER, key, unit.now + AGAIN_AFTER[attempts - 1])
        await _disable_if_long(unit, row)
        return {}

    await market.perform(Actor.SYSTEM, ACT, step)


async def _note(unit: Unit, row: Mapping[str, Any], *, state: str, outcome: str) -> int | None:
    """Note a try, and return how many there were; None where another process has sent it."""
    noted = await unit.row(
        "update webhook_delivery set"
        " state = case when $3 = 'pending' and attempts >= $6 then 'failed' else $3 end,"
        " outcome = $4, tried_at = $5,"
        " attempts = attempts + 1 where webhook_id = $1 and notice_id = $2 and state = 'pending'"
        " returning attempts",
        row["id"],
        row["notice_id"],
        state,
        outcome,
        unit.now,
        len(AGAIN_AFTER),
    )
    return None if noted is None else int(noted["attempts"])


async def _disable_if_long(unit: Unit, row: Mapping[str, Any]) -> None:
    failing = await unit.row(
        "update webhook set failing_since = coalesce(failing_since, $2)"
        " where id = $1 and disabled_at is null returning failing_since",
        row["id"],
        unit.now,
    )
    if failing is None or not _is_long(failing["failing_since"], unit.now):
        return
    await _disable(unit, row["organisation_id"], row["id"])


async def on_person_left(unit: Unit, fact: PersonLeft) -> None:
    """Switch off the addresses that a leaver made, which may be his own; the boss resumes them."""
    rows = await unit.rows(
        "select id from webhook where organisation_id = $1 and made_by = $2"
        " and disabled_at is null and removed_at is null order by id for update",
        fact.organisation_id,
        fact.person_id,
    )
    for row in rows:
        await _disable(unit, fact.organisation_id, row["id"])


async def _disable(unit: Unit, firm: str, webhook_id: str) -> None:
    await unit.execute("update webhook set disabled_at = $2 where id = $1", webhook_id, unit.now)
    await unit.execute(
        "update webhook_delivery set state = 'failed' where webhook_id = $1 and state = 'pending'",
        webhook_id,
    )
    await unit.record(stream_of(firm), WebhookDisabled(firm, webhook_id))


def _is_long(since: datetime, now: datetime) -> bool:
    return now - since >= LONG
