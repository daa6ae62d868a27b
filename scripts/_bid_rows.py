"""What a database takes for the rows of a bid alone: nobody decides, guards or waits.

A line of the journal, a command once for its id, and what a bidder's deposit sets aside, each by
its key, in tables with no other index, no reference, no check and no trigger; or the lines of a
commit as one page. A group goes in one statement and the next one after its commit, on one
connection, or half of it on each of two: the better counts. It tells what is left for everything
else; rows written in another way may take less.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from aggregator.db.calls import numbers

WARM, GROUPS, BIDDERS, MOST = 20, 200, 512, 256
FAR = 10**9
ENTRY, ANSWER = f'{{"entry":"{"x" * 207}"}}', f'{{"answer":"{"x" * 383}"}}'
"""As long as those of a bid of ours."""
MARK = "\x1f"

_TABLES = f"""
create table line_alone (stream text, seq bigint, body json, primary key (stream, seq));
create table page_alone (stream text, seq bigint, body text, primary key (stream, seq));
create table command_alone (firm text, id text, answer json, primary key (firm, id));
create table hold_alone (id text primary key, amount_minor bigint) with (fillfactor = 50);
insert into hold_alone select 'hold-' || n, 0 from generate_series(0, {BIDDERS - 1}) n;
"""
_GROUP = """
with commands as (
  insert into command_alone
    select unnest(texts_of($1)), unnest(texts_of($2)), unnest(texts_of($3))::json
), holds as (
  update hold_alone h set amount_minor = t.amount_minor
    from (select unnest(texts_of($4)) as id, unnest($5::text::bigint[]) as amount_minor) as t
    where h.id = t.id
)
"""
_LINES = """
insert into line_alone
  select 'auction:alone', $6 + n, body::json
    from unnest(texts_of($7)) with ordinality as t (body, n)
"""
_PAGE = "insert into page_alone values ('auction:alone', $6, $7)"


@dataclass(frozen=True)
class Rates:
    """Rows of so many bids a second: with a line of the journal each, and with a page for all."""

    lines: float
    page: float


async def rows_alone(dsn: str, sizes: list[int]) -> dict[int, Rates]:
    """Return the rates for as many bidders, at most `MOST` of whom share a commit."""
    connections = [await asyncpg.connect(dsn) for _ in range(2)]
    try:
        await connections[0].execute(_TABLES)
        return {
            size: Rates(
                await _best(connections, _GROUP + _LINES, size),
                await _best(connections, _GROUP + _PAGE, size),
            )
            for size in sizes
        }
    finally:
        for connection in connections:
            await connection.close()


async def _best(connections: list[asyncpg.Connection], sql: str, size: int) -> float:
    rates = []
    for count in range(1, len(connections) + 1):
        await connections[0].execute("truncate line_alone, page_alone, command_alone")
        groups = [
            await _Groups.prepared(connection, sql, min(size // count, MOST), number)
            for number, connection in enumerate(connections[:count])
        ]
        await asyncio.gather(*(one.write(WARM) for one in groups))
        began = time.perf_counter()
        await asyncio.gather(*(one.write(GROUPS) for one in groups))
        rows = sum(one.size for one in groups) * GROUPS
        rates.append(rows / (time.perf_counter() - began))
    return max(rates)


class _Groups:
    """Groups of rows, one after the other on one connection, in a stream of their own."""

    def __init__(self, statement: PreparedStatement, size: int, number: int) -> None:
        self.size = size
        self._statement = statement
        self._first = number * FAR
        bidders = range(number * size, number * size + size)
        self._firms = MARK.join(f"org_{bidder:026}" for bidder in bidders)
        self._holds = MARK.join(f"hold-{bidder}" for bidder in bidders)
        self._answers = MARK.join([ANSWER] * size)
        self._entries = MARK.join([ENTRY] * size)

    @staticmethod
    async def prepared(connection: asyncpg.Connection, sql: str, size: int, number: int) -> _Groups:
        return _Groups(await connection.prepare(sql), size, number)

    async def write(self, count: int) -> None:
        for _ in range(count):
            first, self._first = self._first, self._first + self.size
            numbered = range(first, first + self.size)
            await self._statement.fetch(
                self._firms,
                MARK.join(f"bench-{one}" for one in numbered),
                self._answers,
                self._holds,
                numbers([*numbered]),
                first,
                self._entries,
            )
