"""What a database takes for the rows of a bid alone: nobody decides, guards or waits.

A line of the journal, a command once for its id, and what a bidder's deposit sets aside, each by
its key, in tables with no other index, no reference, no check and no trigger; or the lines of a
commit as one page. A group goes in one statement, the next one after its commit. What is above
this rate, no turnstile that keeps these rows reaches, in whatever language.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import asyncpg

from aggregator.db.calls import numbers

WARM, GROUPS, BIDDERS = 20, 200, 512
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
    """Return the rates for groups of each size, on one connection."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TABLES)
        return {
            size: Rates(
                await _rate(connection, _GROUP + _LINES, size),
                await _rate(connection, _GROUP + _PAGE, size),
            )
            for size in sizes
        }
    finally:
        await connection.close()


async def _rate(connection: asyncpg.Connection, sql: str, size: int) -> float:
    await connection.execute("truncate line_alone, page_alone, command_alone")
    group = await connection.prepare(sql)
    firms = MARK.join(f"org_{bidder:026}" for bidder in range(size))
    answers, entries = MARK.join([ANSWER] * size), MARK.join([ENTRY] * size)
    holds = MARK.join(f"hold-{bidder}" for bidder in range(size))
    began = 0.0
    for number in range(WARM + GROUPS):
        if number == WARM:
            began = time.perf_counter()
        first = number * size
        numbered = range(first, first + size)
        ids = MARK.join(f"bench-{one}" for one in numbered)
        amounts = numbers([*numbered])
        await group.fetch(firms, ids, answers, holds, amounts, first, entries)
    return GROUPS * size / (time.perf_counter() - began)
