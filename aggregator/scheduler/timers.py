"""Setting timers, and taking those that are due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.journal.reading import Pool
from aggregator.market import Unit

AGAIN = timedelta(seconds=10)
LONGEST_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class Due:
    """A timer to ring; `again_at` is when it rings again unless it is done by then."""

    kind: str
    key: str
    due_at: datetime
    again_at: datetime


async def set_timer(unit: Unit, kind: str, key: str, due_at: datetime) -> None:
    """Ring `kind` for `key` at `due_at`, in place of any earlier setting."""
    await unit.execute(
        "insert into timer (kind, key, due_at) values ($1, $2, $3)"
        " on conflict (kind, key) do update set due_at = excluded.due_at, attempts = 0",
        kind,
        key,
        due_at,
    )


async def set_timers(unit: Unit, kind: str, keys: Sequence[str], due_at: datetime) -> None:
    """Ring `kind` for each of `keys` at `due_at`, in place of any earlier setting."""
    await unit.execute(
        "insert into timer (kind, key, due_at) select $1, key, $3 from unnest($2::text[]) as key"
        " on conflict (kind, key) do update set due_at = excluded.due_at, attempts = 0",
        kind,
        list(keys),
        due_at,
    )


async def clear_timers(unit: Unit, kinds: Sequence[str], keys: Sequence[str]) -> None:
    await unit.execute(
        "delete from timer where kind = any($1::text[]) and key = any($2::text[])",
        list(kinds),
        list(keys),
    )


async def is_set(unit: Unit, kind: str, key: str) -> bool:
    return bool(await unit.rows("select 1 from timer where kind = $1 and key = $2", kind, key))


async def clear_timer(unit: Unit, kind: str, key: str) -> None:
    await unit.execute("delete from timer where kind = $1 and key = $2", kind, key)


async def next_due_at() -> datetime | None:
    """Return when the earliest timer rings, or None."""
    found = await Pool().rows("select min(due_at) as at from timer")
    due_at: datetime | None = found[0]["at"]
    return due_at


async def claim_due(now: datetime, kinds: Collection[str], *, limit: int = 50) -> Sequence[Due]:
    """Return timers due at `now`, pushed off so that no other process rings them meanwhile.

    A timer stays in its row until `done` removes it: a process that dies while ringing
    leaves it to be rung again after 10 s, and after about ten minutes once it has failed
    often. No timer is ever given up: deposits and deadlines hang on it.
    """
    found = await Pool().rows(
        "update timer t set attempts = attempts + 1,"
        " due_at = $1 + $2::interval * (1 << least(t.attempts, $5)) from ("
        "  select kind, key, due_at from timer where due_at <= $1 and kind = any($4::text[])"
        "  order by due_at, kind, key limit $3 for update skip locked) d"
        " where t.kind = d.kind and t.key = d.key"
        " returning t.kind, t.key, d.due_at as due_at, t.due_at as again_at",
        now,
        AGAIN,
        limit,
        sorted(kinds),
        LONGEST_DOUBLINGS,
    )
    return sorted(
        (Due(row["kind"], row["key"], row["due_at"], row["again_at"]) for row in found),
        key=lambda due: (due.due_at, due.kind, due.key),
    )


async def done(rung: Sequence[Due]) -> None:
    """Remove timers that have rung, unless they were set anew or claimed again meanwhile."""
    await Pool().rows(
        "delete from timer t using unnest($1::text[], $2::text[], $3::timestamptz[])"
        " as rung (kind, key, due_at)"
        " where t.kind = rung.kind and t.key = rung.key and t.due_at = rung.due_at"
        " and t.attempts > 0 returning t.kind",
        [due.kind for due in rung],
        [due.key for due in rung],
        [due.again_at for due in rung],
    )
