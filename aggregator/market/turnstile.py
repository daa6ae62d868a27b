"""The turnstile: acts wait at their stream, and those that wait together share one commit.

At each stream acts go in the order in which they came. Acts with a step go alone through the
stream, as many as wait, in one transaction. Acts for a desk go with those of other streams:
one writer a process takes all that wait, whatever their streams, and commits as soon as they
are decided, so a lone act waits for nobody. Who comes while a commit is on its way is decided
meanwhile, on what it will have done, and goes with the next one. What is answered is durable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter_ns as _elapsed_ns
from time import thread_time_ns as _worked_ns

from tortoise.transactions import in_transaction

from aggregator.db.faults import BUSY, FULL, LOST
from aggregator.errors import DiskFull, MarketError, OutcomeUnknown, TryAgain
from aggregator.journal.appending import Head
from aggregator.market import commands
from aggregator.market.acts import Actor, Outcome
from aggregator.market.desk import Desk
from aggregator.market.pace import LEAST_AHEAD, Pace
from aggregator.market.plans import Plan, streams_of
from aggregator.market.unit import Means, Unit
from aggregator.market.waiting import Settled, Waiting, keep_answer, keep_refusal, tell
from aggregator.market.writer import RETRIES, Writer
from aggregator.refusals import Refusal
from matching.errors import RuleViolation

MAX_STEPS = 256
MAX_DECIDED = 256
MAX_WAITING = 4096


class Turnstile:
    """The queues of one process."""

    def __init__(self, market: Means) -> None:
        self._market = market
        self._queues: dict[str, deque[Waiting]] = {}
        self._ready: dict[str, None] = {}
        self._following: Plan | None = None
        self._planned: dict[str, type[Desk]] = {}
        self._stirred: asyncio.Future[None] | None = None
        self._came = 0
        self._is_writing = False
        self._answered = commands.Recent()
        self._writer = Writer(market, self._answered)
        self._pace = Pace()
        self._worked_ns = 0

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
            if stream in self._planned:
                self._ready[stream] = None
                self._arrive()

    async def alone(self, waiting: Waiting) -> None:
        """Carry out an act that no stream orders."""
        await self._carry_out(None, [waiting])

    def _begin(self, stream: str) -> None:
        """Let the first who wait at a stream through; nobody of it is under way."""
        if self._queues[stream][0].desk is None:
            self._market.tasks.start(self._drain_steps(stream), name=f"turnstile {stream}")
            return
        self._ready[stream] = None
        self._arrive()
        if not self._is_writing:
            self._is_writing = True
            self._market.tasks.start(self._drain_desks(), name="turnstile")

    def _leave(self, stream: str) -> None:
        """Let the next of a stream through, if any wait."""
        self._ready.pop(stream, None)  # who waits first now may have a step of his own
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
        taken: list[Waiting] = []
        self._worked_ns = _worked_ns()
        try:
            while self._ready:
                taken = self._take(MAX_DECIDED)
                first = self._pace.first_of(len(taken))
                plan = self._writer.planned(taken[:first])
                if plan is None:
                    await self._decide(taken)
                else:
                    self._put_back(taken[first:])
                    taken = taken[:first]
                    await self._carry_out_plans(plan)
                if not self._ready:
                    await asyncio.sleep(0)  # who was just answered may ask again
                if not self._ready:
                    await self._writer.give_back()
        except BaseException:
            for stream in self._ready:
                self._give_up(stream, [])
            for stream in streams_of(taken):
                self._give_up(stream, taken)
            self._ready.clear()
            await self._writer.give_back()
            raise
        finally:
            self._is_writing = False

    async def _decide(self, batch: list[Waiting], failed: Exception | None = None) -> None:
        """Decide acts under locks; who waits for somebody else must not delay the others."""
        held = await self._writer.decide(batch, failed=failed)
        for stream in streams_of(batch):
            if stream in held:
                mine = [one for one in batch if one.stream == stream]
                self._market.tasks.start(
                    self._decide_held(stream, mine), name=f"turnstile {stream}"
                )
            else:
                self._leave(stream)
        self._worked_ns = _worked_ns()  # to read and to lock is not the pace of plans

    async def _carry_out_plans(self, first: Plan) -> None:
        """Write plans one after the other, each decided while the one before it is written."""
        under_way: list[Plan] = []
        self._following, self._planned = first, dict(first.streams)
        self._ready.update((stream, None) for stream in self._planned if self._queues[stream])
        try:
            while self._following is not None:
                plan, self._following = self._following, None
                written = under_way[-1:]
                under_way = [*written, plan]
                failed = await self._written(plan, written)
                under_way = [plan]
                if failed is not None:
                    self._drop_following()
                    self._planned = {}
                    for stream in plan.streams:
                        self._ready.pop(stream, None)
                    await self._decide(plan.acts, failed)
                    return
                self._land(plan)
            await tell(self._market, plan.settled, plan.unit.woken)
        except BaseException:
            for unsure in (*under_way, self._following):
                acts = [] if unsure is None else unsure.acts
                for stream in streams_of(acts):
                    self._give_up(stream, acts)
            raise
        finally:
            self._following, self._planned = None, {}

    async def _written(self, plan: Plan, before: list[Plan]) -> Exception | None:
        """Write a plan, and return what kept it from being written.

        Meanwhile tell what came of the one `before` it, and decide who comes.
        """
        tasks, began_ns = self._market.tasks, _elapsed_ns()
        writing = tasks.start(self._writer.carry_out(plan), name="turnstile writes")
        writing.add_done_callback(self._stir)
        try:
            for written in before:
                await tell(self._market, written.settled, written.unit.woken)
            # First the statement goes out: its task begins, then its socket is written to.
            for _ in range(2):
                await asyncio.sleep(0)
            left = MAX_DECIDED
            while not writing.done():
                if self._count() >= LEAST_AHEAD:
                    left = self._plan_on(plan, left)
                self._came = 0
                self._stirred = asyncio.get_running_loop().create_future()
                await self._stirred
        finally:
            if not writing.done():
                writing.cancel()
                await asyncio.wait([writing])
        before_ns, self._worked_ns = self._worked_ns, _worked_ns()
        self._pace.written(
            len(plan.settled),
            worked_ns=self._worked_ns - before_ns,
            took_ns=_elapsed_ns() - began_ns,
        )
        failed: Exception | None = writing.result()
        return failed

    def _plan_on(self, plan: Plan, left: int) -> int:
        """Decide at most `left` acts on what a plan will have done; return how many may follow."""
        batch = self._take(left)
        if not batch:
            return left
        following = self._writer.planned(batch, self._following, after=plan)
        if following is None:
            # They are decided under locks, once nothing is under way.
            self._put_back(batch)
            if self._following is not None and self._following.is_spoilt:
                self._drop_following()
            return 0
        self._following = following
        self._planned |= following.streams
        return left - len(batch)

    def _drop_following(self) -> None:
        """Let those wait again who were to follow the plan under way."""
        following, self._following = self._following, None
        if following is not None:
            self._put_back(following.acts)

    def _put_back(self, batch: list[Waiting]) -> None:
        """Let acts wait again, first at their streams."""
        for waiting in reversed(batch):
            self._queues[waiting.stream].appendleft(waiting)
        self._ready.update(dict.fromkeys(streams_of(batch)))

    def _land(self, plan: Plan) -> None:
        """Let the next acts of a plan's streams through: it is durable."""
        kept = {} if self._following is None else self._following.streams
        for stream in plan.streams:
            if stream not in kept:
                self._planned.pop(stream, None)
                self._leave(stream)
            elif self._queues[stream]:
                self._ready[stream] = None

    def _arrive(self) -> None:
        """Count who comes; enough of them are decided while a plan is written."""
        self._came += 1
        if self._came >= LEAST_AHEAD:
            self._stir()

    def _stir(self, _: object = None) -> None:
        """Wake who waits for a plan to be written or for acts to come."""
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)

    async def _decide_held(self, stream: str, batch: list[Waiting]) -> None:
        try:
            await self._writer.decide(batch, waits=True)
        except BaseException:
            self._give_up(stream, batch)
            raise
        self._leave(stream)

    def _count(self) -> int:
        """Return how many wait at streams whose turn it is."""
        return sum(len(self._queues[stream]) for stream in self._ready)

    def _take(self, left: int) -> list[Waiting]:
        """Take at most `left` acts that wait first at each stream for one desk, streams in turn.

        Two desks would each know a stream as it was before the other's acts.
        """
        taken: list[Waiting] = []
        while self._ready and left:
            stream = next(iter(self._ready))
            del self._ready[stream]
            queue = self._queues[stream]
            desk = self._planned.get(stream) or queue[0].desk
            while queue and desk is not None and queue[0].desk is desk and left:
                taken.append(queue.popleft())
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
        await tell(self._market, settled, woken)

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
            calls = book.noted()
            if calls:
                await unit.call(*calls)
        self._writer.forget(unit.heads)
        self._answered.keep(book.new)
        return settled, unit.woken


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
        keep_refusal(unit, book, waiting, refusal)
        return refusal
    await unit.execute("release savepoint act")
    keep_answer(unit, book, waiting, commands.DONE, answer)
    return Outcome(answer)
