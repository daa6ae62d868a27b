"""One's own passkeys; signing in with one is in `web.api.sessions`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.parties import passkeys, securing
from web.api.fields import Answers, Body, Name
from web.api.identity import Password, session_key, slowed
from web.api.routing import Call, route
from web.api.sessions import BASE64URL, CredentialId, Encoded, FactorCode, PasskeyAsked
from web.auth.asking import passkey_place
from web.context import context_of


class BeginPasskeyBody(Body):
    """Who adds a passkey shows once more that it is he."""

    password: Password
    code: FactorCode | None = None


class NewPasskeyBody(Body):
    """A key that a device has made, and what its owner calls it."""

    name: Name
    credential_id: CredentialId
    client_data: Encoded
    attestation: Annotated[str, Field(min_length=2, max_length=32_000, pattern=BASE64URL)]


class PasskeyBegun(PasskeyAsked):
    rp_name: str
    user_id: str
    login: str
    person_name: str
    known: list[str]
    algorithms: list[int]


class PasskeyChanged(Answers):
    passkey_id: str


class Passkey(PasskeyChanged):
    name: str
    created_at: str
    used_at: str | None


class Passkeys(Answers):
    passkeys: list[Passkey]


@route("GET", "/passkeys", act="identity.manage", out=Passkeys)
async def own_passkeys(call: Call) -> Answer:
    """List one's own passkeys."""
    return {"passkeys": await passkeys.passkeys(call.actor)}


@route(
    "POST",
    "/passkeys/challenge",
    act="identity.manage",
    body=BeginPasskeyBody,
    out=PasskeyBegun,
    is_keyed=False,
)
async def begin_passkey(call: Call) -> Answer:
    """Tell what a browser needs to make a passkey; it counts in this session, once."""
    slowed(call)
    body: BeginPasskeyBody = call.body
    place = passkey_place(call.request, context_of(call.request).public_url)
    begun = await passkeys.begin(
        call.market,
        call.actor,
        password=body.password,
        code=body.code,
        session_key=session_key(call),
    )
    return {**begun, "rp_id": place.name, "rp_name": securing.ISSUER}


@route(
    "POST", "/passkeys", act="identity.manage", body=NewPasskeyBody, out=PasskeyChanged, status=201
)
async def add_passkey(call: Call) -> Outcome:
    """Keep a passkey that a device has made; it signs in from now on."""
    body: NewPasskeyBody = call.body
    made = passkeys.Made(
        passkey_place(call.request, context_of(call.request).public_url),
        body.credential_id,
        body.client_data,
        body.attestation,
    )
    return await passkeys.add(
        call.market,
        call.actor,
        call.command,
        made,
        name=body.name,
        session_key=session_key(call),
    )


@route("DELETE", "/passkeys/{passkey_id}", act="identity.manage", out=PasskeyChanged)
async def remove_passkey(call: Call) -> Outcome:
    """Forget a passkey; sessions that it opened go on."""
    return await passkeys.remove(call.market, call.actor, call.command, call.path["passkey_id"])
