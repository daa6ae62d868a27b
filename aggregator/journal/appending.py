"""Writing facts: the stream's head is locked, so the order is the database's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from aggregator.db.calls import Call, documents, micros, numbers, texts
from aggregator.journal.facts import canonical, canonical_body, stamp
from aggregator.journal.reading import Entry

GENESIS = bytes(32)


@dataclass(slots=True)
class Head:
    """The end of a stream, locked by the open transaction."""

    stream: str
    seq: int
    at: datetime
    hash: bytes


class Line(NamedTuple):
    """An entry as it will be written."""

    entry: Entry
    kind: str
    body: bytes
    command: str | None
    link: bytes
    """The hash of the entry before it in the stream."""


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


async def lock_heads(writer: Writer, streams: Sequence[str], now: datetime) -> dict[str, Head]:
    """Lock the heads of `streams` in the order of their names, making those that are not there."""
    await writer.execute(
        "insert into stream_head (stream, seq, at, hash) select s, 0, $2, $3"
        " from unnest($1::text[]) s order by s on conflict do nothing",
        sorted(streams),
        now,
        GENESIS,
    )
    found = await writer.rows(
        "select stream, seq, at, hash from stream_head where stream = any($1::text[])"
        " order by stream for update",
        sorted(streams),
    )
    return _heads(found)


async def lock_free_heads(writer: Writer, streams: Sequence[str]) -> dict[str, Head]:
    """Lock those heads of `streams` that exist and that nobody else has locked."""
    found = await writer.rows(
        "select stream, seq, at, hash from stream_head where stream = any($1::text[])"
        " order by stream for update skip locked",
        list(streams),
    )
    return _heads(found)


def _heads(rows: Sequence[Mapping[str, Any]]) -> dict[str, Head]:
    return {
        row["stream"]: Head(row["stream"], row["seq"], row["at"], bytes(row["hash"]))
        for row in rows
    }


def chained(
    head: Head, facts: Sequence[object], *, now: datetime, actor: str, command: str | None
) -> list[Line]:
    """Put `facts` behind `head`, which moves; nothing is written yet."""
    at = now if now > head.at else head.at
    stream, seq, link = head.stream, head.seq, head.hash
    made = []
    for fact in facts:
        kind, body, before = type(fact).__name__, canonical_body(fact), link
        seq += 1
        link = _linked(before, stream, seq, kind, body, at)
        entry = Entry(stream, seq, at, fact, actor, link)
        made.append(Line(entry, kind, body, command, before))
    head.seq, head.at, head.hash = seq, at, link
    return made


def appended(lines: Sequence[Line], unmoved: Sequence[Head] = ()) -> Call:
    """Return the call that writes lines and moves their streams' heads.

    It is refused, and with it its transaction, where a stream does not end in the entry before
    its first line, or is somebody else's, or where one of `unmoved` has moved.
    """
    first, last = dict[str, Line](), dict[str, Entry]()
    for line in lines:
        first.setdefault(line.entry.stream, line)
        last[line.entry.stream] = line.entry
    before = [line.entry.seq - 1 for line in first.values()]
    ends: list[Entry | Head] = [*last.values(), *unmoved]
    return (
        "journal_append",
        texts([*first, *(head.stream for head in unmoved)]),
        numbers([*before, *(head.seq for head in unmoved)]),
        numbers([end.seq for end in ends]),
        numbers([micros(end.at) for end in ends]),
        b"".join([*(line.link for line in first.values()), *(head.hash for head in unmoved)]),
        b"".join([end.hash for end in ends]),
        texts([line.entry.stream for line in lines]),
        numbers([line.entry.seq for line in lines]),
        texts([line.kind for line in lines]),
        numbers([micros(line.entry.at) for line in lines]),
        texts([line.entry.actor for line in lines]),
        texts([line.command or "" for line in lines]),
        documents([line.body for line in lines]),
        b"".join([line.entry.hash for line in lines]),
    )


def chain_hash(
    previous: bytes, stream: str, seq: int, kind: str, body: dict[str, Any], at: datetime
) -> bytes:
    """Return SHA-256(previous hash ‖ canonical JSON of the entry)."""
    return _linked(previous, stream, seq, kind, canonical(body), at)


def _linked(previous: bytes, stream: str, seq: int, kind: str, body: bytes, at: datetime) -> bytes:
    # The entry's own keys, in their order, around the body that is canonical already.
    before, between, after = _around(stream, kind, at)
    return sha256(b"%b%b%b%b%d%b" % (previous, before, body, between, seq, after)).digest()


@lru_cache(maxsize=256)
def _around(stream: str, kind: str, at: datetime) -> tuple[bytes, bytes, bytes]:
    return (
        b'{"at":%b,"body":' % canonical(stamp(at)),
        b',"kind":%b,"seq":' % canonical(kind),
        b',"stream":%b}' % canonical(stream),
    )
