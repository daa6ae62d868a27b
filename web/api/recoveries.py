"""Ways back for who has lost his password or second factor, and what the operator agrees to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.notices import returning
from aggregator.parties import agreeing, consents, recovering
from web.api.fields import Answers, Body
from web.api.routing import PUBLIC, Call, route
from web.api.sessions import slowed_at_door


class LostBody(Body):
    """The log-in of who cannot sign in."""

    login: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._@-]{2,119}$", examples=["guinan"])]


class BackBody(Body):
    """The token of the link, and a password of one's own."""

    token: Annotated[str, Field(min_length=20, max_length=100)]
    password: Annotated[str, Field(min_length=10, max_length=200)]


class Noted(Answers):
    is_noted: Literal[True]


class Back(Answers):
    is_back: Literal[True]


class Recovery(Answers):
    recovery_id: str
    person_id: str
    person: str
    state: str
    asked_at: str
    opens_at: str | None
    ends_at: str


class Recoveries(Answers):
    recoveries: list[Recovery]


class SentBack(Answers):
    recovery_id: str
    ends_at: str


class Stopped(Answers):
    recovery_id: str


class Consent(Answers):
    """What waits for the operator's two persons; `figures` say what of it."""

    consent_id: str
    kind: str
    organisation_id: str
    organisation: str
    organisation_en: str
    figures: dict[str, Any]
    asked_by: str | None
    concerns: str
    asked_at: str
    expires_at: str
    agreed_by: list[str]


class Consents(Answers):
    consents: list[Consent]


class ConsentState(Answers):
    consent_id: str
    state: str


@route("POST", "/recoveries", act=PUBLIC, body=LostBody, out=Noted, is_keyed=False)
async def ask_recovery(call: Call) -> Answer:
    """Ask for a way back in; the answer is the same whether or not there is such a log-in."""
    body: LostBody = call.body
    slowed_at_door(call, body.login)
    await returning.ask(call.market, body.login)
    return {"is_noted": True}


@route("POST", "/recoveries/finish", act=PUBLIC, body=BackBody, out=Back, is_keyed=False)
async def finish_recovery(call: Call) -> Answer:
    """Set a password by the link that was mailed; second factor and sessions before it end."""
    body: BackBody = call.body
    slowed_at_door(call, body.token)
    await recovering.finish(call.market, body.token, body.password)
    return {"is_back": True}


@route("GET", "/recoveries", act="people.read", out=Recoveries)
async def recoveries(call: Call) -> Answer:
    """List the ways back of one's own firm's people that may yet be used."""
    return {"recoveries": await recovering.under_way(call.market, call.actor)}


@route("DELETE", "/recoveries/{recovery_id}", act="people.stop_recovery", out=Stopped)
async def stop_recovery(call: Call) -> Outcome:
    """Stop a colleague's way back, whoever asked for it."""
    return await recovering.stop(call.market, call.actor, call.command, call.path["recovery_id"])


@route(
    "POST",
    "/people/{person_id}/recovery",
    act="people.manage",
    out=SentBack,
    status=201,
    is_keyed=False,
)
async def send_back(call: Call) -> Outcome:
    """Mail a colleague the link by which he sets a password and signs in without a factor."""
    return await returning.send_back(call.market, call.actor, call.path["person_id"])


@route("GET", "/consents", act=consents.ACT, out=Consents)
async def waiting_consents(call: Call) -> Answer:
    """List what two persons of the operator have to agree to."""
    return {"consents": await consents.waiting(call.market)}


@route("POST", "/consents/{consent_id}/agree", act=consents.ACT, out=ConsentState)
async def agree_to_consent(call: Call) -> Outcome:
    """Agree as one of the operator's two persons; with the second one it happens."""
    return await agreeing.agree(call.market, call.actor, call.command, call.path["consent_id"])


@route("POST", "/consents/{consent_id}/refuse", act=consents.ACT, out=ConsentState)
async def refuse_consent(call: Call) -> Outcome:
    """Refuse in the operator's name; one person does."""
    return await agreeing.refuse(call.market, call.actor, call.command, call.path["consent_id"])
