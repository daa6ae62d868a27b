"""Signing in and out, who I am, and tickets for the feed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.errors import NotSignedIn
from aggregator.journal.facts import stamp
from aggregator.market import Answer
from aggregator.parties import passkeys, queries, sessions, tickets
from web.api.fields import Answers, Body, Id
from web.api.routing import PUBLIC, SIGNED_IN, Call, Reply, route
from web.auth.asking import credential, passkey_place, set_cookie
from web.context import address_of, context_of, monotonic_ms

_SIGN_IN_COST = 10
FactorCode = Annotated[str, Field(pattern="^([0-9]{6}|[A-Z2-7]{5}-[A-Z2-7]{5})$")]
"""Of the authenticator, or a recovery code."""
BASE64URL = "^[A-Za-z0-9_-]+$"
Encoded = Annotated[str, Field(min_length=2, max_length=8000, pattern=BASE64URL)]
"""Bytes in base64url, as browsers write what a passkey says."""
CredentialId = Annotated[str, Field(min_length=2, max_length=1364, pattern=BASE64URL)]


class PasskeyBody(Body):
    """A challenge as a passkey has signed it."""

    credential_id: CredentialId
    client_data: Encoded
    authenticator_data: Encoded
    signature: Encoded
    user_handle: Encoded


class SignInBody(Body):
    """A log-in and its password; a program asks for a bearer token in place of a cookie."""

    login: Annotated[str, Field(min_length=1, max_length=120)]
    password: Annotated[str, Field(min_length=1, max_length=200)]
    organisation: Id | None = None
    bearer: bool = False
    code: FactorCode | None = None
    passkey: PasskeyBody | None = None


class PasskeySignInBody(Body):
    """A passkey in place of log-in, password and code."""

    passkey: PasskeyBody
    organisation: Id | None = None
    bearer: bool = False


class PasskeyAsked(Answers):
    challenge: str
    lifetime_ms: int
    rp_id: str


class SignedIn(Answers):
    person: str
    person_name: str
    organisation: str
    organisation_name: str
    roles: list[str]
    language: str
    expires_at: str
    token: str | None = None


class Me(Answers):
    person: str
    organisation: str
    organisation_name: str
    organisation_name_en: str
    kind: str
    region: str
    deposit_reference: str
    roles: list[str]
    acts: list[str]
    language: str


class FeedTicket(Answers):
    ticket: str
    expires_at: str


@route("POST", "/sessions", act=PUBLIC, body=SignInBody, out=SignedIn, status=201, is_keyed=False)
async def sign_in(call: Call) -> Reply:
    """Open a session: a cookie for pages, or a bearer token for programs."""
    body: SignInBody = call.body
    slowed_at_door(call, body.login)
    opened = await sessions.open_session(
        call.market,
        body.login,
        body.password,
        organisation_id=body.organisation,
        code=body.code,
        passkey=_shown(call, body.passkey) if body.passkey else None,
    )
    return signed_in(call, opened, is_bearer=body.bearer)


@route("POST", "/sessions/passkey/challenge", act=PUBLIC, out=PasskeyAsked, is_keyed=False)
async def ask_passkey(call: Call) -> Answer:
    """Draw a challenge for a passkey to sign, alone or beside a password; it counts once."""
    context = context_of(call.request)
    place = passkey_place(call.request, context.public_url)
    context.addresses.take(address_of(call.request), monotonic_ms(), cost=_SIGN_IN_COST)
    return {**await passkeys.begin_sign_in(call.market), "rp_id": place.name}


@route(
    "POST",
    "/sessions/passkey",
    act=PUBLIC,
    body=PasskeySignInBody,
    out=SignedIn,
    status=201,
    is_keyed=False,
)
async def sign_in_by_passkey(call: Call) -> Reply:
    """Open a session for the owner of a passkey, whom his device has asked who he is."""
    body: PasskeySignInBody = call.body
    slowed_at_door(call, body.passkey.credential_id)
    opened = await sessions.open_by_passkey(
        call.market, _shown(call, body.passkey), organisation_id=body.organisation
    )
    return signed_in(call, opened, is_bearer=body.bearer)


def signed_in(call: Call, opened: sessions.Opened, *, is_bearer: bool) -> Reply:
    """Return who has signed in, with a cookie or the token."""
    context = context_of(call.request)
    answer: Answer = {
        "person": opened.actor.person_id,
        "person_name": opened.person_name,
        "organisation": opened.actor.organisation_id,
        "organisation_name": opened.organisation_name,
        "roles": sorted(opened.actor.roles),
        "language": opened.actor.language,
        "expires_at": stamp(opened.expires_at),
    }
    if is_bearer:
        return Reply({**answer, "token": opened.token})
    lifetime_s = int(sessions.ABSOLUTE.total_seconds())
    cookie = set_cookie(opened.token, is_https=context.is_https, max_age_s=lifetime_s)
    return Reply(answer, headers={"Set-Cookie": cookie})


@route("DELETE", "/sessions/current", act=SIGNED_IN, status=204, is_keyed=False)
async def sign_out(call: Call) -> Reply:
    """End this session here and on every open socket."""
    context = context_of(call.request)
    await sessions.close_session(call.market, _token(call))
    forget = set_cookie("", is_https=context.is_https, max_age_s=0)
    return Reply({}, headers={"Set-Cookie": forget})


@route("GET", "/me", act=SIGNED_IN, out=Me)
async def me(call: Call) -> Answer:
    """Tell who is asking, and which acts the roles hold."""
    actor = call.actor
    organisation = await queries.organisation(actor.organisation_id)
    return {
        "person": actor.person_id,
        "organisation": organisation.id,
        "organisation_name": organisation.name,
        "organisation_name_en": organisation.name_en,
        "kind": organisation.kind,
        "region": organisation.region,
        "deposit_reference": organisation.deposit_reference,
        "roles": sorted(actor.roles),
        "acts": sorted(actor.grants),
        "language": actor.language,
    }


@route("POST", "/feed-tickets", act="feed.connect", out=FeedTicket, status=201, is_keyed=False)
async def feed_ticket(call: Call) -> Answer:
    """Issue a ticket that opens one feed socket within 30 seconds."""
    ticket = await tickets.issue(call.market, _token(call))
    return {"ticket": ticket.text, "expires_at": stamp(ticket.expires_at)}


def slowed_at_door(call: Call, login: str) -> None:
    """Count a guess of who is not signed in against his address."""
    context, now_ms = context_of(call.request), monotonic_ms()
    address = address_of(call.request)
    # Checking a password is made to be slow, so it counts for more than a read.
    context.addresses.take(address, now_ms, cost=_SIGN_IN_COST)
    # One address guessing at one log-in is slowed without locking its owner out elsewhere.
    context.logins.take(f"{address} {login}", now_ms)


def _shown(call: Call, passkey: PasskeyBody) -> passkeys.Shown:
    place = passkey_place(call.request, context_of(call.request).public_url)
    return passkeys.Shown(place, **passkey.model_dump())


def _token(call: Call) -> str:
    given = credential(call.request, is_https=context_of(call.request).is_https)
    if given is None:
        raise NotSignedIn
    return given.token
