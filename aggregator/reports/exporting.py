"""The owner's report as tables for a spreadsheet, the deals one by one with their comparators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from aggregator.amounts import decimal_text
from aggregator.journal.facts import stamp
from aggregator.market import Actor
from aggregator.reports import queries
from aggregator.spreadsheets.separated import write_as_it_is
from aggregator.spreadsheets.tables import as_text

Part = Literal["deals", "people", "acts", "mandates"]
PARTS: tuple[Part, ...] = get_args(Part)

_COLUMNS: Mapping[Part, tuple[str, ...]] = {
    "deals": (
        *("settled_at", "deal_id", "side", "cell", "currency", "lots", "goods_minor"),
        *("compared_minor", "before_minor", "gain_own_minor"),
        *("published_minor", "gain_published_minor"),
    ),
    "people": (
        *("person_id", "person", "roles", "log_ins", "last_seen_at", "done", "refused"),
        "answers_in_minutes",
    ),
    "acts": ("act", "done", "refused"),
    "mandates": (
        *("mandate_id", "person", "acts", "state", "currency"),
        *("total_minor", "used_minor", "left_minor", "ends_at"),
    ),
}


async def report_csv(actor: Actor, now: datetime, *, days: int, part: Part) -> bytes:
    """Return one table of the report as CSV; amounts are decimal text, instants in UTC."""
    if part == "deals":
        rows = await queries.deals(actor, now, days=days)
    else:
        rows = (await queries.report(actor, now, days=days))[part]
    columns = _COLUMNS[part]
    header = [name.removesuffix("_minor") for name in columns]
    cells = ([_cell(name, row[name], row.get("currency", "")) for name in columns] for row in rows)
    return write_as_it_is([header, *cells])


def _cell(name: str, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if name.endswith("_minor"):
        return decimal_text(value, currency)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return as_text(" ".join(value))
    return as_text(str(value))
