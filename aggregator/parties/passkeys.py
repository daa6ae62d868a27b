"""Passkeys: keys that a person's devices keep, to sign in with or in place of a code.

The market keeps their public halves and counts. A challenge is drawn at random, lives for two
minutes and counts once; one for a new key counts only in the session that asked for it. Whatever
is wrong with what a device shows, the refusal is the same.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from aggregator.errors import Conflict, NotFound
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import securing
from aggregator.parties.errors import WrongPasskey
from aggregator.parties.facts import PasskeyAdded, PasskeyDoubted, PasskeyRemoved
from aggregator.parties.names import checked_name
from aggregator.parties.registering import stream_of

MAX_PASSKEYS = 10
LIFETIME = timedelta(minutes=2)
ALGORITHMS = (-8, -7, -257)
"""Signatures we can check, as COSE numbers them: Ed25519, ECDSA and RSA, each with SHA-256."""
_CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where browsers find the market: the name that a passkey is bound to, and the origin."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh key as a browser hands it over, in base64url, at a place."""

    place: Place
    credential_id: str
    client_data: str
    attestation: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A challenge as a key has signed it, in base64url, at a place."""

    place: Place
    credential_id: str
    client_data: str
    authenticator_data: str
    signature: str
    user_handle: str


async def begin(
    market: Market, actor: Actor, *, password: str, code: str | None, session_key: bytes
) -> Answer:
    """Return what a browser needs to make a key for the person, who proves himself once more.

    Raises:
        WrongPassword, CodeNeeded, WrongCode: he does not.
        Conflict: he has ten.

    """
    actor.require("identity.manage")
    await securing.check_password(actor, password)
    await securing.check_code(market, actor.person_id, code)
    known = await Pool().rows(
        "select credential_id from passkey where person_id = $1 order by id", actor.person_id
    )
    if len(known) >= MAX_PASSKEYS:
        raise Conflict("too_many_passkeys")
    person = await Pool().rows("select login, name from person where id = $1", actor.person_id)
    return {
        **await _drawn(market, session_key),
        "user_id": _text(actor.person_id.encode()),
        "login": person[0]["login"],
        "person_name": person[0]["name"],
        "known": [_text(row["credential_id"]) for row in known],
        "algorithms": list(ALGORITHMS),
    }


async def add(
    market: Market,
    actor: Actor,
    command: Command,
    made: Made,
    *,
    name: str,
    session_key: bytes,
) -> Outcome:
    """Keep a fresh key of the person's.

    Raises:
        InvalidField: the name is none.
        WrongPasskey: the challenge is not this session's, is used up or too old, or the key was
            made for another place or without asking who its owner is.
        Conflict: the person has ten, or the key is known.

    """
    label = checked_name(name, "/name")

    async def step(unit: Unit) -> Answer:
        challenge = _challenge_in(made.client_data)
        await _use_up(unit, challenge, session_key, unit.now)
        made_id, public_key, count = _checked_made(made, challenge)
        await unit.row("select 1 as one from person where id = $1 for update", actor.person_id)
        kept = await unit.row(
            "select count(*) as n from passkey where person_id = $1", actor.person_id
        )
        if kept and kept["n"] >= MAX_PASSKEYS:
            raise Conflict("too_many_passkeys")
        passkey_id = unit.new_id("psk")
        if not await unit.row(
            "insert into passkey (id, person_id, credential_id, public_key, sign_count, name,"
            " created_at) values ($1, $2, $3, $4, $5, $6, $7)"
            " on conflict (credential_id) do nothing returning id",
            passkey_id,
            actor.person_id,
            made_id,
            public_key,
            count,
            label,
            unit.now,
        ):
            raise Conflict("passkey_known")
        await _tell(unit, PasskeyAdded, actor.person_id, passkey_id)
        return {"passkey_id": passkey_id}

    return await market.perform(actor, "identity.manage", step, command=command)


async def remove(market: Market, actor: Actor, command: Command, passkey_id: str) -> Outcome:
    """Forget one of one's own keys; sessions that it opened go on.

    Raises:
        NotFound: no such key of the person.

    """

    async def step(unit: Unit) -> Answer:
        if not await unit.row(
            "delete from passkey where id = $1 and person_id = $2 returning id",
            passkey_id,
            actor.person_id,
        ):
            raise NotFound("passkey")
        await _tell(unit, PasskeyRemoved, actor.person_id, passkey_id)
        return {"passkey_id": passkey_id}

    return await market.perform(actor, "identity.manage", step, command=command)


async def passkeys(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return one's own keys, oldest first."""
    found = await Pool().rows(
        "select id as passkey_id, name, created_at, used_at from passkey where person_id = $1"
        " order by created_at, id",
        actor.person_id,
    )
    return [dict(row) for row in found]


async def begin_sign_in(market: Market) -> Answer:
    """Return a challenge for whoever is about to sign in; it is the same for everybody."""
    return await _drawn(market, None)


async def person_of(market: Market, shown: Shown) -> str:
    """Use a challenge up and return the person whose key has signed it.

    A count that does not rise tells of a copy of the key: the person's firms read of it.

    Raises:
        WrongPasskey: unknown, used up, too old, of another place, or signed by another key.

    """
    challenge = _challenge_in(shown.client_data)
    await _use_up(Pool(), challenge, None, market.clock.now())

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select id, person_id, public_key, sign_count from passkey where credential_id = $1"
            " for update",
            _bytes(shown.credential_id),
        )
        if row is None or row["person_id"].encode() != _bytes(shown.user_handle):
            raise WrongPasskey
        count = _checked_shown(shown, challenge, bytes(row["public_key"]))
        if max(count, row["sign_count"]) > 0 and count <= row["sign_count"]:
            await _tell(unit, PasskeyDoubted, row["person_id"], row["id"])
            return {"person_id": None}
        await unit.execute(
            "update passkey set sign_count = $2, used_at = $3 where id = $1",
            row["id"],
            count,
            unit.now,
        )
        return {"person_id": row["person_id"]}

    outcome = await market.perform(Actor.SYSTEM, "identity.sign_in", step)
    if outcome.answer["person_id"] is None:
        raise WrongPasskey
    return str(outcome.answer["person_id"])


async def _drawn(market: Market, session_key: bytes | None) -> Answer:
    """Draw a challenge, of which only the hash is kept; expired ones are cleared away."""
    challenge, now = secrets.token_bytes(_CHALLENGE_BYTES), market.clock.now()
    await Pool().rows(
        "delete from passkey_challenge where expires_at <= $1 returning 1 as one", now
    )
    await Pool().rows(
        "insert into passkey_challenge (challenge_hash, session_hash, expires_at)"
        " values ($1, $2, $3) returning 1 as one",
        hashlib.sha256(challenge).digest(),
        session_key,
        now + LIFETIME,
    )
    return {"challenge": _text(challenge), "lifetime_ms": LIFETIME // timedelta(milliseconds=1)}


async def _use_up(
    reader: Reader, challenge: bytes, session_key: bytes | None, now: datetime
) -> None:
    found = await reader.rows(
        "delete from passkey_challenge where challenge_hash = $1"
        " and session_hash is not distinct from $2::bytea returning expires_at",
        hashlib.sha256(challenge).digest(),
        session_key,
    )
    if not found or found[0]["expires_at"] <= now:
        raise WrongPasskey


async def _tell(
    unit: Unit,
    kind: type[PasskeyAdded | PasskeyRemoved | PasskeyDoubted],
    person_id: str,
    passkey_id: str,
) -> None:
    """Record it in every firm that the key opens."""
    firms = await unit.rows(
        "select organisation_id from membership where person_id = $1 order by organisation_id",
        person_id,
    )
    for row in firms:
        firm = row["organisation_id"]
        await unit.record(stream_of(firm), kind(firm, person_id, passkey_id))


def _checked_made(shown: Made, challenge: bytes) -> tuple[bytes, bytes, int]:
    """Return a fresh key's id, public half and count."""
    # It takes a tenth of a second to load, and few starts need it.
    from webauthn import verify_registration_response

    try:
        found = verify_registration_response(
            **_expected(shown, challenge, attestationObject=shown.attestation)
        )
    except Exception as error:  # what is forged trips the reader in any way
        raise WrongPasskey from error
    if found.credential_id != _bytes(shown.credential_id):
        raise WrongPasskey
    return found.credential_id, found.credential_public_key, found.sign_count


def _checked_shown(shown: Shown, challenge: bytes, public_key: bytes) -> int:
    """Return how often the key says that it has signed; the caller compares."""
    from webauthn import verify_authentication_response

    try:
        found = verify_authentication_response(
            **_expected(
                shown,
                challenge,
                authenticatorData=shown.authenticator_data,
                signature=shown.signature,
            ),
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )
    except Exception as error:  # what is forged trips the reader in any way
        raise WrongPasskey from error
    return found.new_sign_count


def _expected(shown: Made | Shown, challenge: bytes, **response: str) -> dict[str, Any]:
    """Return what was shown as the library reads it, and what it must fit."""
    return {
        "credential": {
            "id": shown.credential_id,
            "rawId": shown.credential_id,
            "type": "public-key",
            "response": {"clientDataJSON": shown.client_data, **response},
        },
        "expected_challenge": challenge,
        "expected_rp_id": shown.place.name,
        "expected_origin": shown.place.origin,
        "require_user_verification": True,
    }


def _challenge_in(client_data: str) -> bytes:
    """Return the challenge that a browser says it was asked."""
    try:
        said = orjson.loads(_bytes(client_data))
    except orjson.JSONDecodeError as error:
        raise WrongPasskey from error
    if not isinstance(said, dict) or not isinstance(said.get("challenge"), str):
        raise WrongPasskey
    return _bytes(said["challenge"])


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(bytes(content)).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise WrongPasskey from error
