"""One's own password, second factor, tokens for programs, and the firms one is in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.errors import NotSignedIn
from aggregator.market import Answer, Outcome
from aggregator.parties import securing, sessions, tokens
from web.api.fields import Answers, Body, Id, Name
from web.api.routing import Call, Reply, route
from web.api.sessions import FactorCode, SignedIn, signed_in
from web.auth.asking import credential
from web.context import context_of, monotonic_ms

Password = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(pattern="^[0-9]{6}$")]


class PasswordBody(Body):
    """The password as it is, and as it shall be."""

    old: Password
    new: Annotated[str, Field(min_length=10, max_length=200)]


class CodeBody(Body):
    """A code of the authenticator."""

    code: Code


class EndFactorBody(Body):
    """What one knows and what one has, together."""

    password: Password
    code: FactorCode


class TokenBody(Body):
    """A name for the program, the acts it may do, and for how long."""

    label: Name
    scopes: Annotated[
        list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=60)
    ]
    days: Annotated[int, Field(ge=1, le=366)] = 90


class SwitchBody(Body):
    """Another firm that one is in."""

    organisation: Id


class Changed(Answers):
    person_id: str


class FactorBegun(Answers):
    secret: str
    address: str


class Factor(Answers):
    is_on: bool


class FactorState(Factor):
    recovery_codes_left: int


class FactorConfirmed(Factor):
    recovery_codes: list[str]


class Token(Answers):
    token_id: str
    label: str
    scopes: list[str]
    opened_at: str
    seen_at: str
    expires_at: str


class Tokens(Answers):
    tokens: list[Token]


class TokenMade(Answers):
    token_id: str
    token: str
    expires_at: str


class TokenGone(Answers):
    token_id: str


class Membership(Answers):
    organisation_id: str
    name: str
    name_en: str
    roles: list[str]


class Memberships(Answers):
    memberships: list[Membership]


@route("POST", "/password", act="identity.manage", body=PasswordBody, out=Changed)
async def change_password(call: Call) -> Outcome:
    """Change one's password; all other sessions and tokens end."""
    slowed(call)
    body: PasswordBody = call.body
    return await securing.change_password(
        call.market, call.actor, call.command, old=body.old, new=body.new, keep=session_key(call)
    )


@route("GET", "/second-factor", act="identity.manage", out=FactorState)
async def second_factor(call: Call) -> Answer:
    """Tell whether a second factor is in force, and how many recovery codes are left."""
    return {
        "is_on": await securing.has_second_factor(call.actor),
        "recovery_codes_left": await securing.recovery_codes_left(call.actor),
    }


@route("POST", "/second-factor", act="identity.manage", out=FactorBegun, status=201, is_keyed=False)
async def begin_second_factor(call: Call) -> Outcome:
    """Make a secret for an authenticator; it counts once a code of it was shown."""
    return await securing.begin_second_factor(call.market, call.actor)


@route(
    "POST",
    "/second-factor/confirm",
    act="identity.manage",
    body=CodeBody,
    out=FactorConfirmed,
    is_keyed=False,
)
async def confirm_second_factor(call: Call) -> Outcome:
    """Put the second factor in force; the recovery codes are told this once."""
    slowed(call)
    return await securing.confirm_second_factor(
        call.market, call.actor, call.body.code, keep=session_key(call)
    )


@route(
    "POST",
    "/second-factor/recovery-codes",
    act="identity.manage",
    body=CodeBody,
    out=FactorConfirmed,
    is_keyed=False,
)
async def renew_recovery_codes(call: Call) -> Outcome:
    """Make ten fresh recovery codes, told this once; the ones before count no longer."""
    slowed(call)
    return await securing.renew_recovery_codes(call.market, call.actor, call.body.code)


@route("POST", "/second-factor/end", act="identity.manage", body=EndFactorBody, out=Factor)
async def end_second_factor(call: Call) -> Outcome:
    """Do without a second factor again."""
    slowed(call)
    body: EndFactorBody = call.body
    return await securing.end_second_factor(
        call.market, call.actor, call.command, password=body.password, code=body.code
    )


@route("GET", "/tokens", act="identity.manage", out=Tokens)
async def own_tokens(call: Call) -> Answer:
    """List one's own tokens for programs."""
    return {"tokens": await tokens.tokens(call.market, call.actor)}


@route(
    "POST",
    "/tokens",
    act="identity.manage",
    body=TokenBody,
    out=TokenMade,
    status=201,
    is_keyed=False,
)
async def issue_token(call: Call) -> Outcome:
    """Make a token for a program; it is told this once."""
    body: TokenBody = call.body
    return await tokens.issue(
        call.market,
        call.actor,
        label=body.label,
        scopes=body.scopes,
        days=body.days,
    )


@route("DELETE", "/tokens/{token_id}", act="identity.manage", out=TokenGone)
async def revoke_token(call: Call) -> Outcome:
    """End a token and all that is open under it."""
    return await tokens.revoke(call.market, call.actor, call.command, call.path["token_id"])


@route("GET", "/memberships", act="identity.manage", out=Memberships)
async def memberships(call: Call) -> Answer:
    """List the firms that one is in."""
    return {"memberships": await sessions.memberships(call.actor)}


@route(
    "POST",
    "/sessions/switch",
    act="identity.manage",
    body=SwitchBody,
    out=SignedIn,
    status=201,
    is_keyed=False,
)
async def switch_organisation(call: Call) -> Reply:
    """Go on in another firm: this session ends, one there begins."""
    given = credential(call.request, is_https=context_of(call.request).is_https)
    if given is None:
        raise NotSignedIn
    opened = await sessions.switch(call.market, call.actor, given.token, call.body.organisation)
    return signed_in(call, opened, is_bearer=given.way == "bearer")


def slowed(call: Call) -> None:
    """Count a guess at a password or code against the person, wherever it comes from."""
    context_of(call.request).logins.take(call.actor.person_id, monotonic_ms())


def session_key(call: Call) -> bytes:
    given = credential(call.request, is_https=context_of(call.request).is_https)
    return sessions.key_of(given.token) if given else b""
