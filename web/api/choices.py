"""What one wants to be told and how: on the pages, by mail; language, zone, the own address."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.notices import addresses, choosing, letters
from aggregator.notices.kinds import KINDS
from aggregator.parties import preferring
from web.api.fields import Answers, Body
from web.api.identity import slowed
from web.api.routing import Call, route


class KindBody(Body):
    """One kind of notice, and the ways it shall come."""

    kind: Annotated[str, Field(pattern="^[a-z_]{1,60}$", examples=["deal_formed"])]
    in_app: bool
    by_mail: bool


class ChoiceBody(Body):
    """The kinds that change; the others stay as they are."""

    kinds: list[KindBody] = Field(min_length=1, max_length=len(KINDS))


class MailBody(Body):
    """An address of one's own, which a code is sent to."""

    mail: Annotated[
        str, Field(min_length=6, max_length=addresses.MAX_ADDRESS, examples=["li.lei@example.com"])
    ]


class MailCodeBody(Body):
    """The code that came by mail."""

    code: Annotated[str, Field(pattern="^[0-9]{6}$")]


class PreferBody(Body):
    """What one reads best."""

    language: Annotated[str, Field(pattern="^(zh|en)$")]
    zone: Annotated[str, Field(min_length=1, max_length=60, examples=["Asia/Shanghai"])]


class Preferences(Answers):
    language: str
    zone: str


class KindChoice(Answers):
    kind: str
    group: str
    binds: bool
    in_app: bool
    by_mail: bool


class MailAddress(Answers):
    mail: str
    verified_at: str | None
    refused_at: str | None
    code_until: str | None


class Mail(Answers):
    mail_id: str
    mail: str
    is_code: bool
    made_at: str
    state: str
    attempts: int
    tried_at: str | None
    outcome: str
    notices: int


class Choices(Preferences):
    is_mail_on: bool
    address: MailAddress | None
    kinds: list[KindChoice]
    mails: list[Mail]


class Chosen(Answers):
    kinds: int


class MailAsked(Answers):
    mail: str
    code_until: str


class MailConfirmed(Answers):
    is_verified: bool


class MailGone(Answers):
    mail: str


@route("GET", "/notice-choices", act=choosing.ACT, out=Choices)
async def notice_choices(call: Call) -> Answer:
    """Show which kinds of notices come in which way, one's address, and the newest mails."""
    return {
        **await preferring.preferences(call.actor),
        "is_mail_on": letters.is_on(),
        "address": await addresses.address(call.actor),
        "kinds": await choosing.choices(call.actor),
        "mails": await addresses.mails(call.actor),
    }


@route("PATCH", "/notice-choices", act=choosing.ACT, body=ChoiceBody, out=Chosen)
async def choose_notices(call: Call) -> Outcome:
    """Choose the ways of some kinds of notices, in the firm that one is signed in for."""
    body: ChoiceBody = call.body
    chosen = [choosing.Choice(one.kind, one.in_app, one.by_mail) for one in body.kinds]
    return await choosing.choose(call.market, call.actor, call.command, chosen)


@route("POST", "/mail-address", act=choosing.ACT, body=MailBody, out=MailAsked)
async def ask_mail_address(call: Call) -> Outcome:
    """Name an address; a code is sent there, and nothing else until it came back."""
    return await addresses.ask(call.market, call.actor, call.command, call.body.mail)


@route("POST", "/mail-address/confirm", act=choosing.ACT, body=MailCodeBody, out=MailConfirmed)
async def confirm_mail_address(call: Call) -> Outcome:
    """Prove the address by its code; of wrong ones there may be five."""
    slowed(call)
    return await addresses.confirm(call.market, call.actor, call.command, call.body.code)


@route("DELETE", "/mail-address", act=choosing.ACT, out=MailGone)
async def remove_mail_address(call: Call) -> Outcome:
    """Send no mail any more."""
    return await addresses.remove(call.market, call.actor, call.command)


@route("PATCH", "/me", act="identity.manage", body=PreferBody, out=Preferences)
async def prefer(call: Call) -> Outcome:
    """Set the language and time zone that one is written to in."""
    body: PreferBody = call.body
    return await preferring.prefer(
        call.market, call.actor, call.command, language=body.language, zone=body.zone
    )
