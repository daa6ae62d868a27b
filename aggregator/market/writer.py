"""The writer: one for each process takes acts for desks, of all streams, and commits them.

Where it remembers enough it decides ahead of any lock and writes in one statement, which is
refused where somebody else was there meanwhile; while that is on its way to the disk, the next
acts are decided. Else it locks, reads, decides, writes, commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from aggregator.db import orm
from aggregator.db.calls import Call
from aggregator.db.faults import BUSY, FULL, LOST
from aggregator.errors import DiskFull, OutcomeUnknown, TryAgain
from aggregator.journal.appending import Head, appended, lock_free_heads
from aggregator.market import commands
from aggregator.market.acts import Actor
from aggregator.market.plans import Desks, Plan, asked_by_desk, decision, streams_of
from aggregator.market.points import passing
from aggregator.market.unit import Means, Unit
from aggregator.market.waiting import Settled, Waiting, tell

MAX_ENDS, MOST_WARY = 10_000, 63
RETRIES = 5


@dataclass(slots=True)
class _Wary:
    """How often others were quicker at a stream, and for how many commits to lock it first."""

    beaten: int = 0
    left: int = 0


class Writer:
    """Commits the acts for desks of one process."""

    def __init__(self, market: Means, answered: commands.Recent) -> None:
        self._market = market
        self._answered = answered
        self._lent = AsyncExitStack()
        self._writer: orm.Writing | None = None
        self._ends: dict[str, Head] = {}
        self._wary: dict[str, _Wary] = {}

    async def decide(
        self, batch: list[Waiting], *, waits: bool = False, failed: Exception | None = None
    ) -> set[str]:
        """Decide acts of several streams in one transaction, and tell what came of each.

        Return the streams that somebody else has locked, whose acts are left as they were;
        none where it `waits` for him. On a fault of one, each half is tried by itself. `failed`
        is what kept a plan of the same acts from being written.
        """
        try:
            settled, woken, held = await self._decided(batch, waits=waits, failed=failed)
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
                await self.decide(half, waits=True)
            return set()
        await tell(self._market, settled, woken)
        return held

    def planned(
        self, batch: list[Waiting], onto: Plan | None = None, *, after: Plan | None = None
    ) -> Plan | None:
        """Decide acts on what is remembered, and on what `after` will have done once written.

        They go `onto` a plan that is not under way yet. None where too little is remembered; or
        where one of them is at fault, and then that plan is spoilt. So they are to be decided
        under locks.
        """
        streams = streams_of(batch)
        if not self._may_go_ahead(streams):
            return None
        plan = onto
        if plan is None:
            unit = Unit(self._market, Actor.SYSTEM, self._market.clock.now(), None)
            before = None if after is None else after.book
            plan = Plan(unit, commands.Book(unit, self._answered, before))
        if not plan.recall(batch, streams, self._ends, after):
            return None
        try:
            plan.decide(batch)
        except Exception:  # noqa: BLE001 - under locks it is found out whose fault it is
            plan.is_spoilt = True
            return None
        return plan

    async def carry_out(self, plan: Plan) -> Exception | None:
        """Write a plan in one statement, and return what kept it from being written, if anything.

        Where somebody else was there meanwhile, it is refused and nothing is done.
        """
        unit, desks = plan.unit, plan.desks
        passing("decided")
        try:
            async with self._lends(waits=False) as writer:
                unit.connection = writer
                claims = [call for desk in desks.values() for call in desk.claims()]
                # Ids that are new, as nearly all are, are not looked up: should one be known
                # after all, its second row is refused, and then all are.
                await self._write_ahead(unit, desks, [*claims, *plan.book.noted()])
        except Exception as error:  # noqa: BLE001 - who sent it decides what to do
            return error
        passing("committed")
        for stream in unit.heads:
            self._wary.pop(stream, None)
        self._keep(unit, plan.book, desks)
        return None

    def forget(self, streams: Iterable[str]) -> None:
        """Somebody else has written to these streams."""
        for name in streams:
            self._ends.pop(name, None)

    async def _decided(
        self, batch: list[Waiting], *, waits: bool, failed: Exception | None
    ) -> tuple[Settled, set[str], set[str]]:
        lost = False
        for attempt in range(RETRIES):
            try:
                if attempt == 0 and failed is not None:
                    self.forget(streams_of(batch))
                    raise failed
                return await self._desks(batch, waits=waits, looks_up=attempt > 0)
            except FULL as error:
                raise DiskFull from error
            except LOST as error:
                if not waits:  # else the connection was another one, and this one is in use
                    await self.give_back()
                if lost:
                    raise OutcomeUnknown from error
                # Each act has a command id: if it was done after all, it is answered again.
                lost = True
            except BUSY as error:
                if attempt == RETRIES - 1:
                    raise
                if error is failed:
                    self._grow_wary(batch)
                await asyncio.sleep(0.01 * attempt)
        raise TryAgain

    def _may_go_ahead(self, streams: Iterable[str]) -> bool:
        """Say whether to trust memory: not for a while where others write to a stream too."""
        is_trusted = True
        for stream in streams:
            wary = self._wary.get(stream)
            if wary is not None and wary.left:
                wary.left -= 1
                is_trusted = False
        return is_trusted

    def _grow_wary(self, batch: list[Waiting]) -> None:
        for stream in streams_of(batch):
            wary = self._wary.setdefault(stream, _Wary())
            wary.beaten = min(2 * wary.beaten + 1, MOST_WARY)
            wary.left = wary.beaten

    async def _write_ahead(self, unit: Unit, desks: Desks, calls: list[Call]) -> None:
        writer: orm.Writing = unit.connection
        lines, unit.noted = unit.noted, []
        unmoved = [head for name, head in unit.heads.items() if name not in unit.woken]
        calls = [appended(lines, unmoved), *calls]
        reactions = unit.market.reactions
        if all(desk.is_written() for desk in desks.values()) and not any(
            type(line.entry.fact) in reactions for line in lines
        ):
            passing("written")
            await writer.call(calls)
            return
        async with writer.transaction():
            await writer.call(calls)
            for desk in desks.values():
                await desk.write()
            await unit.react(lines)
            passing("written")

    def _keep(self, unit: Unit, book: commands.Book, desks: Desks) -> None:
        """Remember what is durable now."""
        self._answered.keep(book.new)
        if len(self._ends) > MAX_ENDS:
            self._ends.clear()
            self._wary.clear()
        self._ends.update(unit.heads)
        for desk in desks.values():
            desk.keep()

    async def _desks(
        self, batch: list[Waiting], *, waits: bool, looks_up: bool
    ) -> tuple[Settled, set[str], set[str]]:
        market = self._market
        async with self._lends(waits=waits) as writer, writer.transaction():
            unit = Unit(market, Actor.SYSTEM, market.clock.now(), writer)
            streams = sorted(streams_of(batch))
            if waits:
                for stream in streams:
                    await unit.lock(stream)
            else:
                unit.heads = await lock_free_heads(unit, streams)
            passing("locked")
            free = [one for one in batch if one.stream in unit.heads]
            book = commands.Book(unit, self._answered)
            if looks_up:
                await book.read((one.actor, one.command) for one in free)
            desks: Desks = {}
            for kind, asked in asked_by_desk(free, streams_of(free)).items():
                desks[kind] = kind(unit)
                await desks[kind].read(asked)
            settled: Settled = [(one, decision(unit, book, desks, one)) for one in free]
            passing("decided")
            for desk in desks.values():
                await desk.write()
            await unit.write_noted(*book.noted())
            passing("written")
        passing("committed")
        self._keep(unit, book, desks)
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

    async def give_back(self) -> None:
        self._writer = None
        with suppress(*LOST):
            await self._lent.aclose()
