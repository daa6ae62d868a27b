"""Statement lines of a bank, as values, and the CSV file that carries them.

The CSV's first row names the columns:
`account,entry_reference,direction,amount,currency,booked_on,payer,remittance`, and where the bank
tells them `payer_account,payer_bank` behind.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from aggregator.amounts import DECIMALS, decimal_text, minor_of
from aggregator.errors import InvalidField
from aggregator.settlement.account_numbers import plain_name, plain_number, told_number

CREDIT, DEBIT = "credit", "debit"
COLUMNS = (
    "account",
    "entry_reference",
    "direction",
    "amount",
    "currency",
    "booked_on",
    "payer",
    "remittance",
)
_WIDE = (*COLUMNS, "payer_account", "payer_bank")
MAX_LINES = 2_000
_NAME = re.compile(r"[!-~]{1,64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LENGTHS = {"payer": 140, "remittance": 500}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One entry of a bank account. The bank's entry reference names it within the account.

    Of an account, as of a payer's, only letters and digits count, in capitals: one format of a
    statement groups them with spaces or signs, another does not, and it is the same money.
    """

    account: str
    entry_reference: str
    direction: str
    amount_minor: int
    currency: str
    booked_on: date
    payer: str
    remittance: str
    payer_account: str = ""
    payer_bank: str = ""


def statement_line(fields: dict[str, str], pointer: str) -> StatementLine:
    """Return the line that its texts describe; the last two may be left out.

    Raises:
        InvalidField: one of them breaks its rule; `pointer` leads to the line.

    """
    for name in ("account", "entry_reference"):
        if not _NAME.fullmatch(fields[name]):
            raise InvalidField(f"{pointer}/{name}", "pattern", _NAME.pattern)
    account = plain_name(fields["account"])
    if not account:
        raise InvalidField(f"{pointer}/account", "pattern", _NAME.pattern)
    if fields["direction"] not in (CREDIT, DEBIT):
        raise InvalidField(f"{pointer}/direction", "one_of", "credit, debit")
    if fields["currency"] not in DECIMALS:
        raise InvalidField(f"{pointer}/currency", "one_of", ", ".join(DECIMALS))
    for name, at_most in _LENGTHS.items():
        if len(fields[name]) > at_most:
            raise InvalidField(f"{pointer}/{name}", "max_length", at_most)
        if "\x00" in fields[name]:
            raise InvalidField(f"{pointer}/{name}", "plain_text")
    amount_minor = minor_of(fields["amount"], fields["currency"], pointer=f"{pointer}/amount")
    if amount_minor == 0:
        raise InvalidField(f"{pointer}/amount", "more_than", 0)
    return StatementLine(
        account=account,
        entry_reference=fields["entry_reference"],
        direction=fields["direction"],
        amount_minor=amount_minor,
        currency=fields["currency"],
        booked_on=_day(fields["booked_on"], f"{pointer}/booked_on"),
        payer=fields["payer"],
        remittance=fields["remittance"],
        payer_account=told_number(fields.get("payer_account", "")),
        payer_bank=plain_number(fields.get("payer_bank", "")),
    )


def read_csv(text: str) -> list[StatementLine]:
    """Return the lines of a CSV statement: all of them, or none.

    Raises:
        InvalidField: the columns, or a cell, break a rule.

    """
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except csv.Error as error:
        raise InvalidField("/lines", "csv", str(error)[:80]) from None
    if rows and not text.endswith("\n"):
        # Cut within its last cell, a line would pass for whole.
        raise InvalidField("/lines", "line_end", len(rows) - 1)
    columns = rows[0] if rows else []
    _check_header(columns)
    found = []
    for at, row in enumerate(rows[1:]):
        if len(row) != len(columns):
            raise InvalidField(f"/lines/{at}", "columns", ",".join(columns))
        found.append(statement_line(dict(zip(columns, row, strict=True)), f"/lines/{at}"))
    return found


def _check_header(found: Sequence[str]) -> None:
    """Refuse a first row that is not one of the two headers, and say what it lacks.

    Raises:
        InvalidField: a column is missing, unknown, twice there or out of order.

    """
    is_wide = not set(_WIDE[len(COLUMNS) :]).isdisjoint(found)
    wanted = _WIDE if is_wide else COLUMNS
    if tuple(found) == wanted:
        return
    header = ",".join(wanted)
    missing = ", ".join(name for name in wanted if name not in found)
    unknown = ", ".join(" ".join(name.split())[:40] or '""' for name in found if name not in _WIDE)
    if set(wanted).isdisjoint(found):
        rule = f"a first line with the names of the columns: {header}"
    elif missing and unknown:
        rule = f"the missing columns {missing} and not {unknown[:200]}; the first line is {header}"
    elif missing:
        rule = f"the missing columns {missing}; the first line is {header}"
    elif unknown:
        rule = f"no columns {unknown[:200]}; the first line is {header}"
    else:
        rule = f"each column once, in this order: {header}"
    raise InvalidField("/lines", rule)


def write_csv(lines: Sequence[StatementLine]) -> str:
    """Return the CSV statement that `read_csv` reads."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_WIDE)
    writer.writerows(texts_of(line).values() for line in lines)
    return out.getvalue()


def texts_of(line: StatementLine) -> dict[str, str]:
    """Return a line as the texts that a statement carries."""
    return {
        "account": line.account,
        "entry_reference": line.entry_reference,
        "direction": line.direction,
        "amount": decimal_text(line.amount_minor, line.currency),
        "currency": line.currency,
        "booked_on": line.booked_on.isoformat(),
        "payer": line.payer,
        "remittance": line.remittance,
        "payer_account": line.payer_account,
        "payer_bank": line.payer_bank,
    }


def _day(text: str, pointer: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidField(pointer, "day", text[:20]) from None
