"""The feed as it is served, for measuring: a market whose price board tells when it changed.

It prints its port. `send N` publishes N changes in one breath; `acts N B` carries N acts out, one
after the other, while B changes are published, and prints how long acts and timers took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from aggregator.app import market_on
from aggregator.journal.facts import fact
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Actor, Answer, Audience, Market, Unit
from scripts._lent import a_database
from tests.builders import a_command, an_actor
from web.app import create_app
from web.context import Context, EdgeLimits
from web.feed.limits import FeedLimits
from web.server import MarketServer, listen

OPERATOR = an_actor("operator", "operator")
STREAM, ELSEWHERE = "bench:prices", "bench:acts"
WORDS = 90


@fact
class Changed:
    """Something was published."""

    number: int


class Board:
    """A board of prices that says when it was looked at."""

    is_state = True

    async def allow(self, _: Actor | None, __: str) -> Audience:
        return PUBLIC

    def stream(self, _: str, __: Actor | None) -> str:
        return STREAM

    def initial(self, _: str) -> int:
        return 0

    def evolve(self, _: int, entry: Entry) -> int:
        return entry.seq

    def view(self, state: int, _: Audience) -> dict[str, Any]:
        return {"words": f"{state:>{WORDS}}", "stamp": {"at_ns": time.monotonic_ns()}}


async def record(market: Market, stream: str, count: int) -> None:
    async def step(unit: Unit) -> Answer:
        await unit.record(stream, *(Changed(number) for number in range(count)))
        return {}

    await market.perform(OPERATOR, "catalogue.define", step, command=a_command(), stream=stream)


async def act(market: Market, acts: int, changes: int) -> dict[str, float]:
    """Return how late acts and timers were, in ms, with so many changes spread over them."""
    waits: list[float] = []
    late: list[float] = []
    broadcasts: set[asyncio.Task[None]] = set()
    watching = asyncio.ensure_future(watch(late))
    for number in range(acts):
        if changes and number % (acts // changes) == 0:
            broadcasts.add(asyncio.ensure_future(record(market, STREAM, 1)))
        began = time.monotonic_ns()
        await record(market, ELSEWHERE, 1)
        waits.append((time.monotonic_ns() - began) / 1e6)
    await asyncio.gather(*broadcasts)
    watching.cancel()
    waits.sort()
    late.sort()
    return {
        "ack_p50_ms": waits[len(waits) // 2],
        "ack_p99_ms": waits[len(waits) * 99 // 100],
        "timer_p99_ms": late[len(late) * 99 // 100],
    }


async def watch(late: list[float]) -> None:
    """Note how late a timer of 1 ms rings."""
    while True:
        began = time.monotonic_ns()
        await asyncio.sleep(0.001)
        late.append((time.monotonic_ns() - began) / 1e6 - 1)


def buffered(context: Context) -> int:
    """Return the most bytes that wait in this process for one socket."""
    return max(
        (
            socket.outbox._bytes + socket._wire.transport.get_write_buffer_size()  # type: ignore[attr-defined]
            for socket in context.hub._sockets
        ),
        default=0,
    )


async def told(market: Market, context: Context) -> None:
    """Do what each line of standard input says."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command, *values = line.decode().split()
        if command == "send":
            await record(market, STREAM, int(values[0]))
            continue
        if command == "acts":
            said: dict[str, Any] = await act(market, *map(int, values))
        else:
            said = {"sockets": len(context.hub._sockets), "most_bytes": buffered(context)}
        print(json.dumps(said), flush=True)


async def main() -> None:
    async with a_database() as (dsn, _), market_on(dsn) as market:
        await serve(market)


async def serve(market: Market) -> None:
    limits = EdgeLimits(feed=FeedLimits(heartbeat_ms=600_000, hello_ms=60_000))
    app = create_app(market, limits=limits)
    context: Context = app.state.context
    context.hub._topics = {"prices": Board()}
    listener = listen("127.0.0.1", 0)
    server = MarketServer(app)
    server.config.ws_ping_interval = None  # the load answers no pings
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(listener.getsockname()[1], flush=True)
    await told(market, context)
    server.stop_soon()
    await serving


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
