"""The people of one's own firm: invitations, roles, leavers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from aggregator.errors import NotSignedIn
from aggregator.market import Answer, Outcome
from aggregator.parties import inviting, membership, queries
from aggregator.parties.registering import NewPerson
from web.api.fields import Answers, Body, Name
from web.api.routing import PUBLIC, Call, Reply, route
from web.context import address_of, context_of, monotonic_ms

_JOIN_COST = 10
Role = Annotated[
    str, Field(pattern="^(approver|auditor|buyer|finance|logistics|operator|owner|seller|viewer)$")
]
Roles = Annotated[list[Role], Field(min_length=1, max_length=9)]


class InviteBody(Body):
    """Which roles the invited person will have, and for how many days the link works."""

    roles: Roles
    days: Annotated[int, Field(ge=1, le=30)] = 7


class RolesBody(Body):
    """All the roles from now on."""

    roles: Roles


class JoinBody(Body):
    """The link's token, and a log-in of one's own; who is signed in leaves the log-in out."""

    token: Annotated[str, Field(min_length=20, max_length=100)]
    login: Annotated[str, Field(min_length=3, max_length=120)] | None = None
    name: Name | None = None
    password: Annotated[str, Field(min_length=10, max_length=200)] | None = None
    language: Annotated[str, Field(pattern="^(zh|en)$")] = "zh"


class Colleague(Answers):
    person_id: str
    person: str
    roles: list[str]
    last_seen_at: str | None


class People(Answers):
    people: list[Colleague]


class Invitation(Answers):
    invitation_id: str
    roles: list[str]
    invited_by: str
    invited_at: str
    expires_at: str


class Invitations(Answers):
    invitations: list[Invitation]


class Invited(Answers):
    invitation_id: str
    token: str
    expires_at: str


class InvitationGone(Answers):
    invitation_id: str


class RolesSet(Answers):
    person_id: str
    roles: list[str]


class Left(Answers):
    person_id: str


class Joined(Answers):
    person_id: str
    organisation_id: str


@route("GET", "/people", act="people.read", out=People)
async def people(call: Call) -> Answer:
    """List the people of one's own firm."""
    return {"people": [asdict(one) for one in await queries.people(call.actor.organisation_id)]}


@route("PATCH", "/people/{person_id}", act="people.manage", body=RolesBody, out=RolesSet)
async def set_roles(call: Call) -> Outcome:
    """Give a colleague other roles."""
    return await membership.set_roles(
        call.market,
        call.actor,
        call.command,
        call.path["person_id"],
        tuple(call.body.roles),
    )


@route("DELETE", "/people/{person_id}", act="people.manage", out=Left)
async def let_go(call: Call) -> Outcome:
    """End a colleague's access everywhere, at once; what he did stays with the firm."""
    return await membership.leave(call.market, call.actor, call.command, call.path["person_id"])


@route("GET", "/invitations", act="people.manage", out=Invitations)
async def invitations(call: Call) -> Answer:
    """List the invitations that are open."""
    found = await queries.invitations(call.actor.organisation_id, call.market.clock.now())
    return {"invitations": [dict(row) for row in found]}


@route(
    "POST",
    "/invitations",
    act="people.manage",
    body=InviteBody,
    out=Invited,
    status=201,
    is_keyed=False,
)
async def invite(call: Call) -> Outcome:
    """Make a link that lets one person join; its token is told this once."""
    body: InviteBody = call.body
    return await inviting.invite(call.market, call.actor, roles=tuple(body.roles), days=body.days)


@route("DELETE", "/invitations/{invitation_id}", act="people.manage", out=InvitationGone)
async def take_back_invitation(call: Call) -> Outcome:
    """End an invitation that nobody has used."""
    return await inviting.take_back(
        call.market, call.actor, call.command, call.path["invitation_id"]
    )


@route("POST", "/joinings", act=PUBLIC, body=JoinBody, out=Joined, status=201, is_keyed=False)
async def join(call: Call) -> Reply:
    """Join a firm by an invitation, as a new person or as who one is."""
    body: JoinBody = call.body
    context = context_of(call.request)
    context.addresses.take(address_of(call.request), monotonic_ms(), cost=_JOIN_COST)
    if body.login is None or body.name is None or body.password is None:
        if call.viewer is None:
            raise NotSignedIn
        return Reply(await inviting.join_as(call.market, call.viewer, body.token))
    new = NewPerson(body.login, body.name, body.password, (), body.language)
    return Reply(await inviting.join_as_new(call.market, body.token, new))
