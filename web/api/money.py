"""Money: one's own balances and payments; the bank's statements and desk for the operator."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from aggregator.invoices.queries import deals_of
from aggregator.ledger import queries as ledger
from aggregator.ledger import trial
from aggregator.ledger.statements import movements, write_statement
from aggregator.market import Answer, Outcome
from aggregator.settlement import banking, payouts, queries, sending_back
from aggregator.settlement.camt import read_camt
from aggregator.settlement.own_accounts import second_persons
from aggregator.settlement.statements import MAX_LINES, read_csv, statement_line
from web.api.bank_accounts import OwnAccountAnswer, PayIn, SecondPerson, pay_in_of
from web.api.fields import Answers, Body, Id, Instant, Minor, Money, Query
from web.api.routing import MAX_IMPORT_BYTES, Call, Download, route

CURRENCY = "CNY"
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
CSV, XML, TEXT_XML = "text/csv", "application/xml", "text/xml"
ShortText = Annotated[str, Field(max_length=100)]


class PaymentBody(Body):
    """A payment of one's cash to one's own bank account."""

    amount: Minor
    payee_account: Annotated[str, Field(min_length=4, max_length=34)]


class BankLineBody(Body):
    """One entry of a bank statement; `amount` is positive, `direction` says which way."""

    account: ShortText
    entry_reference: ShortText
    direction: ShortText
    amount: ShortText
    currency: ShortText = CURRENCY
    booked_on: ShortText
    payer: Annotated[str, Field(max_length=140)] = ""
    remittance: Annotated[str, Field(max_length=500)] = ""
    payer_account: ShortText = ""
    payer_bank: ShortText = ""


class BankLinesBody(Body):
    """A statement, taken in as a whole or not at all."""

    lines: Annotated[list[BankLineBody], Field(min_length=1, max_length=MAX_LINES)]


class AssignBody(Body):
    """Whose money it is."""

    organisation_id: Id


class SendBackBody(Body):
    """The bank account that the money came from, as the bank told or as a person proposes."""

    payee_account: Annotated[str, Field(min_length=4, max_length=34)]


class StatementQuery(Query):
    """From when on, and until when; everything up to now where neither is said."""

    since: Instant | None = None
    until: Instant | None = None


class BalanceAnswer(Answers):
    account_id: str
    purpose: str
    currency: str
    balance: Money
    held: Money
    available: Money


class HoldAnswer(Answers):
    hold_id: str
    amount: Money
    currency: str
    reference: str
    placed_at: str


class CallAnswer(Answers):
    """Money due: pay it under `reference`; `escrow` is the deal's id."""

    reference: str
    escrow: str
    currency: str
    amount: Money
    paid: Money
    due_at: str


class PaymentAnswer(Answers):
    """A payment out; `message_id` is of the file for the bank that it stands in, if of one."""

    payment_id: str
    reference: str
    organisation_id: str | None
    payee: str
    currency: str
    amount: Money
    payee_account: str
    state: str
    ordered_at: str
    message_id: str | None


class StatementAnswer(Answers):
    """One posting on one's own account, signed; `deal_id` where it pays a document of a deal."""

    transfer_id: str
    at: str
    kind: str
    reference: str
    deal_id: str | None
    currency: str
    amount: Money


class MoneyAnswer(Answers):
    """The firm's money; `second_persons` can agree to a further account of whoever asks.

    `pay_in` is null while the operator has not entered the market's account.
    """

    pay_in: PayIn | None
    deposit_reference: str
    accounts: list[OwnAccountAnswer]
    second_persons: list[SecondPerson]
    balances: list[BalanceAnswer]
    holds: list[HoldAnswer]
    calls: list[CallAnswer]
    payments: list[PaymentAnswer]
    statement: list[StatementAnswer]


class PaymentOrdered(Answers):
    payment_id: str
    reference: str
    state: str
    amount: Money
    currency: str


class TakenLine(Answers):
    line_id: str
    entry_reference: str
    state: str


class Imported(Answers):
    matched: int
    unmatched: int
    reversed: int
    duplicate: int
    lines: list[TakenLine]


class UnmatchedLine(Answers):
    line_id: str
    account: str
    entry_reference: str
    direction: str
    currency: str
    amount: Money
    booked_on: str
    payer: str
    remittance: str
    reason: str
    imported_at: str
    payer_account: str


class Unmatched(Answers):
    lines: list[UnmatchedLine]


class Assigned(Answers):
    line_id: str
    state: str
    organisation_id: str


class LineEnded(Answers):
    """What became of a line of the desk."""

    line_id: str
    state: str


class TrialRow(Answers):
    """The accounts of one purpose; those below zero in `debit`, the others in `credit`."""

    currency: str
    purpose: str
    accounts: int
    debit: Money
    credit: Money


class TrialTotal(Answers):
    """A currency's columns, which agree; `unbooked` has left the bank and waits on the desk."""

    currency: str
    debit: Money
    credit: Money
    unbooked: Money


class TrialBalance(Answers):
    rows: list[TrialRow]
    totals: list[TrialTotal]


class SentBack(Answers):
    """A payment, or with a `consent_id` and the state `waiting` what a second person agrees to."""

    line_id: str
    line_state: str
    consent_id: str | None
    payment_id: str | None
    reference: str | None
    state: str
    amount: Money
    currency: str


@route("GET", "/money", act="ledger.read", out=MoneyAnswer)
async def money(call: Call) -> Answer:
    """Show one's organisation's balances, holds, calls, payments and newest postings."""
    me, mine = call.actor, call.actor.organisation_id
    async with call.market.reading() as unit:
        statement = await ledger.statement(mine, reader=unit)
        paid_for = await deals_of([line.reference for line in statement], unit)
        return {
            "pay_in": pay_in_of(call),
            "deposit_reference": await queries.deposit_reference(mine, unit),
            "accounts": [asdict(view) for view in await queries.own_accounts(mine, unit)],
            "second_persons": [
                asdict(one)
                for one in await second_persons(
                    unit, mine, declared_by=me.person_id, declared_as=me.roles
                )
            ],
            "balances": [asdict(view) for view in await ledger.balances(mine, unit)],
            "holds": [asdict(view) for view in await ledger.pending_holds(mine, unit)],
            "calls": [asdict(view) for view in await queries.open_calls(mine, unit)],
            "payments": [asdict(view) for view in await queries.payments(mine, unit)],
            "statement": [
                {**asdict(line), "deal_id": paid_for.get(line.reference)} for line in statement
            ],
        }


@route("GET", "/money/statement.csv", act="ledger.read", query=StatementQuery, gives=(CSV,))
async def money_statement(call: Call) -> Download:
    """Export what moved on one's organisation's accounts, with running balances."""
    asked: StatementQuery = call.query
    since, until = asked.since or _FIRST, asked.until or _LAST
    found = await movements(call.actor.organisation_id, since, until)
    content = write_statement(found).encode("utf-8-sig")
    name = f"statement-{min(until, call.market.clock.now()):%Y%m%d}.csv"
    return Download(content, "text/csv; charset=utf-8", name)


@route("POST", "/payments", act="settlement.pay_out", body=PaymentBody, out=PaymentOrdered)
async def order_payment(call: Call) -> Outcome:
    """Have cash paid out to a verified account; it is final when the bank's statement shows it."""
    return await payouts.order(
        call.market,
        call.actor,
        call.command,
        amount_minor=call.body.amount,
        currency=CURRENCY,
        payee_account=call.body.payee_account,
    )


@route(
    "POST",
    "/bank/lines",
    act="settlement.import",
    body=BankLinesBody,
    text_types=(CSV, XML, TEXT_XML),
    max_bytes=MAX_IMPORT_BYTES,
    out=Imported,
)
async def import_bank_lines(call: Call) -> Outcome:
    """Take in a bank statement as JSON, CSV or camt.053; lines seen before change nothing."""
    if call.body is None:
        is_xml = call.text.lstrip().startswith("<")
        lines = read_camt(call.text) if is_xml else read_csv(call.text)
    else:
        lines = [
            statement_line(line.model_dump(), f"/lines/{at}")
            for at, line in enumerate(call.body.lines)
        ]
    return await banking.import_lines(call.market, call.actor, call.command, lines)


@route("GET", "/bank/unmatched", act="settlement.read", out=Unmatched)
async def unmatched_bank_lines(_: Call) -> Answer:
    """List the bank lines that wait for a person, oldest first."""
    return {"lines": [asdict(view) for view in await queries.unmatched()]}


@route(
    "POST",
    "/bank/unmatched/{line_id}/assign",
    act="settlement.assign",
    body=AssignBody,
    out=Assigned,
)
async def assign_bank_line(call: Call) -> Outcome:
    """Give an unmatched credit to the organisation it is for."""
    return await banking.assign(
        call.market, call.actor, call.command, call.path["line_id"], call.body.organisation_id
    )


@route(
    "POST",
    "/bank/unmatched/{line_id}/send-back",
    act="settlement.assign",
    body=SendBackBody,
    out=SentBack,
)
async def send_bank_line_back(call: Call) -> Outcome:
    """Order an unmatched credit to be paid back to who sent it.

    Where the bank told no account with the credit, two persons of the operator agree to one.
    """
    return await sending_back.send_back(
        call.market, call.actor, call.command, call.path["line_id"], call.body.payee_account
    )


@route("POST", "/bank/unmatched/{line_id}/charge", act="settlement.assign", out=LineEnded)
async def book_bank_charge(call: Call) -> Outcome:
    """Book a debit that nobody ordered as the bank's charge to the market."""
    return await banking.book_charge(call.market, call.actor, call.command, call.path["line_id"])


@route("POST", "/bank/unmatched/{line_id}/same-money", act="settlement.assign", out=LineEnded)
async def drop_same_money(call: Call) -> Outcome:
    """Drop a line that tells of money which another line has told already."""
    return await banking.same_money(call.market, call.actor, call.command, call.path["line_id"])


@route("GET", "/bank/trial-balance", act="settlement.read", out=TrialBalance)
async def trial_balance(_: Call) -> Answer:
    """Show what all accounts hold together, by currency and purpose."""
    found = await trial.trial_balance()
    unbooked = await queries.unbooked()
    return {
        "rows": [asdict(row) for row in found.rows],
        "totals": [
            {**asdict(total), "unbooked_minor": unbooked.get(total.currency, 0)}
            for total in found.totals
        ],
    }
