"""One's own firm: its first person, who it is, and what is left to do while it is new."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.notices import starting
from aggregator.parties import correcting, declaring, inviting
from web.api.fields import Answers, Body
from web.api.routing import PUBLIC, Call, route
from web.context import address_of, context_of, monotonic_ms


class IdentityBody(Body):
    """A Chinese credit code, or a VAT number of the European Union."""

    uscc: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    vat: Annotated[str, Field(min_length=1, max_length=40)] | None = None


class FirstBody(Body):
    """For how many days the link works."""

    days: Annotated[int, Field(ge=1, le=inviting.MAX_DAYS)] = 7


class LinkBody(Body):
    """The token of a link."""

    token: Annotated[str, Field(min_length=20, max_length=100)]


class Invited(Answers):
    invitation_id: str
    token: str
    expires_at: str


class Invitation(Answers):
    organisation: str
    organisation_en: str
    roles: list[str]


class Payer(Answers):
    payer: str
    accepted_at: str


class Company(Answers):
    organisation_id: str
    name: str
    name_en: str
    kind: str
    region: str
    owner_group: str
    monthly_lots: int
    deposit_reference: str
    uscc: str | None
    vat: str | None
    correction: str | None
    payers: list[Payer]


class Declared(Answers):
    number: str


class Correction(Answers):
    consent_id: str
    number: str


class Step(Answers):
    name: str
    by: starting.By
    path: str
    is_done: bool
    is_mine: bool


class Steps(Answers):
    steps: list[Step]


@route("GET", "/company", act="parties.read", out=Company)
async def company(call: Call) -> Answer:
    """Show one's own firm as the market knows it, and from which accounts it has paid."""
    return dict(await declaring.company(call.market, call.actor))


@route("POST", "/company/identity", act=declaring.ACT, body=IdentityBody, out=Declared)
async def declare_identity(call: Call) -> Outcome:
    """Declare the firm's tax number, once; its check digits are checked."""
    body: IdentityBody = call.body
    return await declaring.declare(
        call.market, call.actor, call.command, uscc=body.uscc, vat=body.vat
    )


@route(
    "POST",
    "/company/identity/correction",
    act=declaring.ACT,
    body=IdentityBody,
    out=Correction,
    status=201,
)
async def correct_identity(call: Call) -> Outcome:
    """Ask for another tax number; two persons of the operator agree, and what was issued stays."""
    body: IdentityBody = call.body
    return await correcting.ask(call.market, call.actor, call.command, uscc=body.uscc, vat=body.vat)


@route("GET", "/first-steps", act="notices.read", out=Steps)
async def first_steps(call: Call) -> Answer:
    """List what a new firm or market does first, what of it is done, what the asker can do."""
    has_account = context_of(call.request).account is not None
    found = await starting.steps(call.actor, has_account=has_account)
    return {"steps": [asdict(step) for step in found]}


@route(
    "POST",
    "/organisations/{organisation_id}/invitations",
    act="parties.register",
    body=FirstBody,
    out=Invited,
    status=201,
    is_keyed=False,
)
async def invite_first(call: Call) -> Outcome:
    """Make a link for the owner of a firm that nobody is in yet; its token is told this once."""
    return await inviting.invite_first(
        call.market, call.actor, call.path["organisation_id"], days=call.body.days
    )


@route("POST", "/joinings/preview", act=PUBLIC, body=LinkBody, out=Invitation, is_keyed=False)
async def preview_invitation(call: Call) -> Answer:
    """Tell who holds a link which firm invites him, and for which roles."""
    context_of(call.request).addresses.take(address_of(call.request), monotonic_ms())
    return dict(await inviting.invitation(call.market, call.body.token))
