"""The way back for who has lost his password or second factor; the operator alone opens none.

1. Who is in one firm only is sent back by an owner of it, at once.
2. Anybody else asks on the sign-in page, which tells nothing. His firms are told at once, two
   persons of the operator agree, and three days later it opens, unless anyone of his firms has
   stopped it by then.
3. Either way it opens by a link that goes only to the address he had proved before it was asked
   for. Who holds it sets a password; second factor, passkeys, sessions and tokens end, and for
   three days the firm's bank accounts stay as they are.
4. Who joins another firm can sign in: what was under way ends, as that firm was never told of it.
   What an owner opened holds while he owns the firm.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.errors import Conflict, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import consents
from aggregator.parties.facts import RecoveryChanged, SessionsEnded
from aggregator.parties.membership import changed
from aggregator.parties.passwords import hash_password
from aggregator.parties.permissions import OWNER
from aggregator.parties.registering import stream_of
from aggregator.parties.sessions import key_of
from aggregator.scheduler.timers import set_timer
from aggregator.vault import vault

ASKED, OPENS = "parties.recovery_asked", "parties.recovery"
PURPOSE = "way back"
WAITING, APPROVED, OPEN = "waiting", "approved", "open"
EXECUTED, REVOKED = "executed", "revoked"
LIVE = (WAITING, APPROVED, OPEN)
DELAY = timedelta(days=3)
OPEN_FOR = timedelta(days=2)
FROZEN_FOR = timedelta(days=3)
AGAIN_AFTER = timedelta(days=1)


async def ask(market: Market, login: str) -> None:
    """Note that a log-in's owner asks to come back; whether there is one is looked up later."""

    async def step(unit: Unit) -> Answer:
        await set_timer(unit, ASKED, login, unit.now)
        return {}

    await market.perform(Actor.SYSTEM, "people.recover", step)


async def begin(unit: Unit, person_id: str, address: str) -> None:
    """Ask the operator for a person's way back, unless one is under way or was just stopped."""
    last = await _newest(unit, person_id)
    firms = await _firms(unit, person_id)
    if not firms or (last and unit.now < last["ends_at"] + AGAIN_AFTER):
        return
    row = await _made(unit, person_id, address, asked_by=None)
    person = await unit.row("select name from person where id = $1", person_id)
    assert person is not None, person_id
    figures = {"person": person["name"]}
    await consents.ask(unit, consents.RECOVERY, firms[0], row["id"], figures, concerns=person_id)
    await _tell(unit, row, None)


async def send_back(unit: Unit, person_id: str, address: str) -> Answer:
    """Open a colleague's way back in the name of an owner of his only firm.

    Raises:
        Conflict: he is in other firms too, or a way back is open already.

    """
    last = await _newest(unit, person_id)
    if await _firms(unit, person_id) != [unit.actor.organisation_id]:
        raise Conflict("recovery_by_market")
    if last and last["state"] in LIVE and unit.now < last["ends_at"]:
        if last["state"] == OPEN:
            raise Conflict("recovery_open")
        await _stop(unit, last)
    row = await _made(unit, person_id, address, asked_by=unit.actor.person_id)
    until = await _open(unit, row)
    return {"recovery_id": row["id"], "ends_at": unit.stamp(until)}


async def agreed(unit: Unit, recovery_id: str) -> None:
    """Let it open after the delay, as two persons of the operator have agreed."""
    opens_at = unit.now + DELAY
    row = await unit.row(
        "update recovery set state = $2, opens_at = $3, ends_at = $4 where id = $1"
        " and state = $5 returning *",
        recovery_id,
        APPROVED,
        opens_at,
        opens_at + OPEN_FOR,
        WAITING,
    )
    if row is not None:
        await set_timer(unit, OPENS, recovery_id, opens_at)
        await _tell(unit, row, opens_at)


async def on_time(market: Market, recovery_id: str) -> None:
    """Send the link, the delay being over."""

    async def step(unit: Unit) -> Answer:
        row = await _locked(unit, "id = $1", recovery_id)
        if (
            row is not None
            and row["state"] == APPROVED
            and row["opens_at"] <= unit.now < row["ends_at"]
        ):
            await _open(unit, row)
        return {}

    await market.perform(Actor.SYSTEM, "people.recover", step)


async def stop(market: Market, actor: Actor, command: Command, recovery_id: str) -> Outcome:
    """End a colleague's way back, whoever asked for it, until it was used.

    Raises:
        NotFound: no such way back of a person of the actor's firm, or it is over.

    """
    firm = actor.organisation_id

    async def step(unit: Unit) -> Answer:
        row = await _locked(unit, "id = $1", recovery_id)
        if (
            row is None
            or row["state"] not in LIVE
            or unit.now >= row["ends_at"]
            or firm not in await _firms(unit, row["person_id"])
        ):
            raise NotFound("recovery")
        await _stop(unit, row)
        return {"recovery_id": recovery_id}

    return await market.perform(
        actor, "people.stop_recovery", step, command=command, stream=stream_of(firm)
    )


async def end_before_joining(unit: Unit, person_id: str) -> None:
    """End what is under way of who is about to join another firm."""
    last = await _newest(unit, person_id)
    if last and last["state"] in LIVE and unit.now < last["ends_at"]:
        await _stop(unit, last)


async def refused(unit: Unit, recovery_id: str) -> None:
    """End it in the operator's name."""
    row = await _locked(unit, "id = $1", recovery_id)
    if row is not None and row["state"] == WAITING:
        await _stop(unit, row)


async def finish(market: Market, token: str, password: str) -> None:
    """Set a password by the link, once; whoever was signed in as this person is no longer.

    Raises:
        NotFound: the link is unknown, used, stopped or too old; which is not told.
        InvalidField: the password is too short or too long.

    """
    password_hash, key = await hash_password(password), key_of(token)

    async def step(unit: Unit) -> Answer:
        row = await _locked(unit, "token_hash = $1", key)
        if (
            row is None
            or row["state"] != OPEN
            or unit.now >= row["ends_at"]
            or not await _is_meant(unit, row)
        ):
            raise NotFound("recovery")
        person_id, until = row["person_id"], unit.now + FROZEN_FOR
        await unit.execute(
            "update person set password_hash = $2, totp_wrapped = null, totp_since = null"
            " where id = $1",
            person_id,
            password_hash,
        )
        await unit.execute("delete from recovery_code where person_id = $1", person_id)
        await unit.execute("delete from passkey where person_id = $1", person_id)
        await _end_sessions(unit, person_id)
        await unit.execute(
            "update organisation set accounts_frozen_until = $2 where id = any($1::text[])",
            await _firms(unit, person_id),
            until,
        )
        await unit.execute(
            "update recovery set state = $2, link_wrapped = null, ends_at = $3 where id = $1",
            row["id"],
            EXECUTED,
            unit.now,
        )
        await _tell(unit, {**row, "state": EXECUTED}, until)
        return {}

    await market.perform(Actor.SYSTEM, "people.recover", step)


async def under_way(market: Market, actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the ways back of the people of one's own firm that may yet be used."""
    found = await Pool().rows(
        "select r.id as recovery_id, r.person_id, p.name as person, r.state, r.asked_at,"
        " r.opens_at, r.ends_at from recovery r join person p on p.id = r.person_id"
        " where r.state = any($1::text[]) and r.ends_at > $2 and exists (select from membership m"
        " where m.person_id = r.person_id and m.organisation_id = $3) order by r.asked_at, r.id",
        list(LIVE),
        market.clock.now(),
        actor.organisation_id,
    )
    return [dict(row) for row in found]


async def _made(
    unit: Unit, person_id: str, address: str, *, asked_by: str | None
) -> Mapping[str, Any]:
    await unit.execute(
        "update recovery set state = $2, link_wrapped = null where person_id = $1"
        " and state = any($3::text[])",
        person_id,
        REVOKED,
        list(LIVE),
    )
    row = await unit.row(
        "insert into recovery (id, person_id, address, state, asked_at, asked_by, ends_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) returning *",
        unit.new_id("rcv"),
        person_id,
        address,
        WAITING,
        unit.now,
        asked_by,
        unit.now + consents.STANDS_FOR,
    )
    assert row is not None
    return row


async def _open(unit: Unit, row: Mapping[str, Any]) -> datetime:
    """Draw the link, which the mail to the proved address tells."""
    token, until = secrets.token_urlsafe(32), unit.now + OPEN_FOR
    await unit.execute(
        "update recovery set state = $2, opens_at = $3, ends_at = $4, token_hash = $5,"
        " link_wrapped = $6 where id = $1",
        row["id"],
        OPEN,
        unit.now,
        until,
        key_of(token),
        vault().wrap(token.encode(), PURPOSE),
    )
    await _tell(unit, {**row, "state": OPEN}, until)
    return until


async def _stop(unit: Unit, row: Mapping[str, Any]) -> None:
    await unit.execute(
        "update recovery set state = $2, link_wrapped = null, ends_at = $3 where id = $1",
        row["id"],
        REVOKED,
        unit.now,
    )
    await consents.withdraw(unit, consents.RECOVERY, row["id"])
    await _tell(unit, {**row, "state": REVOKED}, None)


async def _is_meant(unit: Unit, row: Mapping[str, Any]) -> bool:
    """Tell whether the owner who opened it, if one did, still owns the person's firm."""
    return row["asked_by"] is None or bool(
        await unit.row(
            "select 1 from membership o join membership m using (organisation_id)"
            " where o.person_id = $1 and $2 = any(o.roles) and m.person_id = $3",
            row["asked_by"],
            OWNER,
            row["person_id"],
        )
    )


async def _end_sessions(unit: Unit, person_id: str) -> None:
    ended = await unit.rows(
        "update session set revoked_at = $2 where person_id = $1 and revoked_at is null"
        " returning organisation_id",
        person_id,
        unit.now,
    )
    firms = {row["organisation_id"] for row in ended} | set(await _firms(unit, person_id))
    for firm in sorted(firms):
        await unit.record(stream_of(firm), SessionsEnded(firm, person_id, "recovered"))
        changed(unit, firm)


async def _tell(unit: Unit, row: Mapping[str, Any], until: datetime | None) -> None:
    for firm in await _firms(unit, row["person_id"]):
        fact = RecoveryChanged(firm, row["id"], row["person_id"], row["state"], until)
        await unit.record(stream_of(firm), fact)


async def _firms(unit: Unit, person_id: str) -> list[str]:
    rows = await unit.rows(
        "select organisation_id from membership where person_id = $1 order by organisation_id",
        person_id,
    )
    return [row["organisation_id"] for row in rows]


async def _newest(unit: Unit, person_id: str) -> Mapping[str, Any] | None:
    # The person's row is the turnstile: of two who ask at once the second finds the first.
    await unit.row("select 1 from person where id = $1 for update", person_id)
    return await _locked(unit, "person_id = $1 order by asked_at desc, id desc limit 1", person_id)


async def _locked(unit: Unit, where: str, value: str | bytes) -> Mapping[str, Any] | None:
    return await unit.row(f"select * from recovery where {where} for update", value)
