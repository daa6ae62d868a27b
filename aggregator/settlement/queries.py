"""Reading calls, refunds and payments of one organisation, and the operator's desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, Reader
from aggregator.parties.queries import organisation
from aggregator.settlement import own_accounts as own

MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class CallView:
    """Money that is due: pay it under `reference`; `paid_minor` came before."""

    reference: str
    escrow: str
    currency: str
    amount_minor: int
    paid_minor: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment out; `message_id` is of the file for the bank that it stands in."""

    payment_id: str
    reference: str
    organisation_id: str | None
    payee: str
    currency: str
    amount_minor: int
    payee_account: str
    state: str
    ordered_at: datetime
    message_id: str | None


@dataclass(frozen=True, slots=True)
class PaymentFileView:
    """A file of payments that was made for the bank."""

    message_id: str
    account: str
    currency: str
    payments: int
    amount_minor: int
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class RefundView:
    """What is owed back under a reference; `payer_id` is None for the market itself."""

    reference: str
    payer_id: str | None
    payee_id: str
    currency: str
    amount_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class BankLineView:
    """A line on the desk, with what the bank has not taken back of it."""

    line_id: str
    account: str
    entry_reference: str
    direction: str
    currency: str
    amount_minor: int
    booked_on: date
    payer: str
    remittance: str
    reason: str
    imported_at: datetime
    payer_account: str


@dataclass(frozen=True, slots=True)
class OwnAccountView:
    """A bank account of one's firm; paid out to once it is verified, from `usable_at` on.

    While it is proposed it waits for one of `waits_for`, who may be nobody.
    """

    account_id: str
    number: str
    bank_code: str
    state: str
    declared_by: str
    waits_for: Sequence[own.SecondPerson]
    declared_at: datetime
    confirmed_by: str | None
    usable_at: datetime | None
    verified_at: datetime | None


async def deposit_reference(organisation_id: str, reader: Reader | None = None) -> str:
    """Return what an organisation writes on its bank transfers to the market."""
    return (await organisation(organisation_id, reader)).deposit_reference


async def open_calls(organisation_id: str, reader: Reader | None = None) -> list[CallView]:
    """Return what an organisation is called for, most urgent first."""
    found = await (reader or Pool()).rows(
        "select reference, escrow, currency, amount_minor - paid_minor as amount_minor, paid_minor,"
        " due_at from money_call"
        " where organisation_id = $1 and state = 'open' order by due_at, reference limit $2",
        organisation_id,
        MAX_ROWS,
    )
    return [CallView(**dict(row)) for row in found]


async def left_of(reference: str, reader: Reader | None = None) -> int:
    """Return what is still to be paid of a call, 0 where none is open."""
    found = await (reader or Pool()).rows(
        "select amount_minor - paid_minor as left_minor from money_call"
        " where reference = $1 and state = 'open'",
        reference,
    )
    return int(found[0]["left_minor"]) if found else 0


async def payments(organisation_id: str | None, reader: Reader | None = None) -> list[PaymentView]:
    """Return an organisation's payments, newest first; of everybody, those still ordered."""
    found = await (reader or Pool()).rows(
        "select id as payment_id, reference, organisation_id, payee, currency, amount_minor,"
        " payee_account, state, ordered_at, message_id from payment_out"
        " where organisation_id = $1 or ($1::text is null and state = 'ordered')"
        " order by ordered_at desc, id desc limit $2",
        organisation_id,
        MAX_ROWS,
    )
    return [PaymentView(**dict(row)) for row in found]


async def payment_files(reader: Reader | None = None) -> list[PaymentFileView]:
    """Return the files that were made for the bank, newest first."""
    found = await (reader or Pool()).rows(
        "select message_id, account, currency, payments, amount_minor,"
        " coalesce(p.name, '') as made_by, made_at"
        " from payment_file left join person p on p.id = made_by"
        " order by made_at desc, message_id desc limit $1",
        MAX_ROWS,
    )
    return [PaymentFileView(**dict(row)) for row in found]


async def payment_file(message_id: str, reader: Reader | None = None) -> str:
    """Return a file as it was made, or raise NotFound."""
    found = await (reader or Pool()).rows(
        "select content from payment_file where message_id = $1", message_id
    )
    if not found:
        raise NotFound("payment_file")
    return str(found[0]["content"])


async def refunds(references: list[str], reader: Reader | None = None) -> dict[str, RefundView]:
    """Return refunds by the reference they are owed under."""
    found = await (reader or Pool()).rows(
        "select reference, payer_id, payee_id, currency, amount_minor, state from refund"
        " where reference = any($1::text[])",
        references,
    )
    return {row["reference"]: RefundView(**dict(row)) for row in found}


async def unmatched(reader: Reader | None = None) -> list[BankLineView]:
    """Return the bank lines that wait for a person, oldest first."""
    found = await (reader or Pool()).rows(
        "select id as line_id, account, entry_reference, direction, currency,"
        " amount_minor - taken_back_minor as amount_minor, booked_on, payer, remittance, reason,"
        " imported_at, payer_account from bank_line"
        " where state = 'unmatched'"
        " order by imported_at, id limit $1",
        MAX_ROWS,
    )
    return [BankLineView(**dict(row)) for row in found]


async def own_accounts(organisation_id: str, reader: Reader | None = None) -> list[OwnAccountView]:
    """Return a firm's bank accounts that have not ended, in the order they were declared."""
    asked = reader or Pool()
    found = await asked.rows(
        "select a.id as account_id, number, bank_code, state, declared_by as person_id,"
        " coalesce(d.name, '') as declared_by, declared_as, declared_at,"
        " c.name as confirmed_by, usable_at, verified_at from bank_account a"
        " left join person d on d.id = declared_by left join person c on c.id = confirmed_by"
        " where organisation_id = $1 and state <> 'ended' order by declared_at, a.id",
        organisation_id,
    )
    shown = []
    for row in map(dict, found):
        by, roles = row.pop("person_id"), row.pop("declared_as")
        others = (
            []
            if row["state"] != own.PROPOSED
            else await own.second_persons(asked, organisation_id, declared_by=by, declared_as=roles)
        )
        shown.append(OwnAccountView(**row, waits_for=others))
    return shown


async def unbooked(reader: Reader | None = None) -> dict[str, int]:
    """Return by currency what the bank has paid out that nothing here answers for yet.

    The bank's own balance is that of its account here less this.
    """
    found = await (reader or Pool()).rows(
        "select currency, sum(amount_minor)::bigint as amount_minor from bank_line"
        " where state = 'unmatched' and direction = 'debit' group by currency"
    )
    return {row["currency"]: row["amount_minor"] for row in found}
