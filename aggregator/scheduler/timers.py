"""Setting timers, and taking those that are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.journal.reading import Pool
from aggregator.market import Unit

MAX_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Due:
    kind: str
    key: str
    due_at: datetime


async def set_timer(unit: Unit, kind: str, key: str, due_at: datetime) -> None:
    """Ring `kind` for `key` at `due_at`, in place of any earlier setting."""
    await unit.execute(
        "insert into timer (kind, key, due_at) values ($1, $2, $3)"
        " on conflict (kind, key) do update set due_at = excluded.due_at, attempts = 0",
        kind,
        key,
        due_at,
    )


async def clear_timer(unit: Unit, kind: str, key: str) -> None:
    await unit.execute("delete from timer where kind = $1 and key = $2", kind, key)


async def next_due_at() -> datetime | None:
    """Return when the earliest timer rings, or None."""
    found = await Pool().rows("select min(due_at) as at from timer")
    due_at: datetime | None = found[0]["at"]
    return due_at


async def claim_due(now: datetime, *, limit: int = 50) -> Sequence[Due]:
    """Return timers due at `now`, pushed off so that no other process rings them meanwhile.

    A timer stays in its row until `done` removes it: a process that dies while ringing
    leaves it to be rung again after 10 s.
    """
    found = await Pool().rows(
        "update timer t set attempts = attempts + 1, due_at = $2 from ("
        "  select kind, key, due_at from timer where due_at <= $1 and attempts < $4"
        "  order by due_at, kind, key limit $3 for update skip locked) d"
        " where t.kind = d.kind and t.key = d.key returning t.kind, t.key, d.due_at as due_at",
        now,
        now + timedelta(seconds=10),
        limit,
        MAX_ATTEMPTS,
    )
    return sorted(
        (Due(row["kind"], row["key"], row["due_at"]) for row in found),
        key=lambda due: (due.due_at, due.kind, due.key),
    )


async def done(due: Due, now: datetime) -> None:
    """Remove a timer that has rung, unless ringing set it anew."""
    await Pool().rows(
        "delete from timer where kind = $1 and key = $2 and due_at <= $3 and attempts > 0"
        " returning kind",
        due.kind,
        due.key,
        now + timedelta(seconds=10),
    )
