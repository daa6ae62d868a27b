"""The trial balance: what all accounts hold, by currency and purpose, in two columns that agree.

An account below zero stands in the first column, as the bank's does, which is seen from its other
side; one above zero in the second. Sums over all firms; no firm's own figure is told, and what is
held is not summed at all: it would tell a deposit, and so a limit, by how it grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.journal.reading import Mechanism


@dataclass(frozen=True, slots=True)
class TrialRow:
    """The accounts of one purpose in one currency."""

    currency: str
    purpose: str
    accounts: int
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialTotal:
    """The sums of a currency's two columns."""

    currency: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    rows: tuple[TrialRow, ...]
    totals: tuple[TrialTotal, ...]


async def trial_balance() -> TrialBalance:
    """Return the rows in order of currency and purpose, and the sums of each currency."""
    found = await Mechanism().rows(
        "select currency, purpose, count(*) as accounts,"
        " sum(greatest(-balance_minor, 0))::bigint as debit_minor,"
        " sum(greatest(balance_minor, 0))::bigint as credit_minor"
        " from account group by currency, purpose order by currency, purpose"
    )
    rows = tuple(TrialRow(**dict(row)) for row in found)
    currencies = sorted({row.currency for row in rows})
    return TrialBalance(rows, tuple(_total(rows, currency) for currency in currencies))


def _total(rows: Sequence[TrialRow], currency: str) -> TrialTotal:
    mine = [row for row in rows if row.currency == currency]
    return TrialTotal(
        currency, sum(row.debit_minor for row in mine), sum(row.credit_minor for row in mine)
    )
