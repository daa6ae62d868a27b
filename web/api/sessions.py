"""Signing in and out, who I am, and tickets for the feed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.errors import NotSignedIn
from aggregator.journal.facts import stamp
from aggregator.market import Answer
from aggregator.parties import queries, sessions, tickets
from web.api.fields import Answers, Body, Id
from web.api.routing import PUBLIC, SIGNED_IN, Call, Reply, route
from web.auth.asking import credential, set_cookie
from web.context import address_of, context_of, monotonic_ms

_SIGN_IN_COST = 10
FactorCode = Annotated[str, Field(pattern="^([0-9]{6}|[A-Z2-7]{5}-[A-Z2-7]{5})$")]
"""Of the authenticator, or a recovery code."""


class SignInBody(Body):
    """A log-in and its password; a program asks for a bearer token in place of a cookie."""

    login: Annotated[str, Field(min_length=1, max_length=120)]
    password: Annotated[str, Field(min_length=1, max_length=200)]
    organisation: Id | None = None
    bearer: bool = False
    code: FactorCode | None = None


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
    context = context_of(call.request)
    address, now_ms = address_of(call.request), monotonic_ms()
    # Checking a password is made to be slow, so it counts for more than a read.
    context.addresses.take(address, now_ms, cost=_SIGN_IN_COST)
    # One address guessing at one log-in is slowed without locking its owner out elsewhere.
    context.logins.take(f"{address} {body.login}", now_ms)
    opened = await sessions.open_session(
        call.market,
        body.login,
        body.password,
        organisation_id=body.organisation,
        code=body.code,
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


def _token(call: Call) -> str:
    given = credential(call.request, is_https=context_of(call.request).is_https)
    if given is None:
        raise NotSignedIn
    return given.token
