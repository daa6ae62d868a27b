"""The unit: proof of the open transaction, and what an act may do inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.bus import Bus
from aggregator.clock import Clock
from aggregator.db import orm
from aggregator.db.calls import Call, statement
from aggregator.ids import Ids
from aggregator.journal import appending
from aggregator.journal.appending import Head, Line
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Entry
from aggregator.market.acts import Actor, Answer, Command
from aggregator.tasks import Tasks

Step = Callable[["Unit"], Awaitable[Answer]]
Reaction = Callable[["Unit", Any], Awaitable[None]]
Reactions = Mapping[type, Sequence[Reaction]]


@dataclass
class Means:
    """What a market acts with: the clock, the bus, ids, and what reacts to what."""

    clock: Clock
    bus: Bus
    ids: Ids
    reactions: Reactions = field(default_factory=dict)
    tasks: Tasks = field(default_factory=Tasks)


@dataclass
class Unit:
    """Proof of an open transaction. A function that takes one must not open its own."""

    market: Means
    actor: Actor
    now: datetime
    connection: Any
    command: Command | None = None
    memo: dict[Any, Any] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)
    heads: dict[str, Head] = field(default_factory=dict)
    noted: list[Line] = field(default_factory=list)

    async def rows(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = await self.connection.execute_query_dict(
            sql, list(args)
        )
        return found

    async def row(self, sql: str, *args: object) -> Mapping[str, Any] | None:
        """Return the only row, or None."""
        found = await self.rows(sql, *args)
        assert len(found) <= 1, sql
        return found[0] if found else None

    async def execute(self, sql: str, *args: object) -> None:
        await self.connection.execute_query(sql, list(args))

    async def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """Put many rows into a table at once; JSON is text, and every column is named."""
        await orm.copy_rows(self.connection, table, columns, rows)

    async def call(self, *calls: Call) -> None:
        """Call functions of the schema, in one statement."""
        sql, given = statement(calls)
        await self.rows(sql, *given)

    async def lock(self, stream: str) -> Head:
        """Lock the stream's head; `now` never lies before its last entry."""
        head = self.heads.get(stream)
        if head is None:
            head = await appending.lock_head(self, stream, self.now)
            self.heads[stream] = head
        self.now = max(self.now, head.at)
        return head

    async def lock_all(self, streams: Sequence[str]) -> None:
        """Lock the heads of many streams, in the order of their names."""
        wanted = {stream for stream in streams if stream not in self.heads}
        found = await appending.lock_heads(self, sorted(wanted), self.now)
        self.heads |= found
        self.now = max([self.now, *(head.at for head in found.values())])

    async def record(self, stream: str, *facts: object) -> list[Entry]:
        """Journal `facts` in `stream`, then run the reactions to each in this transaction."""
        await self.lock(stream)
        made = self.note(stream, facts)
        await self.write_noted()
        return made

    def note(self, stream: str, facts: Sequence[object]) -> list[Entry]:
        """Put `facts` behind the locked head, in memory; `write_noted` writes and reacts."""
        lines = appending.chained(
            self.heads[stream],
            facts,
            now=self.now,
            actor=self.actor.person_id,
            command=self.command.id if self.command else None,
        )
        self.noted += lines
        self.woken.add(stream)
        return [line.entry for line in lines]

    async def write_noted(self, *calls: Call) -> None:
        """Write what was noted, and make other calls with it, then run the reactions to it."""
        lines, self.noted = self.noted, []
        if lines:
            calls = (appending.appended(lines), *calls)
        if calls:
            await self.call(*calls)
        await self.react(lines)

    async def react(self, lines: Sequence[Line]) -> None:
        """Run the reactions to each fact in this transaction."""
        reactions = self.market.reactions
        for line in lines:
            for reaction in reactions.get(type(line.entry.fact), ()):
                await reaction(self, line.entry.fact)

    def new_id(self, prefix: str) -> str:
        return self.market.ids.new(prefix)

    @staticmethod
    def stamp(instant: datetime) -> str:
        return stamp(instant)
