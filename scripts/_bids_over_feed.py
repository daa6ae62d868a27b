"""Bids end to end over the feed: a served market, many signed-in sockets, acknowledged frames.

As a program it is the server: it prints what a client needs, then for each line it reads how
much processor time it has used. `measured` drives it from another process, so that the time is
the server's alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from aggregator.app import market_on
from aggregator.auctions import opening
from aggregator.catalogue.tenors import Cell
from aggregator.market import Market
from aggregator.parties import registering, sessions
from scripts._lent import a_database
from tests.builders import a_command, an_actor, an_organisation, with_cash, with_sugar
from web.app import create_app
from web.auth.rates import Rate
from web.context import EdgeLimits
from web.feed.limits import FeedLimits
from web.server import MarketServer, listen

ROOT = Path(__file__).resolve().parent.parent
SOCKETS, EACH, WARM = 64, 190, 20
START_YUAN, RICH_MINOR = 5_000, 10**14
PASSWORD = "bids over the feed 1"
MUCH = Rate(per_s=100_000, burst=1_000_000)


@dataclass(frozen=True, slots=True)
class Seen:
    """Acknowledged bids a second, and what one cost the server."""

    rate: float
    cpu_us: float


async def measured() -> Seen:
    """Let every socket send its next bid once the last one is acknowledged."""
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AGG_ENV": "test"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        told = json.loads(await server.stdout.readline())
        url = f"ws://127.0.0.1:{told['port']}/feed"
        sockets = [await _entered(url, token) for token in told["tokens"]]
        await asyncio.gather(*(_bid(one, told["auction"], 0, WARM) for one in sockets))
        used = await _asked(server)
        began = time.perf_counter()
        await asyncio.gather(*(_bid(one, told["auction"], WARM, EACH) for one in sockets))
        took = time.perf_counter() - began
        used = await _asked(server) - used
        await asyncio.gather(*(one.close() for one in sockets))
    finally:
        server.stdin.close()
        await server.wait()
    bids = SOCKETS * (EACH - WARM)
    return Seen(bids / took, used / bids * 1e6)


async def _entered(url: str, token: str) -> ClientConnection:
    socket = await connect(url, compression=None, proxy=None)
    await socket.send(json.dumps({"op": "hello", "token": token, "client": "bench/1"}))
    assert json.loads(await socket.recv())["op"] == "welcome"
    return socket


async def _bid(socket: ClientConnection, auction_id: str, first: int, last: int) -> None:
    for number in range(first, last):
        price = f"{START_YUAN + number}.00"
        frame = {"op": "bid", "cmd": f"b{number}", "auction": auction_id, "price": price}
        await socket.send(json.dumps(frame))
        answer = json.loads(await socket.recv())
        while answer["op"] == "heartbeat":
            answer = json.loads(await socket.recv())
        assert answer["op"] == "ack", answer


async def _asked(server: asyncio.subprocess.Process) -> float:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b"cpu\n")
    return float(await server.stdout.readline())


async def _serve() -> None:
    async with a_database() as (dsn, _), market_on(dsn) as market:
        await _served(market, await a_town(market))


async def _served(market: Market, told: dict[str, Any]) -> None:
    feed = FeedLimits(frames_per_s=MUCH.per_s, burst=MUCH.burst)
    app = create_app(market, limits=EdgeLimits(organisation=MUCH, address=MUCH, feed=feed))
    listener = listen("127.0.0.1", 0)
    server = MarketServer(app)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(json.dumps({**told, "port": listener.getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(time.process_time(), flush=True)
    server.stop_soon()
    await serving


async def a_town(market: Market) -> dict[str, Any]:
    """Open an auction in which each firm beats its own bid, so that all are accepted."""
    await with_sugar(market)
    mill = await an_organisation(market, "Mill", kind="mill")
    tokens = [await _a_firm(market, number) for number in range(SOCKETS)]
    now = market.clock.now()
    terms = opening.AuctionTerms(
        side="sell",
        cell=Cell("SUGAR-W1", "GX", f"{now.year + 1}-03"),
        lots=100,
        closes_at=now + timedelta(days=1),
        start_minor=START_YUAN * 100,
        step_minor=100,
        disclosure="best",
        improve="own",
    )
    opened = await opening.open_auction(market, an_actor(mill, "seller"), a_command(), terms)
    return {"tokens": tokens, "auction": opened.answer["auction_id"]}


async def _a_firm(market: Market, number: int) -> str:
    firm = await an_organisation(market, f"Firm {number}", kind="trader")
    await with_cash(market, firm, RICH_MINOR)
    login = f"firm-{number:04d}"
    person = registering.NewPerson(login, "Li Lei", PASSWORD, ("buyer",), "en")
    operator = an_actor("operator", "operator")
    await registering.add_person(market, operator, a_command(), firm, person)
    return (await sessions.open_session(market, login, PASSWORD)).token


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
