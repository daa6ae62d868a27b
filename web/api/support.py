"""What the owner lets the market's people see, and the firm's own trail."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.parties import support
from aggregator.parties import trail as trails
from web.api.fields import Answers, Body, Id, PageSize, Query
from web.api.routing import Call, Download, route


class GrantBody(Body):
    """Why the market's people may look, and for how many hours."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    hours: Annotated[int, Field(ge=1, le=72)] = 24


class EnterBody(Body):
    """Which grant to use."""

    grant: Id


class TrailQuery(Query):
    """How many of the newest lines."""

    limit: PageSize = 200


class Granted(Answers):
    grant_id: str
    ends_at: str


class GrantEnded(Answers):
    grant_id: str


class Read(Answers):
    what: str
    at: str
    person: str


class Grant(Answers):
    grant_id: str
    reason: str
    granted_at: str
    ends_at: str
    ended_at: str | None
    reads: list[Read]


class Grants(Answers):
    grants: list[Grant]


class OpenGrant(Answers):
    grant_id: str
    organisation_id: str
    organisation: str
    reason: str
    ends_at: str


class OpenGrants(Answers):
    grants: list[OpenGrant]


class Entered(Answers):
    token: str
    organisation_id: str
    expires_at: str


class Line(Answers):
    at: str
    person_id: str
    person: str
    kind: str
    name: str
    outcome: str
    detail: str


class Trail(Answers):
    lines: list[Line]


@route("GET", "/support-grants", act="support.grant", out=Grants)
async def support_grants(call: Call) -> Answer:
    """List one's firm's grants, and all that was read under each."""
    return {"grants": await support.grants(call.actor.organisation_id)}


@route("POST", "/support-grants", act="support.grant", body=GrantBody, out=Granted, status=201)
async def grant_support(call: Call) -> Outcome:
    """Let the market's people read one's firm for some hours."""
    body: GrantBody = call.body
    return await support.grant(
        call.market, call.actor, call.command, reason=body.reason, hours=body.hours
    )


@route("DELETE", "/support-grants/{grant_id}", act="support.grant", out=GrantEnded)
async def end_support(call: Call) -> Outcome:
    """End a grant and what is open under it."""
    return await support.end(call.market, call.actor, call.command, call.path["grant_id"])


@route("GET", "/support-sessions", act="support.use", out=OpenGrants)
async def open_support(call: Call) -> Answer:
    """List the grants that hold now."""
    return {"grants": await support.open_grants(call.market)}


@route(
    "POST",
    "/support-sessions",
    act="support.use",
    body=EnterBody,
    out=Entered,
    status=201,
    is_keyed=False,
)
async def enter_for_support(call: Call) -> Outcome:
    """Open a reading session in a firm that has granted it; every request is noted there."""
    return await support.enter(call.market, call.actor, call.body.grant)


@route("GET", "/trail", act="trail.read", query=TrailQuery, out=Trail)
async def trail(call: Call) -> Answer:
    """List what one's people asked for and what was recorded of the firm, the newest first."""
    query: TrailQuery = call.query
    return {"lines": await trails.trail(call.actor.organisation_id, limit=query.limit)}


@route("GET", "/trail.csv", act="trail.read", gives=("text/csv",))
async def trail_csv(call: Call) -> Download:
    """Export the firm's trail."""
    content = await trails.trail_csv(call.actor.organisation_id)
    return Download(content, "text/csv; charset=utf-8", "trail.csv")
