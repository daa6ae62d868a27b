"""Reading facts back, in order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tortoise import connections

from aggregator.db import walls
from aggregator.db.faults import FULL, LOST
from aggregator.errors import DiskFull, TryAgain
from aggregator.journal.facts import fact_of
from matching.values import value

EVENTS = ("auction:", "pool:", "strip:", "prices")
"""What the streams of events begin with."""


@value
class Entry:
    """One fact where it stands. `hash` chains it to all before it in the stream."""

    stream: str
    seq: int
    at: datetime
    fact: Any
    actor: str
    hash: bytes


class Reader(Protocol):
    """What can run a query: a `Unit`, or the pool."""

    async def rows(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]: ...


class Pool:
    """Queries outside any unit, each on a connection of its own.

    They read, or write what may be written twice; so where the database is away, the answer
    is to try again. In a task that reads for somebody they see what he may see.
    """

    def _viewer(self) -> walls.Viewer | None:
        return walls.viewer()

    async def rows(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        viewer = self._viewer()
        try:
            if viewer is not None:
                return await walls.rows(viewer, sql, args)
            found: Sequence[Mapping[str, Any]] = await connections.get(
                "default"
            ).execute_query_dict(sql, list(args))
        except FULL as error:
            raise DiskFull from error
        except LOST as error:
            raise TryAgain from error
        return found


class Mechanism(Pool):
    """Queries past the wall: what many firms' rows come to, shown as an event's rules allow.

    Each use of it is listed, with its reason, in the test of the walls.
    """

    def _viewer(self) -> walls.Viewer | None:
        return None


async def entries(
    reader: Reader | None, stream: str, *, after: int = 0, limit: int = 100_000
) -> list[Entry]:
    """Return the entries of `stream` with seq > `after`, oldest first.

    An event's facts are many firms': the market reads and folds them whoever asks.
    """
    return [entry for entry, _ in await chained(reader, stream, after=after, limit=limit)]


async def chained(
    reader: Reader | None, stream: str, *, after: int = 0, limit: int = 100_000
) -> list[tuple[Entry, dict[str, Any]]]:
    """Return `entries` with the bodies that were hashed; facts may have gained fields since."""
    source = reader or Pool()
    if isinstance(source, Pool) and stream.startswith(EVENTS):
        source = Mechanism()
    found = await source.rows(
        "select stream, seq, kind, body, at, actor, hash from journal"
        " where stream = $1 and seq > $2 order by seq limit $3",
        stream,
        after,
        limit,
    )
    return [_entry_of(row) for row in found]


def _entry_of(row: Mapping[str, Any]) -> tuple[Entry, dict[str, Any]]:
    body = decoded(row["body"])
    entry = Entry(
        stream=row["stream"],
        seq=row["seq"],
        at=row["at"],
        fact=fact_of(row["kind"], body),
        actor=row["actor"],
        hash=bytes(row["hash"]),
    )
    return entry, body


def decoded(value: Any) -> Any:
    """Return a jsonb column as a value, whether or not the driver decoded it."""
    return json.loads(value) if isinstance(value, str | bytes) else value
