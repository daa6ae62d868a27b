"""Payments out: ordered by an organisation's finance, final when the bank shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.errors import InsufficientFunds, InvalidField, NotFound
from aggregator.ledger import accounts, holds, transfers
from aggregator.ledger.accounts import BANK, CASH, SUSPENSE
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.queries import organisation
from aggregator.settlement import own_accounts, refunds
from aggregator.settlement.account_numbers import plain_number
from aggregator.settlement.facts import PaymentMade, PaymentOrdered
from matching.money import MAX_TOTAL_MINOR

ORDERED, PAID, FAILED = "ordered", "paid", "failed"
_REFERENCE = re.compile(r"(?<![A-Z0-9])P[0-9A-HJKMNP-TV-Z]{12}(?![A-Z0-9])")
_ACCOUNT = re.compile(r"[A-Za-z0-9 ]{4,34}")
_LENGTH = 12
_COLUMNS = "id, reference, organisation_id, line_id, currency, amount_minor, hold_id, state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A payment of an organisation's cash, or of a bank line's money to where it came from."""

    organisation_id: str | None
    line_id: str | None
    payee: str
    payee_account: str
    payee_bank: str = ""
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment out. The bank is asked to carry `reference` in its remittance text."""

    id: str
    reference: str
    organisation_id: str | None
    line_id: str | None
    currency: str
    amount_minor: int
    hold_id: str
    state: str


async def order(
    market: Market,
    actor: Actor,
    command: Command,
    *,
    amount_minor: int,
    currency: str,
    payee_account: str,
) -> Outcome:
    """Order a payment of the organisation's cash to a verified bank account of its own.

    What it owes back stays, or it could always pay out before the next refund is tried.

    Raises:
        InvalidField: the amount or the account breaks its rule.
        Conflict: the account is none that the firm may be paid out to.
        InsufficientFunds: less than that is available beside what is owed.

    """
    if not 1 <= amount_minor <= MAX_TOTAL_MINOR:
        raise InvalidField("/amount", "more_than", 0)
    check_account(payee_account)

    async def step(unit: Unit) -> Answer:
        payee = await organisation(actor.organisation_id, unit)
        own = await own_accounts.usable(unit, payee.id, plain_number(payee_account))
        cash = await accounts.ensure(unit, payee.id, CASH, currency)
        balance_minor, held_minor, _ = await accounts.lock(unit, cash)
        owed_minor = await refunds.owed_by(unit, payee.id, currency)
        free_minor = max(balance_minor - held_minor - owed_minor, 0)
        if amount_minor > free_minor:
            raise InsufficientFunds(amount_minor, free_minor, currency)
        wanted = Wanted(
            organisation_id=payee.id,
            line_id=None,
            payee=payee.name,
            payee_account=own["number"],
            payee_bank=own["bank_code"],
            amount_minor=amount_minor,
            currency=currency,
        )
        return await order_within(unit, cash, wanted)

    return await market.perform(actor, "settlement.pay_out", step, command=command)


async def order_within(unit: Unit, source: str, wanted: Wanted) -> Answer:
    """Hold the amount of a payment on its account and put it in line for the bank.

    Raises:
        InsufficientFunds: less than that is available.

    """
    payment_id = unit.new_id("pay")
    hold_id = await holds.place(unit, source, wanted.amount_minor, f"payment:{payment_id}")
    reference = "P" + payment_id[-_LENGTH:]
    await unit.execute(
        "insert into payment_out (id, reference, organisation_id, currency, amount_minor,"
        " payee_account, hold_id, state, ordered_at, payee, line_id, payee_bank)"
        " values ($1, $2, $3, $4, $5, $6, $7, 'ordered', $8, $9, $10, $11)",
        payment_id,
        reference,
        wanted.organisation_id,
        wanted.currency,
        wanted.amount_minor,
        wanted.payee_account,
        hold_id,
        unit.now,
        wanted.payee,
        wanted.line_id,
        wanted.payee_bank,
    )
    await unit.record(
        f"payment:{payment_id}",
        PaymentOrdered(payment_id, wanted.organisation_id, wanted.amount_minor, wanted.currency),
    )
    return {
        "payment_id": payment_id,
        "reference": reference,
        "state": ORDERED,
        "amount_minor": wanted.amount_minor,
        "currency": wanted.currency,
    }


def check_account(payee_account: str) -> None:
    """Raise InvalidField unless a bank could know this account."""
    if not _ACCOUNT.fullmatch(payee_account):
        raise InvalidField("/payee_account", "pattern", _ACCOUNT.pattern)


async def locked(unit: Unit, payment_id: str) -> Payment:
    """Return a payment, locked, or raise NotFound."""
    row = await unit.row(f"select {_COLUMNS} from payment_out where id = $1 for update", payment_id)
    if row is None:
        raise NotFound("payment")
    return Payment(**dict(row))


async def ordered_in(
    unit: Unit, remittance: str, *, amount_minor: int, currency: str
) -> Payment | None:
    """Return the ordered payment that a text names, if it is of exactly that amount."""
    return await _named_in(unit, remittance, (amount_minor, currency), f"state = '{ORDERED}'")


async def failed_in(
    unit: Unit, remittance: str, *, amount_minor: int, currency: str
) -> Payment | None:
    """Return what `ordered_in` returns, of the payments that a person noted as failed.

    One that sent a stray credit back is told only while that credit waits on the desk again,
    whole, and no other line has shown the payment.
    """
    return await _named_in(
        unit,
        remittance,
        (amount_minor, currency),
        f"state = '{FAILED}' and not exists (select from bank_line d where d.payment_id = p.id)"
        " and (line_id is null or exists (select from bank_line c where c.id = p.line_id"
        " and c.state = 'unmatched' and c.amount_minor - c.taken_back_minor = p.amount_minor))",
    )


async def _named_in(
    unit: Unit, remittance: str, amount: tuple[int, str], condition: str
) -> Payment | None:
    found = await unit.rows(
        f"select {_COLUMNS} from payment_out p where reference = any($1::text[])"
        f" and amount_minor = $2 and currency = $3 and {condition} for update",
        sorted(set(_REFERENCE.findall(remittance.upper()))),
        *amount,
    )
    return Payment(**dict(found[0])) if len(found) == 1 else None


async def make_final(unit: Unit, payment: Payment, *, stream: str) -> None:
    """Post a payment that the bank has made: the held cash leaves the market."""
    await holds.release_for_posting(unit, payment.hold_id)
    await post(unit, payment, stream=stream)


async def source_of(unit: Unit, payment: Payment) -> str:
    """Return the account that a payment is of."""
    purpose = SUSPENSE if payment.organisation_id is None else CASH
    return await accounts.ensure(unit, payment.organisation_id, purpose, payment.currency)


async def post(unit: Unit, payment: Payment, *, stream: str) -> None:
    """Let the amount of a payment leave the market out of what is free of its account.

    Raises:
        InsufficientFunds: less than that is free.

    """
    source = await source_of(unit, payment)
    bank = await accounts.ensure(unit, None, BANK, payment.currency)
    await transfers.post(
        unit,
        "bank.paid",
        payment.reference,
        [(source, -payment.amount_minor), (bank, payment.amount_minor)],
        key=f"payment:{payment.id}",
    )
    await end(unit, payment.id, PAID)
    fact = PaymentMade(payment.id, payment.organisation_id, payment.amount_minor, payment.currency)
    await unit.record(stream, fact)


async def end(unit: Unit, payment_id: str, state: str) -> None:
    """Note how a payment ended."""
    await unit.execute(
        "update payment_out set state = $2, ended_at = $3 where id = $1",
        payment_id,
        state,
        unit.now,
    )
