"""Statements of one organisation: what it had, what moved, what it has, account by account."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.amounts import decimal_text
from aggregator.errors import InvalidField
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool, Reader

MAX_LINES = 20_000
COLUMNS = ("account", "currency", "at", "transfer", "kind", "reference", "amount", "balance")


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting, signed, and the account's balance after it."""

    account_id: str
    currency: str
    at: datetime
    transfer_id: str
    kind: str
    reference: str
    amount_minor: int
    balance_minor: int


async def movements(
    organisation_id: str, since: datetime, until: datetime, reader: Reader | None = None
) -> list[Movement]:
    """Return the postings of the organisation's accounts in `[since, until)`, oldest first.

    Each account's balance runs over everything that ever moved on it.

    Raises:
        InvalidField: there are more than one statement can hold.

    """
    found = await (reader or Pool()).rows(
        "select * from (select p.account_id, p.currency, t.at, t.id as transfer_id, t.kind,"
        "  t.reference, p.amount_minor, sum(p.amount_minor) over (partition by p.account_id"
        "  order by t.at, t.id, p.line)::bigint as balance_minor from posting p"
        "  join transfer t on t.id = p.transfer_id join account a on a.id = p.account_id"
        "  where a.organisation_id = $1) as moved where at >= $2 and at < $3"
        " order by account_id, at, transfer_id limit $4",
        organisation_id,
        since,
        until,
        MAX_LINES + 1,
    )
    if len(found) > MAX_LINES:
        raise InvalidField("/since", "max_items", MAX_LINES)
    return [Movement(**dict(row)) for row in found]


def write_statement(lines: Sequence[Movement]) -> str:
    """Return a statement as CSV; opening balances are the first balance less its amount."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow(
            [
                line.account_id,
                line.currency,
                stamp(line.at),
                line.transfer_id,
                line.kind,
                line.reference,
                decimal_text(line.amount_minor, line.currency),
                decimal_text(line.balance_minor, line.currency),
            ]
        )
    return out.getvalue()
