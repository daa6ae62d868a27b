"""The running marketplace: one way to act, and the one transaction that an act runs in.

A use case hands `Market.perform` a step. `perform` authorises the actor, lines the step up
in its stream's turnstile, answers a command id seen before with the answer it got then,
runs the step and stores its answer in one transaction, and wakes the bus after commit.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from tortoise.transactions import in_transaction

from aggregator.bus import Bus
from aggregator.clock import Clock
from aggregator.db.faults import BUSY, FULL, LOST
from aggregator.errors import (
    CommandReused,
    DiskFull,
    MarketError,
    NotAllowed,
    OutcomeUnknown,
    RecordedRefusal,
    TryAgain,
)
from aggregator.ids import Ids
from aggregator.journal import appending
from aggregator.journal.appending import Head
from aggregator.journal.facts import canonical, stamp
from aggregator.journal.reading import Entry, Pool, decoded
from aggregator.refusals import Refusal, plain_figures, refusal_code
from aggregator.tasks import Tasks
from matching.errors import RuleViolation

Answer = dict[str, Any]
Step = Callable[["Unit"], Awaitable[Answer]]
Reaction = Callable[["Unit", Any], Awaitable[None]]
Reactions = Mapping[type, Sequence[Reaction]]

MAX_BATCH = 256
MAX_WAITING = 4096
RETRIES = 5


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: one person, for one organisation, with the acts its roles hold."""

    person_id: str
    organisation_id: str
    owner_group: str
    roles: frozenset[str]
    grants: frozenset[str]
    language: str = "zh"

    SYSTEM: ClassVar[Actor]

    def require(self, act: str) -> None:
        """Raise NotAllowed unless the actor's roles hold `act`."""
        if self is not Actor.SYSTEM and act not in self.grants:
            raise NotAllowed(act)


Actor.SYSTEM = Actor("system", "system", "system", frozenset({"system"}), frozenset(), "zh")


@dataclass(frozen=True, slots=True)
class Command:
    """A client's own id for one act, and the hash of what it asked for."""

    id: str
    fingerprint: bytes

    @staticmethod
    def of(command_id: str, content: object) -> Command:
        """Return the command whose fingerprint is that of `content`, a JSON value."""
        return Command(command_id, hashlib.sha256(canonical(content)).digest())


@dataclass(frozen=True, slots=True)
class Outcome:
    """An act's answer; `replayed` when the command had been carried out before."""

    answer: Answer
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """Whose eyes a view is for."""

    kind: str
    organisation_id: str | None = None


PUBLIC = Audience("public")


@dataclass
class Unit:
    """Proof of an open transaction. A function that takes one must not open its own."""

    market: Market
    actor: Actor
    now: datetime
    connection: Any
    command: Command | None = None
    memo: dict[Any, Any] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)
    heads: dict[str, Head] = field(default_factory=dict)

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

    async def lock(self, stream: str) -> Head:
        """Lock the stream's head; `now` never lies before its last entry."""
        head = self.heads.get(stream)
        if head is None:
            head = await appending.lock_head(self, stream, self.now)
            self.heads[stream] = head
        self.now = max(self.now, head.at)
        return head

    async def record(self, stream: str, *facts: object) -> list[Entry]:
        """Journal `facts` in `stream`, then run the reactions to each in this transaction."""
        head = await self.lock(stream)
        made = await appending.append(
            self,
            head,
            facts,
            now=self.now,
            actor=self.actor.person_id,
            command=self.command.id if self.command else None,
        )
        self.woken.add(stream)
        for fact in facts:
            for react in self.market.reactions.get(type(fact), ()):
                await react(self, fact)
        return made

    def new_id(self, prefix: str) -> str:
        return self.market.ids.new(prefix)

    @staticmethod
    def stamp(instant: datetime) -> str:
        return stamp(instant)


@dataclass
class _Waiting:
    actor: Actor
    act: str
    step: Step
    command: Command | None
    done: asyncio.Future[Outcome]


@dataclass
class Market:
    """What every use case takes: the clock, the bus, ids, and what reacts to what."""

    clock: Clock
    bus: Bus
    ids: Ids
    reactions: Reactions = field(default_factory=dict)
    tasks: Tasks = field(default_factory=Tasks)
    _queues: dict[str, deque[_Waiting]] = field(default_factory=dict)

    async def perform(
        self,
        actor: Actor,
        act: str,
        step: Step,
        *,
        command: Command | None = None,
        stream: str | None = None,
    ) -> Outcome:
        """Carry out one act, exactly once for its command id.

        Raises:
            NotAllowed: the actor's roles do not hold `act`.
            RuleViolation, MarketError: the step refused; nothing of it is left.
            CommandReused: the command id was used for something else.
            TryAgain: the database was busy, or the turnstile is full; nothing was done.

        """
        actor.require(act)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(actor, act, step, command, done)
        if stream is None:
            await self._carry_out(None, [waiting])
            return await done
        queue = self._queues.get(stream)
        if queue is None:
            self._queues[stream] = deque([waiting])
            self.tasks.start(self._drain(stream), name=f"turnstile {stream}")
        elif len(queue) >= MAX_WAITING:
            raise TryAgain
        else:
            queue.append(waiting)
        return await asyncio.shield(done)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Open a read-only unit: several reads that agree with each other."""
        async with in_transaction("default") as connection:
            unit = Unit(self, Actor.SYSTEM, self.clock.now(), connection)
            await unit.execute("set transaction isolation level repeatable read, read only")
            yield unit

    async def outcome_of(self, actor: Actor, command_id: str) -> Mapping[str, Any] | None:
        """Return what became of a command of the actor's organisation, or None."""
        found = await Pool().rows(
            "select id, act, outcome, answer, at from command"
            " where organisation_id = $1 and id = $2",
            actor.organisation_id,
            command_id,
        )
        return {**found[0], "answer": decoded(found[0]["answer"])} if found else None

    async def _drain(self, stream: str) -> None:
        queue = self._queues[stream]
        try:
            while queue:
                batch = [queue.popleft() for _ in range(min(len(queue), MAX_BATCH))]
                await self._carry_out(stream, batch)
        finally:
            del self._queues[stream]
            for waiting in queue:
                _fail(waiting, TryAgain())

    async def _carry_out(self, stream: str | None, batch: list[_Waiting]) -> None:
        """Run the batch in one transaction; on a fault of one, run each alone."""
        try:
            settled, woken = await self._with_retries(stream, batch)
        except Exception as error:  # noqa: BLE001 - every waiting caller must hear of it
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            for waiting in batch:
                await self._carry_out(stream, [waiting])
            return
        except BaseException:
            for waiting in batch:
                _fail(waiting, TryAgain())
            raise
        if woken:
            await self.bus.wake(sorted(woken))
        for waiting, result in settled:
            if isinstance(result, Outcome):
                if not waiting.done.done():
                    waiting.done.set_result(result)
            else:
                _fail(waiting, result)

    async def _with_retries(
        self, stream: str | None, batch: list[_Waiting]
    ) -> tuple[list[tuple[_Waiting, Outcome | Refusal]], set[str]]:
        for attempt in range(RETRIES):
            try:
                return await self._transaction(stream, batch)
            except FULL as error:
                raise DiskFull from error
            except LOST as error:
                raise OutcomeUnknown from error
            except BUSY:
                if attempt == RETRIES - 1:
                    raise
                await asyncio.sleep(0.01 * (attempt + 1))  # a busy row frees in milliseconds
        raise TryAgain

    async def _transaction(
        self, stream: str | None, batch: list[_Waiting]
    ) -> tuple[list[tuple[_Waiting, Outcome | Refusal]], set[str]]:
        results: list[tuple[_Waiting, Outcome | Refusal]] = []
        async with in_transaction("default") as connection:
            unit = Unit(self, Actor.SYSTEM, self.clock.now(), connection)
            if stream is not None:
                await unit.lock(stream)
            for waiting in batch:
                unit.actor, unit.command = waiting.actor, waiting.command
                unit.now = max(unit.now, self.clock.now())
                results.append((waiting, await _attempt(unit, waiting)))
        return results, unit.woken


async def _attempt(unit: Unit, waiting: _Waiting) -> Outcome | Refusal:
    if waiting.command is not None:
        try:
            known = await _recorded(unit, waiting.actor, waiting.command)
        except CommandReused as error:
            return error
        if known is not None:
            return known
    memo, woken = dict(unit.memo), set(unit.woken)
    heads = {name: Head(h.stream, h.seq, h.at, h.hash) for name, h in unit.heads.items()}
    await unit.execute("savepoint act")
    try:
        answer = await waiting.step(unit)
    except (RuleViolation, MarketError) as refusal:
        await unit.execute("rollback to savepoint act")
        unit.memo, unit.woken, unit.heads = memo, woken, heads
        await _save(unit, waiting, "refused", _refusal_answer(refusal))
        return refusal
    await unit.execute("release savepoint act")
    await _save(unit, waiting, "done", answer)
    return Outcome(answer)


async def _recorded(unit: Unit, actor: Actor, command: Command) -> Outcome | Refusal | None:
    row = await unit.row(
        "select fingerprint, outcome, answer from command where organisation_id = $1 and id = $2",
        actor.organisation_id,
        command.id,
    )
    if row is None:
        return None
    if bytes(row["fingerprint"]) != command.fingerprint:
        raise CommandReused(command.id)
    answer = decoded(row["answer"])
    if row["outcome"] == "done":
        return Outcome(answer, replayed=True)
    return RecordedRefusal(answer["code"], answer["figures"])


async def _save(unit: Unit, waiting: _Waiting, outcome: str, answer: Answer) -> None:
    if waiting.command is None:
        return
    await unit.execute(
        "insert into command (organisation_id, id, act, fingerprint, outcome, answer, at)"
        " values ($1, $2, $3, $4, $5, $6::jsonb, $7)",
        waiting.actor.organisation_id,
        waiting.command.id,
        waiting.act,
        waiting.command.fingerprint,
        outcome,
        json.dumps(answer, ensure_ascii=False),
        unit.now,
    )


def _refusal_answer(refusal: Refusal) -> Answer:
    return {"code": refusal_code(refusal), "figures": plain_figures(refusal)}


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
