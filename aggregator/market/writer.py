"""The writer: one for each process takes acts for desks, of all streams, and commits them.

Where it remembers enough it decides ahead of any lock and writes in one statement, which is
refused where somebody else was there meanwhile. Else it locks, reads, decides, writes, commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.db import orm
from aggregator.db.calls import Call
from aggregator.db.faults import BUSY, FULL, LOST
from aggregator.errors import DiskFull, MarketError, OutcomeUnknown, TryAgain
from aggregator.journal.appending import Head, appended, lock_free_heads
from aggregator.market import commands
from aggregator.market.acts import Actor, Outcome
from aggregator.market.desk import Asked, Desk
from aggregator.market.points import passing
from aggregator.market.unit import Unit
from aggregator.market.waiting import Settled, Waiting, keep_answer, keep_refusal, tell
from aggregator.refusals import Refusal
from matching.errors import RuleViolation

if TYPE_CHECKING:
    from aggregator.market.place import Market

MAX_ENDS, MOST_WARY = 10_000, 63
RETRIES = 5

Desks = dict[type[Desk], tuple[Desk, list[Asked]]]


@dataclass(slots=True)
class _Wary:
    """How often others were quicker at a stream, and for how many commits to lock it first."""

    beaten: int = 0
    left: int = 0


class Writer:
    """Commits the acts for desks of one process."""

    def __init__(self, market: Market, answered: commands.Recent) -> None:
        self._market = market
        self._answered = answered
        self._lent = AsyncExitStack()
        self._writer: orm.Writing | None = None
        self._ends: dict[str, Head] = {}
        self._wary: dict[str, _Wary] = {}

    async def decide(self, batch: list[Waiting], *, waits: bool = False) -> set[str]:
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
                await self.decide(half, waits=True)
            return set()
        await tell(self._market, settled, woken)
        return held

    def forget(self, streams: Iterable[str]) -> None:
        """Somebody else has written to these streams."""
        for name in streams:
            self._ends.pop(name, None)

    async def _decided(
        self, batch: list[Waiting], *, waits: bool
    ) -> tuple[Settled, set[str], set[str]]:
        lost = False
        goes_ahead = not waits and self._may_go_ahead(batch)
        for attempt in range(RETRIES):
            try:
                # Ids that are new, as nearly all are, are not looked up: should one be known
                # after all, its second row is refused, and then all are.
                if attempt == 0 and goes_ahead:
                    ahead = await self._ahead(batch)
                    if ahead is not None:
                        return ahead
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
            except BUSY:
                if attempt == RETRIES - 1:
                    raise
                if attempt == 0 and goes_ahead:
                    self._grow_wary(batch)
                await asyncio.sleep(0.01 * attempt)
        raise TryAgain

    def _may_go_ahead(self, batch: list[Waiting]) -> bool:
        """Say whether to trust memory: not for a while where others write to a stream too."""
        is_trusted = True
        for stream in _streams(batch):
            wary = self._wary.get(stream)
            if wary is not None and wary.left:
                wary.left -= 1
                is_trusted = False
        return is_trusted

    def _grow_wary(self, batch: list[Waiting]) -> None:
        for stream in _streams(batch):
            wary = self._wary.setdefault(stream, _Wary())
            wary.beaten = min(2 * wary.beaten + 1, MOST_WARY)
            wary.left = wary.beaten

    async def _ahead(self, batch: list[Waiting]) -> tuple[Settled, set[str], set[str]] | None:
        """Decide acts on what this process remembers, and write them in one statement.

        The statement is refused where somebody else was there meanwhile; then nothing is done.
        None where too little is remembered.
        """
        market, ends = self._market, self._ends
        heads = {}
        for stream in _streams(batch):
            end = ends.pop(stream, None)
            if end is None:
                return None
            heads[stream] = end
        async with self._lends(waits=False) as writer:
            unit = Unit(market, Actor.SYSTEM, market.clock.now(), writer, heads=heads)
            desks = _desks_for(unit, batch)
            for desk, asked in desks.values():
                if not desk.recall(asked):
                    return None
            book = commands.Book(unit, self._answered)
            settled: Settled = [(one, _decision(unit, book, desks, one)) for one in batch]
            passing("decided")
            claims = [call for desk, _ in desks.values() for call in desk.claims()]
            await self._write_ahead(unit, desks, [*claims, *book.noted()])
        passing("committed")
        for stream in heads:
            self._wary.pop(stream, None)
        self._keep(unit, book, desks)
        return settled, unit.woken, set()

    async def _write_ahead(self, unit: Unit, desks: Desks, calls: list[Call]) -> None:
        writer: orm.Writing = unit.connection
        lines, unit.noted = unit.noted, []
        unmoved = [head for name, head in unit.heads.items() if name not in unit.woken]
        calls = [appended(lines, unmoved), *calls]
        reactions = unit.market.reactions
        if all(desk.is_written() for desk, _ in desks.values()) and not any(
            type(line.entry.fact) in reactions for line in lines
        ):
            passing("written")
            await writer.call(calls)
            return
        async with writer.transaction():
            await writer.call(calls)
            for desk, _ in desks.values():
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
        for desk, _ in desks.values():
            desk.keep()

    async def _desks(
        self, batch: list[Waiting], *, waits: bool, looks_up: bool
    ) -> tuple[Settled, set[str], set[str]]:
        market = self._market
        async with self._lends(waits=waits) as writer, writer.transaction():
            unit = Unit(market, Actor.SYSTEM, market.clock.now(), writer)
            streams = sorted(_streams(batch))
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
            desks = _desks_for(unit, free)
            for desk, asked in desks.values():
                await desk.read(asked)
            settled: Settled = [(one, _decision(unit, book, desks, one)) for one in free]
            passing("decided")
            for desk, _ in desks.values():
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


def _streams(batch: list[Waiting]) -> dict[str, None]:
    """Return the streams of acts, in the order in which they came."""
    return dict.fromkeys(one.asked.stream for one in batch if one.asked is not None)


def _desks_for(unit: Unit, batch: list[Waiting]) -> Desks:
    """Return a desk for each kind of act, with what is asked of it."""
    found: Desks = {}
    for one in batch:
        assert one.desk is not None
        assert one.asked is not None
        if one.desk not in found:
            found[one.desk] = one.desk(unit), []
        found[one.desk][1].append(one.asked)
    return found


def _decision(unit: Unit, book: commands.Book, desks: Desks, waiting: Waiting) -> Outcome | Refusal:
    asked, actor, command = waiting.asked, waiting.actor, waiting.command
    assert asked is not None
    assert waiting.desk is not None
    known = book.known(actor, command)
    if known is not None:
        return known
    unit.actor, unit.command = actor, command
    unit.now = max(unit.market.clock.now(), unit.heads[asked.stream].at)
    try:
        answer = desks[waiting.desk][0].decide(asked)
    except (RuleViolation, MarketError) as refusal:
        keep_refusal(unit, book, waiting, refusal)
        return refusal
    keep_answer(unit, book, waiting, commands.DONE, answer)
    return Outcome(answer)
