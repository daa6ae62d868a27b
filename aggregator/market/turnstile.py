"""The turnstile: acts wait at their stream, and those that wait together share one commit.

At each stream acts go in the order in which they came. Acts with a step go alone through the
stream, as many as wait, in one transaction. Acts for a desk go with those of other streams:
one writer a process takes all that wait, whatever their streams, and commits as soon as they
are decided, so a lone act waits for nobody. What is answered is durable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tortoise.transactions import in_transaction

from aggregator.db import orm
from aggregator.db.faults import BUSY, FULL, LOST
from aggregator.errors import DiskFull, MarketError, OutcomeUnknown, TryAgain
from aggregator.journal.appending import Head, lock_free_heads
from aggregator.market import commands
from aggregator.market.acts import Actor, Answer, Command, Outcome, Step
from aggregator.market.desk import Asked, Desk
from aggregator.market.points import passing
from aggregator.market.unit import Unit
from aggregator.refusals import Refusal, plain_figures, refusal_code
from matching.errors import RuleViolation

if TYPE_CHECKING:
    from aggregator.market.place import Market

MAX_STEPS = 256
MAX_DECIDED = 256
MAX_WAITING = 4096
RETRIES = 5


@dataclass(slots=True, eq=False)
class Waiting:
    """An act on its way through: with a step of its own, or for a desk."""

    actor: Actor
    act: str
    command: Command | None
    done: asyncio.Future[Outcome]
    step: Step | None = None
    desk: type[Desk] | None = None
    asked: Asked | None = None

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def settle(self, result: Outcome | Refusal) -> None:
        if self.done.done():
            return
        if isinstance(result, Outcome):
            self.done.set_result(result)
        else:
            self.done.set_exception(result)


Settled = list[tuple[Waiting, Outcome | Refusal]]


class Turnstile:
    """The queues of one process."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._queues: dict[str, deque[Waiting]] = {}
        self._ready: dict[str, None] = {}
        self._is_writing = False
        self._lent = AsyncExitStack()
        self._writer: orm.Writing | None = None
        self._answered = commands.Recent()

    def enter(self, stream: str, waiting: Waiting) -> None:
        """Line an act up; its future is told.

        Raises:
            TryAgain: too many wait already.

        """
        queue = self._queues.get(stream)
        if queue is None:
            self._queues[stream] = deque((waiting,))
            self._begin(stream)
        elif len(queue) >= MAX_WAITING:
            raise TryAgain
        else:
            queue.append(waiting)

    async def alone(self, waiting: Waiting) -> None:
        """Carry out an act that no stream orders."""
        await self._carry_out(None, [waiting])

    def _begin(self, stream: str) -> None:
        """Let the first who wait at a stream through; nobody of it is under way."""
        if self._queues[stream][0].desk is None:
            self._market.tasks.start(self._drain_steps(stream), name=f"turnstile {stream}")
            return
        self._ready[stream] = None
        if not self._is_writing:
            self._is_writing = True
            self._market.tasks.start(self._drain_desks(), name="turnstile")

    def _leave(self, stream: str) -> None:
        """Let the next of a stream through, if any wait."""
        if self._queues[stream]:
            self._begin(stream)
        else:
            del self._queues[stream]

    async def _drain_steps(self, stream: str) -> None:
        queue, batch = self._queues[stream], list[Waiting]()
        try:
            while queue and queue[0].desk is None:
                batch = []
                while queue and queue[0].desk is None and len(batch) < MAX_STEPS:
                    batch.append(queue.popleft())
                await self._carry_out(stream, batch)
        except BaseException:
            self._give_up(stream, batch)
            raise
        self._leave(stream)

    async def _drain_desks(self) -> None:
        taken: dict[str, list[Waiting]] = {}
        try:
            while self._ready:
                taken = self._take()
                held = await self._decide([one for mine in taken.values() for one in mine])
                for stream, mine in taken.items():
                    if stream in held:
                        # Somebody else has the stream; the others must not wait for him.
                        self._market.tasks.start(
                            self._decide_held(stream, mine), name=f"turnstile {stream}"
                        )
                    else:
                        self._leave(stream)
                if not self._ready:
                    await asyncio.sleep(0)  # who was just answered may ask again
                if not self._ready:
                    await self._give_back()
        except BaseException:
            for stream in self._ready:
                self._give_up(stream, [])
            for stream, mine in taken.items():
                self._give_up(stream, mine)
            self._ready.clear()
            await self._give_back()
            raise
        finally:
            self._is_writing = False

    async def _decide_held(self, stream: str, batch: list[Waiting]) -> None:
        try:
            await self._decide(batch, waits=True)
        except BaseException:
            self._give_up(stream, batch)
            raise
        self._leave(stream)

    def _take(self) -> dict[str, list[Waiting]]:
        """Take the acts for desks that wait first at each stream, streams in turn."""
        taken: dict[str, list[Waiting]] = {}
        left = MAX_DECIDED
        while self._ready and left:
            stream = next(iter(self._ready))
            del self._ready[stream]
            queue, mine = self._queues[stream], taken.setdefault(stream, [])
            while queue and queue[0].desk is not None and left:
                mine.append(queue.popleft())
                left -= 1
        return taken

    def _give_up(self, stream: str, batch: list[Waiting]) -> None:
        """Tell those under way that nobody knows, and those behind them that they may return."""
        for waiting in batch:
            waiting.fail(OutcomeUnknown())
        for waiting in self._queues.pop(stream, ()):
            waiting.fail(TryAgain())

    async def _carry_out(self, stream: str | None, batch: list[Waiting]) -> None:
        """Run steps in one transaction; on a fault of one, run each alone."""
        try:
            settled, woken = await self._with_retries(stream, batch)
        except Exception as error:  # noqa: BLE001 - every waiting caller must hear of it
            if len(batch) == 1:
                batch[0].fail(error)
                return
            for waiting in batch:
                await self._carry_out(stream, [waiting])
            return
        await self._tell(settled, woken)

    async def _with_retries(
        self, stream: str | None, batch: list[Waiting]
    ) -> tuple[Settled, set[str]]:
        for attempt in range(RETRIES):
            try:
                return await self._steps(stream, batch)
            except FULL as error:
                raise DiskFull from error
            except LOST as error:
                raise OutcomeUnknown from error
            except BUSY:
                if attempt == RETRIES - 1:
                    raise
                await asyncio.sleep(0.01 * (attempt + 1))  # a busy row frees in milliseconds
        raise TryAgain

    async def _steps(self, stream: str | None, batch: list[Waiting]) -> tuple[Settled, set[str]]:
        settled: Settled = []
        async with in_transaction("default") as connection:
            market = self._market
            unit = Unit(market, Actor.SYSTEM, market.clock.now(), connection)
            if stream is not None:
                await unit.lock(stream)
            book = commands.Book(unit, self._answered)
            await book.read((one.actor, one.command) for one in batch)
            for waiting in batch:
                unit.actor, unit.command = waiting.actor, waiting.command
                unit.now = max(unit.now, market.clock.now())
                known = book.known(waiting.actor, waiting.command)
                result = known or await _attempt(unit, book, waiting)
                settled.append((waiting, result))
            made = await book.write()
        self._answered.keep(made)
        return settled, unit.woken

    async def _decide(self, batch: list[Waiting], *, waits: bool = False) -> set[str]:
        """Decide acts of several streams in one transaction, and tell what came of each.

        Return the streams that somebody else has locked, whose acts are left as they were;
        none where it `waits` for him. On a fault of one, each half is tried by itself.
        """
        try:
            settled, woken, held = await self._decided(batch, waits=waits)
        except (DiskFull, OutcomeUnknown) as error:
            for waiting in batch:
                waiting.fail(error)
            return set()
        except Exception as error:  # noqa: BLE001 - every waiting caller must hear of it
            if len(batch) == 1:
                batch[0].fail(error)
                return set()
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                await self._decide(half, waits=True)
            return set()
        await self._tell(settled, woken)
        return held

    async def _decided(
        self, batch: list[Waiting], *, waits: bool
    ) -> tuple[Settled, set[str], set[str]]:
        lost = False
        for attempt in range(RETRIES):
            try:
                # Ids that are new, as nearly all are, are not looked up: should one be known
                # after all, its second row is refused, and then all are.
                return await self._desks(batch, waits=waits, looks_up=attempt > 0)
            except FULL as error:
                raise DiskFull from error
            except LOST as error:
                await self._give_back()
                if lost:
                    raise OutcomeUnknown from error
                # Each act has a command id: if it was done after all, it is answered again.
                lost = True
            except BUSY:
                if attempt == RETRIES - 1:
                    raise
                await asyncio.sleep(0.01 * attempt)
        raise TryAgain

    async def _desks(
        self, batch: list[Waiting], *, waits: bool, looks_up: bool
    ) -> tuple[Settled, set[str], set[str]]:
        market = self._market
        async with self._lends(waits=waits) as writer, writer.transaction():
            unit = Unit(market, Actor.SYSTEM, market.clock.now(), writer)
            streams = sorted({one.asked.stream for one in batch if one.asked})
            if waits:
                for stream in streams:
                    await unit.lock(stream)
            else:
                unit.heads = await lock_free_heads(unit, streams)
            passing("locked")
            free = [one for one in batch if one.asked and one.asked.stream in unit.heads]
            book = commands.Book(unit, self._answered)
            if looks_up:
                await book.read((one.actor, one.command) for one in free)
            desks: dict[type[Desk], Desk] = {}
            for kind in dict.fromkeys(one.desk for one in free if one.desk):
                desks[kind] = kind(unit)
                await desks[kind].read(
                    [one.asked for one in free if one.asked and one.desk is kind]
                )
            settled: Settled = [(one, _decision(unit, book, desks, one)) for one in free]
            passing("decided")
            for desk in desks.values():
                await desk.write()
            await unit.write_noted()
            made = await book.write()
            passing("written")
        passing("committed")
        self._answered.keep(made)
        for desk in desks.values():
            desk.keep()
        return settled, unit.woken, set(streams) - unit.heads.keys()

    @asynccontextmanager
    async def _lends(self, *, waits: bool) -> AsyncIterator[orm.Writing]:
        """Lend the writer's connection, or another to who waits for a lock beside it."""
        if waits:
            async with orm.writing() as beside:
                yield beside
            return
        if self._writer is None:
            self._writer = await self._lent.enter_async_context(orm.writing())
        yield self._writer

    async def _give_back(self) -> None:
        self._writer = None
        with suppress(*LOST):
            await self._lent.aclose()

    async def _tell(self, settled: Settled, woken: set[str]) -> None:
        if woken:
            await self._market.bus.wake(sorted(woken))
        passing("woken")
        for waiting, result in settled:
            waiting.settle(result)


def _decision(
    unit: Unit, book: commands.Book, desks: dict[type[Desk], Desk], waiting: Waiting
) -> Outcome | Refusal:
    asked, actor, command = waiting.asked, waiting.actor, waiting.command
    assert asked is not None
    assert waiting.desk is not None
    known = book.known(actor, command)
    if known is not None:
        return known
    unit.actor, unit.command = actor, command
    unit.now = max(unit.market.clock.now(), unit.heads[asked.stream].at)
    try:
        answer = desks[waiting.desk].decide(asked)
    except (RuleViolation, MarketError) as refusal:
        _keep_refusal(unit, book, waiting, refusal)
        return refusal
    _keep(unit, book, waiting, commands.DONE, answer)
    return Outcome(answer)


async def _attempt(unit: Unit, book: commands.Book, waiting: Waiting) -> Outcome | Refusal:
    assert waiting.step is not None
    memo, woken = dict(unit.memo), set(unit.woken)
    heads = {name: Head(h.stream, h.seq, h.at, h.hash) for name, h in unit.heads.items()}
    await unit.execute("savepoint act")
    try:
        answer = await waiting.step(unit)
    except (RuleViolation, MarketError) as refusal:
        await unit.execute("rollback to savepoint act")
        unit.memo, unit.woken, unit.heads = memo, woken, heads
        _keep_refusal(unit, book, waiting, refusal)
        return refusal
    await unit.execute("release savepoint act")
    _keep(unit, book, waiting, commands.DONE, answer)
    return Outcome(answer)


def _keep_refusal(unit: Unit, book: commands.Book, waiting: Waiting, refusal: Refusal) -> None:
    answer = {"code": refusal_code(refusal), "figures": plain_figures(refusal)}
    _keep(unit, book, waiting, commands.REFUSED, answer)


def _keep(unit: Unit, book: commands.Book, waiting: Waiting, outcome: str, answer: Answer) -> None:
    command = waiting.command
    if command is None:
        return
    key = (waiting.actor.organisation_id, command.id)
    made = commands.Answered(
        key,
        waiting.act,
        command.fingerprint,
        outcome,
        answer,
        unit.now,
        waiting.actor.person_id,
    )
    book.keep(made)
