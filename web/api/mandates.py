"""Policies, mandates and approvals of one's own firm."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregator.deals.access import check_counterparties
from aggregator.mandates import granting, policies, queries
from aggregator.market import Answer, Outcome
from web.api.fields import Answers, Body, Id, Instant, Instrument, Lots, Minor, Money
from web.api.routing import Call, route

Act = Literal["auctions.bid", "forwards.offer", "forwards.order", "pools.pledge", "supply.offer"]
Link = Annotated[
    str,
    Field(
        pattern=r"^(role:(approver|finance|owner)|person:[A-Za-z0-9_]{1,60})$",
        examples=["role:owner"],
    ),
]


class PolicyBody(Body):
    """Acts beyond `free_up_to` need a mandate, or a yes from each link of `chain` in order.

    With `index_bps` so do acts at a price that is worse than the cell's last published one by
    more than that, or where none is published; with `counterparties` so do acts with any other
    firm, or with nobody known yet, as in a group buy.
    """

    act: Act
    chain: Annotated[list[Link], Field(min_length=1, max_length=5)]
    free_up_to: Minor = 0
    index_bps: Annotated[int, Field(ge=0, le=5_000)] | None = None
    counterparties: Annotated[list[Id], Field(max_length=50)] | None = None
    valid_hours: Annotated[int, Field(ge=1, le=720)] = 24


class MandateBody(Body):
    """What a colleague may commit the firm to; the limits count in all his acts under it.

    `index_bps` is how much worse than the cell's last published price he may go; negative, how
    much better he must be.
    """

    person: Id
    acts: Annotated[list[Act], Field(min_length=1, max_length=5)]
    instruments: Annotated[list[Instrument], Field(max_length=50)] | None = None
    limit: Minor | None = None
    index_bps: Annotated[int, Field(ge=-5_000, le=5_000)] | None = None
    max_lots: Lots | None = None
    per_act: Minor
    total: Minor
    reserve: Minor = 0
    ends_at: Instant


class SubstituteBody(Body):
    """Who decides in one's place, and when."""

    person: Id
    begins_at: Instant
    ends_at: Instant


class Policy(Answers):
    """A policy; to the market's people, whom a grant lets in, without its figures and firms."""

    act: str
    free_up_to: Money | None
    index_bps: int | None
    counterparties: list[str] | None
    chain: list[str]
    valid_hours: int
    set_at: str


class Policies(Answers):
    policies: list[Policy]


class PolicySet(Answers):
    act: str
    chain: list[str]


class Mandate(Answers):
    """A mandate; to the market's people, who are let in by a grant, without its figures."""

    mandate_id: str
    person_id: str
    person: str
    acts: list[str]
    instruments: list[str]
    limit: Money | None
    index_bps: int | None
    max_lots: int | None
    per_act: Money | None
    total: Money | None
    used: Money | None
    reserve: Money | None
    left: Money | None
    currency: str
    state: str
    granted_at: str
    ends_at: str


class Mandates(Answers):
    mandates: list[Mandate]


class MandateChanged(Answers):
    mandate_id: str
    state: str


class Substitute(Answers):
    person_id: str
    person: str
    substitute_id: str
    substitute: str
    begins_at: str
    ends_at: str
    is_in_force: bool


class Substitutes(Answers):
    substitutes: list[Substitute]


class SubstituteChanged(Answers):
    person_id: str
    ends_at: str


@route("GET", "/policies", act="mandates.read", out=Policies)
async def approval_policies(call: Call) -> Answer:
    """List which acts of one's firm need more than a role."""
    return {"policies": await queries.policies(call.actor)}


@route("POST", "/policies", act="mandates.rule", body=PolicyBody, out=PolicySet, status=201)
async def set_policy(call: Call) -> Outcome:
    """Bind an act of one's firm from now on."""
    body: PolicyBody = call.body
    terms = policies.PolicyTerms(
        act=body.act,
        chain=tuple(body.chain),
        free_up_to_minor=body.free_up_to,
        index_bps=body.index_bps,
        counterparties=tuple(body.counterparties or ()),
        valid_hours=body.valid_hours,
    )
    await check_counterparties(call.actor, terms.counterparties, pointer="/counterparties")
    return await policies.set_policy(call.market, call.actor, call.command, terms)


@route("DELETE", "/policies/{act}", act="mandates.rule", out=PolicySet)
async def lift_policy(call: Call) -> Outcome:
    """Let roles alone decide about an act again."""
    return await policies.lift_policy(call.market, call.actor, call.command, call.path["act"])


@route("GET", "/substitutes", act="approvals.read", out=Substitutes)
async def substitutes(call: Call) -> Answer:
    """List who decides in whose place: the firm's to an owner, else whom one named or is."""
    now = call.market.clock.now()
    return {"substitutes": await queries.substitutes(call.actor, now)}


@route(
    "POST",
    "/substitutes",
    act="approvals.substitute",
    body=SubstituteBody,
    out=SubstituteChanged,
    status=201,
)
async def name_substitute(call: Call) -> Outcome:
    """Let a colleague decide in one's place for a while."""
    body: SubstituteBody = call.body
    return await policies.name_substitute(
        call.market,
        call.actor,
        call.command,
        body.person,
        begins_at=body.begins_at,
        ends_at=body.ends_at,
    )


@route(
    "DELETE",
    "/substitutes/{person_id}/{substitute_id}",
    act="approvals.substitute",
    out=SubstituteChanged,
)
async def end_substitute(call: Call) -> Outcome:
    """End it early that a colleague decides in a person's place; he himself or an owner may."""
    return await policies.end_substitute(
        call.market,
        call.actor,
        call.command,
        call.path["person_id"],
        call.path["substitute_id"],
    )


@route("GET", "/mandates", act="mandates.read", out=Mandates)
async def mandates(call: Call) -> Answer:
    """List the firm's mandates to who decides, one's own to anybody else."""
    return {"mandates": await queries.mandates(call.actor)}


@route("POST", "/mandates", act="mandates.grant", body=MandateBody, out=MandateChanged, status=201)
async def grant_mandate(call: Call) -> Outcome:
    """Give a colleague a mandate; with a reserve it opens when finance has set it aside."""
    body: MandateBody = call.body
    terms = granting.MandateTerms(
        person_id=body.person,
        acts=tuple(body.acts),
        instruments=tuple(body.instruments or ()),
        limit_minor=body.limit,
        index_bps=body.index_bps,
        max_lots=body.max_lots,
        per_act_minor=body.per_act,
        total_minor=body.total,
        reserve_minor=body.reserve,
        ends_at=body.ends_at,
    )
    return await granting.grant(call.market, call.actor, call.command, terms)


@route("POST", "/mandates/{mandate_id}/reserve", act="mandates.reserve", out=MandateChanged)
async def reserve_mandate(call: Call) -> Outcome:
    """Set a mandate's funds aside, which opens it."""
    return await granting.reserve(call.market, call.actor, call.command, call.path["mandate_id"])


@route("POST", "/mandates/{mandate_id}/revoke", act="mandates.revoke", out=MandateChanged)
async def revoke_mandate(call: Call) -> Outcome:
    """End a mandate; what was committed under it stays bound."""
    return await granting.revoke(call.market, call.actor, call.command, call.path["mandate_id"])
