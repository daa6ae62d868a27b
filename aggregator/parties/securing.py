"""A person's own password and second factor."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from aggregator.errors import Conflict, WrongPassword
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import passwords, totp
from aggregator.parties.errors import CodeNeeded, WrongCode
from aggregator.parties.facts import SessionsEnded
from aggregator.parties.membership import changed
from aggregator.parties.registering import stream_of
from aggregator.vault import derived, vault

ISSUER = "Aggregator"
_PURPOSE = "second factor"
_SECRET_BYTES = 20
_RECOVERY_CODES = 10
_RECOVERY_BYTES, _RECOVERY_LETTERS = 7, 10


async def change_password(
    market: Market, actor: Actor, command: Command, *, old: str, new: str, keep: bytes
) -> Outcome:
    """Set another password and end all the person's other sessions and tokens.

    Raises:
        WrongPassword: the old one is wrong.
        InvalidField: the new one is too short or too long.

    """
    actor.require("identity.manage")
    await check_password(actor, old)
    password_hash = await passwords.hash_password(new, "/new")

    async def step(unit: Unit) -> Answer:
        await unit.execute(
            "update person set password_hash = $2 where id = $1", actor.person_id, password_hash
        )
        await _end_others(unit, keep, "password")
        return {"person_id": actor.person_id}

    return await market.perform(actor, "identity.manage", step, command=command)


async def begin_second_factor(market: Market, actor: Actor) -> Outcome:
    """Make a secret for an authenticator; it counts once a code of it was shown.

    Raises:
        Conflict: a second factor is in force already.

    """

    async def step(unit: Unit) -> Answer:
        row = await _person(unit, actor.person_id)
        if row["totp_since"] is not None:
            raise Conflict("second_factor_in_force")
        secret = secrets.token_bytes(_SECRET_BYTES)
        await unit.execute(
            "update person set totp_wrapped = $2, totp_step = 0 where id = $1",
            actor.person_id,
            vault().wrap(secret, _PURPOSE),
        )
        return {
            "secret": totp.text_of(secret),
            "address": totp.address_of(secret, row["login"], ISSUER),
        }

    return await market.perform(actor, "identity.manage", step)


async def confirm_second_factor(market: Market, actor: Actor, code: str, *, keep: bytes) -> Outcome:
    """Put the second factor in force by a code of it; other sessions end.

    The answer tells the recovery codes this once, so no command keeps it.

    Raises:
        Conflict: none was begun, or one is in force.
        WrongCode: the code is not of this moment, or was used.

    """

    async def step(unit: Unit) -> Answer:
        row = await _person(unit, actor.person_id)
        if row["totp_wrapped"] is None or row["totp_since"] is not None:
            raise Conflict("second_factor_not_begun")
        await _spend(unit, row, code)
        await unit.execute(
            "update person set totp_since = $2 where id = $1", actor.person_id, unit.now
        )
        await _end_others(unit, keep, "second_factor")
        return {"is_on": True, "recovery_codes": await _new_recovery_codes(unit, row["id"])}

    return await market.perform(actor, "identity.manage", step)


async def renew_recovery_codes(market: Market, actor: Actor, code: str) -> Outcome:
    """Make ten fresh recovery codes; the ones before count no longer.

    Raises:
        Conflict: no second factor is in force.
        WrongCode: the code is not of this moment, or was used.

    """

    async def step(unit: Unit) -> Answer:
        row = await _person(unit, actor.person_id)
        if row["totp_since"] is None:
            raise Conflict("second_factor_not_begun")
        await _spend(unit, row, code)
        return {"is_on": True, "recovery_codes": await _new_recovery_codes(unit, row["id"])}

    return await market.perform(actor, "identity.manage", step)


async def end_second_factor(
    market: Market, actor: Actor, command: Command, *, password: str, code: str
) -> Outcome:
    """Do without a second factor again.

    Raises:
        WrongPassword, WrongCode: one of the two is wrong.

    """
    actor.require("identity.manage")
    await check_password(actor, password)

    async def step(unit: Unit) -> Answer:
        row = await _person(unit, actor.person_id)
        await _spend(unit, row, code)
        await unit.execute(
            "update person set totp_wrapped = null, totp_since = null where id = $1",
            actor.person_id,
        )
        await unit.execute("delete from recovery_code where person_id = $1", actor.person_id)
        return {"is_on": False}

    return await market.perform(actor, "identity.manage", step, command=command)


async def check_code(market: Market, person_id: str, code: str | None) -> None:
    """Ask a signing-in person with a second factor for its code, and use the code up.

    Raises:
        CodeNeeded: there is a second factor and no code was given.
        WrongCode: the code is not of this moment, or was used.

    """
    found = await Pool().rows(
        "select totp_since, exists (select from passkey where person_id = $1) as has_passkey"
        " from person where id = $1",
        person_id,
    )
    if not found or found[0]["totp_since"] is None:
        return
    if code is None:
        raise CodeNeeded(found[0]["has_passkey"])

    async def step(unit: Unit) -> Answer:
        await _spend(unit, await _person(unit, person_id), code)
        return {}

    await market.perform(Actor.SYSTEM, "identity.sign_in", step)


async def has_second_factor(actor: Actor) -> bool:
    found = await Pool().rows(
        "select totp_since is not null as is_on from person where id = $1", actor.person_id
    )
    return bool(found and found[0]["is_on"])


async def recovery_codes_left(actor: Actor) -> int:
    found = await Pool().rows(
        "select count(*) as n from recovery_code where person_id = $1 and used_at is null",
        actor.person_id,
    )
    return int(found[0]["n"])


async def check_password(actor: Actor, password: str) -> None:
    """Ask a person for his password once more.

    Raises:
        WrongPassword: it is wrong.

    """
    found = await Pool().rows("select password_hash from person where id = $1", actor.person_id)
    if not await passwords.is_right(found[0]["password_hash"] if found else None, password):
        raise WrongPassword


async def _person(unit: Unit, person_id: str) -> Mapping[str, Any]:
    row = await unit.row(
        "select login, totp_wrapped, totp_since, totp_step from person where id = $1 for update",
        person_id,
    )
    assert row is not None, "who acts is a person"
    return {**row, "id": person_id}


async def _spend(unit: Unit, row: Mapping[str, Any], code: str) -> None:
    """Use a code up: of two who show the same one, the first counts."""
    if row["totp_wrapped"] is None:
        raise WrongCode
    if len(code) != totp.DIGITS:
        await _spend_recovery_code(unit, row["id"], code)
        return
    secret = vault().unwrap(row["totp_wrapped"], _PURPOSE)
    step = totp.matching_step(secret, code, unit.now, after=row["totp_step"])
    if step is None:
        raise WrongCode
    await unit.execute("update person set totp_step = $2 where id = $1", row["id"], step)


async def _spend_recovery_code(unit: Unit, person_id: str, code: str) -> None:
    used = await unit.row(
        "update recovery_code set used_at = $3 where code_hash = $1 and person_id = $2"
        " and used_at is null returning person_id",
        _recovery_key(person_id, code),
        person_id,
        unit.now,
    )
    if used is None:
        raise WrongCode


async def _new_recovery_codes(unit: Unit, person_id: str) -> list[str]:
    await unit.execute("delete from recovery_code where person_id = $1", person_id)
    drawn = [
        totp.text_of(secrets.token_bytes(_RECOVERY_BYTES))[:_RECOVERY_LETTERS]
        for _ in range(_RECOVERY_CODES)
    ]
    codes = [f"{letters[:5]}-{letters[5:]}" for letters in drawn]
    await unit.insert(
        "recovery_code",
        ("code_hash", "person_id"),
        [(_recovery_key(person_id, code), person_id) for code in codes],
    )
    return codes


def _recovery_key(person_id: str, code: str) -> bytes:
    """Return what a row keeps of a code: short as it is, a copy of the rows does not tell it."""
    return derived(vault().sealing, f"recovery code {person_id} {code}")


async def _end_others(unit: Unit, keep: bytes, why: str) -> None:
    ended = await unit.rows(
        "update session set revoked_at = $3 where person_id = $1 and token_hash <> $2"
        " and revoked_at is null returning organisation_id",
        unit.actor.person_id,
        keep,
        unit.now,
    )
    firms = {row["organisation_id"] for row in ended} | {unit.actor.organisation_id}
    for firm in sorted(firms):
        await unit.record(stream_of(firm), SessionsEnded(firm, unit.actor.person_id, why))
        changed(unit, firm)
