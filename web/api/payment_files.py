"""Ordered payments on the operator's desk, and the files that the bank pays them by."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.settlement import failing, payment_files, queries
from web.api.fields import Answers, Body, Money
from web.api.money import CURRENCY, XML, PaymentAnswer
from web.api.routing import Call, Download, route


class PaymentFileBody(Body):
    """The market's own account that pays."""

    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{4,34}$", examples=["CNY-1"])]


class PaymentFailed(Answers):
    payment_id: str
    state: str


class Payments(Answers):
    payments: list[PaymentAnswer]


class PaymentFileMade(Answers):
    """A pain.001 file of `payments` payments, to be had under its message id."""

    message_id: str
    account: str
    currency: str
    payments: int
    amount: Money
    made_at: str


class PaymentFile(PaymentFileMade):
    made_by: str


class PaymentFiles(Answers):
    files: list[PaymentFile]


@route("GET", "/bank/payments", act="settlement.read", out=Payments)
async def ordered_payments(_: Call) -> Answer:
    """List the payments that the bank has yet to make."""
    return {"payments": [asdict(view) for view in await queries.payments(None)]}


@route("POST", "/bank/payments/{payment_id}/fail", act="settlement.fail_payment", out=PaymentFailed)
async def fail_payment(call: Call) -> Outcome:
    """Note that the bank refused a payment."""
    return await failing.fail(call.market, call.actor, call.command, call.path["payment_id"])


@route("GET", "/bank/payment-files", act="settlement.read", out=PaymentFiles)
async def made_payment_files(_: Call) -> Answer:
    """List the payment files that were made, newest first."""
    return {"files": [asdict(view) for view in await queries.payment_files()]}


@route(
    "POST",
    "/bank/payment-files",
    act=payment_files.ACT,
    body=PaymentFileBody,
    out=PaymentFileMade,
    status=201,
)
async def make_payment_file(call: Call) -> Outcome:
    """Put the ordered payments that stand in no file yet into a pain.001 file, for good.

    Each payment stands in one file only; a file that got lost is had again under its message id.
    """
    return await payment_files.make(
        call.market, call.actor, call.command, account=call.body.account, currency=CURRENCY
    )


@route("GET", "/bank/payment-files/{message_id}", act="settlement.read", gives=(XML,))
async def payment_file(call: Call) -> Download:
    """Return a pain.001 file that was made, the same bytes each time."""
    message_id = call.path["message_id"]
    text = await queries.payment_file(message_id)
    return Download(text.encode(), XML, f"{message_id}.xml")
