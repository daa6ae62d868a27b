"""Writing facts: the stream's head is locked, so the order is the database's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aggregator.journal.facts import body_of, canonical, stamp
from aggregator.journal.reading import Entry

GENESIS = bytes(32)


@dataclass(slots=True)
class Head:
    """The end of a stream, locked by the open transaction."""

    stream: str
    seq: int
    at: datetime
    hash: bytes


class Writer(Protocol):
    async def rows(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]: ...

    async def execute(self, sql: str, *args: object) -> None: ...


async def lock_head(writer: Writer, stream: str, now: datetime) -> Head:
    """Lock the head of `stream`, making it on first use."""
    query = "select seq, at, hash from stream_head where stream = $1 for update"
    found = await writer.rows(query, stream)
    if not found:
        await writer.execute(
            "insert into stream_head (stream, seq, at, hash) values ($1, 0, $2, $3)"
            " on conflict do nothing",
            stream,
            now,
            GENESIS,
        )
        found = await writer.rows(query, stream)
    row = found[0]
    return Head(stream, row["seq"], row["at"], bytes(row["hash"]))


async def append(
    writer: Writer,
    head: Head,
    facts: Sequence[object],
    *,
    now: datetime,
    actor: str,
    command: str | None,
) -> list[Entry]:
    """Append `facts` behind `head` and move it."""
    made: list[Entry] = []
    at = max(now, head.at)
    for fact in facts:
        body, kind = body_of(fact), type(fact).__name__
        seq = head.seq + 1
        chained = chain_hash(head.hash, head.stream, seq, kind, body, at)
        await writer.execute(
            "insert into journal (stream, seq, kind, body, at, actor, command, hash)"
            " values ($1, $2, $3, $4::jsonb, $5, $6, $7, $8)",
            head.stream,
            seq,
            kind,
            json.dumps(body, ensure_ascii=False),
            at,
            actor,
            command,
            chained,
        )
        head.seq, head.at, head.hash = seq, at, chained
        made.append(Entry(head.stream, seq, at, fact, actor, chained))
    await writer.execute(
        "update stream_head set seq = $2, at = $3, hash = $4 where stream = $1",
        head.stream,
        head.seq,
        head.at,
        head.hash,
    )
    return made


def chain_hash(
    previous: bytes, stream: str, seq: int, kind: str, body: dict[str, Any], at: datetime
) -> bytes:
    """Return SHA-256(previous hash ‖ canonical JSON of the entry)."""
    entry = {"stream": stream, "seq": seq, "kind": kind, "body": body, "at": stamp(at)}
    return hashlib.sha256(previous + canonical(entry)).digest()
