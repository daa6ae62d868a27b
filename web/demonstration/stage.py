"""The stage of the demonstration: a server on loopback, a clock, and the people of the story."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.clock import SimulatedClock
from aggregator.market import Market
from aggregator.reactions import ON_TIMER
from aggregator.scheduler import timers
from aggregator.tasks import Tasks
from aggregator.workers.ringing import ring_due
from web.app import create_app
from web.auth.rates import Rate
from web.context import EdgeLimits
from web.demonstration.report import Report
from web.demonstration.touring import guide_of
from web.demonstration.visitor import Visitor
from web.demonstration.world import PASSWORD
from web.server import MarketServer, listen

# The whole story comes from one address within seconds.
_LIMITS = EdgeLimits(
    organisation=Rate(per_s=10_000, burst=100_000),
    address=Rate(per_s=10_000, burst=100_000),
    login=Rate(per_s=10_000, burst=100_000),
)


_SESSION = timedelta(hours=6)


@dataclass
class Stage:
    """Where the story plays. Acts go through HTTP; only time is moved from here."""

    market: Market
    clock: SimulatedClock
    base_url: str
    run: str
    report: Report
    speed: int | None
    exits: AsyncExitStack
    visitors: dict[str, Visitor] = field(default_factory=dict)

    @property
    def feed_url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/feed"

    async def visitor(self, login: str) -> Visitor:
        """Return a person, signed in anew where the last session is old."""
        found = self.visitors.get(login)
        if found is None:
            found = self.visitors[login] = Visitor(self.base_url, login, run=self.run)
            await self.exits.enter_async_context(found)
        now = self.clock.now()
        if found.signed_in_at is None or now - found.signed_in_at > _SESSION:
            await found.sign_in(PASSWORD)
            found.signed_in_at = now
        return found

    async def pass_time(self, until: datetime) -> None:
        """Move the clock to `until`, ringing every timer at its own instant on the way."""
        while True:
            due_at = await timers.next_due_at()
            instant = until if due_at is None else min(max(due_at, self.clock.now()), until)
            await self._wait(instant - self.clock.now())
            self.clock.set(instant)
            await ring_due(self.market, ON_TIMER)
            if instant >= until:
                return

    async def pass_by(self, **span: int) -> None:
        await self.pass_time(self.clock.now() + timedelta(**span))

    async def _wait(self, span: timedelta) -> None:
        if self.speed is not None:
            await asyncio.sleep(span // timedelta(milliseconds=1) // self.speed / 1000)


@asynccontextmanager
async def staged(
    market: Market,
    clock: SimulatedClock,
    report: Report,
    *,
    run: str,
    speed: int | None = None,
    port: int = 0,
    has_guide: bool = False,
) -> AsyncIterator[Stage]:
    """Serve `market` on a port of loopback, a free one for 0, for as long as the story plays."""
    listener = listen("127.0.0.1", port)
    guide = guide_of(market) if has_guide else None
    server = MarketServer(create_app(market, limits=_LIMITS, guide=guide))
    tasks = Tasks()
    serving = tasks.start(server.serve(sockets=[listener]), name="stage")
    try:
        await _started(server, serving)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with AsyncExitStack() as exits:
            yield Stage(market, clock, base_url, run, report, speed, exits)
    finally:
        server.stop_soon()
        await serving
        listener.close()


async def _started(server: MarketServer, serving: asyncio.Task[None]) -> None:
    while not server.started and not serving.done():  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.01)
