"""The bank accounts of one's own firm, which it is paid out to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.settlement import own_accounts
from web.api.fields import Answers, Body
from web.api.routing import Call, route
from web.context import context_of

OwnAccountState = Literal["proposed", "unverified", "verified", "ended"]


class BankAccountBody(Body):
    """An IBAN, or a Chinese account number and the twelve digits of its bank."""

    number: Annotated[str, Field(min_length=8, max_length=50)]
    bank_code: Annotated[str, Field(max_length=12)] = ""


class SecondPerson(Answers):
    """A colleague whose word, with that of who declared an account, is finance's and owner's."""

    person_id: str
    person: str


class PayIn(Answers):
    """The market's own account, which money is paid in to."""

    holder: str
    number: str
    bank: str


class OwnAccountAnswer(Answers):
    """A bank account of one's firm; paid out to once it is verified, from `usable_at` on.

    While it is proposed, any of `waits_for` can agree to it; where that is nobody, the firm needs
    a second person first.
    """

    account_id: str
    number: str
    bank_code: str
    state: OwnAccountState
    declared_by: str
    waits_for: list[SecondPerson]
    declared_at: str
    confirmed_by: str | None
    usable_at: str | None
    verified_at: str | None


class OwnAccountChanged(Answers):
    account_id: str
    state: OwnAccountState
    usable_at: str | None


@route(
    "POST",
    "/bank-accounts",
    act=own_accounts.ACT,
    body=BankAccountBody,
    out=OwnAccountChanged,
    status=201,
)
async def declare_account(call: Call) -> Outcome:
    """Declare a bank account of one's firm; all but the first wait for a second person."""
    body: BankAccountBody = call.body
    return await own_accounts.declare(
        call.market, call.actor, call.command, number=body.number, bank_code=body.bank_code
    )


@route("POST", "/bank-accounts/{account_id}/confirm", act=own_accounts.ACT, out=OwnAccountChanged)
async def confirm_account(call: Call) -> Outcome:
    """Agree to a bank account that a colleague declared; it can be used in three days."""
    return await own_accounts.confirm(
        call.market, call.actor, call.command, call.path["account_id"]
    )


@route("POST", "/bank-accounts/{account_id}/end", act=own_accounts.ACT, out=OwnAccountChanged)
async def end_account(call: Call) -> Outcome:
    """Have nothing more paid out to a bank account; what was ordered before is on its way."""
    return await own_accounts.end(call.market, call.actor, call.command, call.path["account_id"])


def pay_in_of(call: Call) -> Answer | None:
    """Return the market's account, or None while the operator has not entered it."""
    account = context_of(call.request).account
    return None if account is None else asdict(account)
