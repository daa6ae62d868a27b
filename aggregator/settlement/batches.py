"""Money that one statement tells as a whole and another one by its parts.

A bank books several payments as one entry `X`. A statement that tells them apart brings them as
`X/1`, `X/2` and so on; another one, or another format of the same, brings `X` alone. Where the sums
agree it is the same money and counts once. Where they do not, nobody can tell by the file, and a
person says whether it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from aggregator.market import Unit
from aggregator.settlement.statements import StatementLine

NEW, SAME, UNCLEAR = "new", "same", "unclear"
_PART = re.compile(r"(.+)/[1-9][0-9]{0,3}")

Sums = Mapping[tuple[str, str, str, str], int]


def batch_of(entry_reference: str) -> str | None:
    """Return the entry that a line is a part of, or None."""
    found = _PART.fullmatch(entry_reference)
    return found[1] if found else None


def sums_of(lines: Sequence[StatementLine]) -> Sums:
    """Return what a statement tells of each batch by its parts."""
    told: Counter[tuple[str, str, str, str]] = Counter()
    seen = set[tuple[str, str]]()
    for line in lines:
        batch = batch_of(line.entry_reference)
        if batch is not None and (line.account, line.entry_reference) not in seen:
            seen.add((line.account, line.entry_reference))
            told[(line.account, batch, line.direction, line.currency)] += line.amount_minor
    return told


async def judged(unit: Unit, line: StatementLine, told: Sums) -> str:
    """Tell whether a line that is not known itself is money that is known otherwise."""
    known = await _parts(unit, line)
    if known:
        return SAME if known == {(line.direction, line.currency): line.amount_minor} else UNCLEAR
    batch = batch_of(line.entry_reference)
    whole = None
    if batch is not None:
        whole = await unit.row(
            "select direction, currency, amount_minor from bank_line"
            " where account = $1 and entry_reference = $2",
            line.account,
            batch,
        )
    if whole is None:
        return NEW
    named = (line.account, batch or "", whole["direction"], whole["currency"])
    is_same = (line.direction, line.currency) == (whole["direction"], whole["currency"])
    return SAME if is_same and told.get(named) == whole["amount_minor"] else UNCLEAR


async def _parts(unit: Unit, line: StatementLine) -> dict[tuple[str, str], int]:
    """Return what is known of an entry by its parts."""
    found = await unit.rows(
        "select direction, currency, sum(amount_minor)::bigint as amount_minor from bank_line"
        " where account = $1 and batch = $2 group by direction, currency",
        line.account,
        line.entry_reference,
    )
    return {(row["direction"], row["currency"]): row["amount_minor"] for row in found}
