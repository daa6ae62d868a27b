"""Bids end to end over websockets: signed-in sockets, acknowledged frames; ours and the plain way.

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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import uvicorn
import uvloop
from _feed_load import HANDSHAKE, masked
from _plain_ways import the_plain_ways
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from aggregator.app import market_on
from aggregator.auctions import opening
from aggregator.catalogue.tenors import Cell
from aggregator.market import Market
from aggregator.parties import sessions
from scripts._lent import a_database
from tests.builders import a_command, a_person, an_actor, an_organisation, with_cash, with_sugar
from web.app import create_app
from web.auth.rates import Rate
from web.context import EdgeLimits
from web.feed.limits import FeedLimits
from web.server import MarketServer, listen

ROOT = Path(__file__).resolve().parent.parent
FIRMS, LOTS, WARM = 64, 8, 4
SOCKETS = FIRMS * LOTS
START_YUAN, RICH_MINOR = 5_000, 10**14
PASSWORD = "bids over the feed 1"
MUCH = Rate(per_s=100_000, burst=1_000_000)
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Seen:
    """Acknowledged bids a second, and what one cost the server."""

    rate: float
    cpu_us: float


async def measured() -> tuple[Seen, Seen]:
    """Return what our feed did, and the plain way."""
    return await _measured("ours", each=40), await _measured("plain", each=8)


async def _measured(whose: str, *, each: int) -> Seen:
    """Let every socket send its next bid once the last one is acknowledged."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, whose),
        env={**os.environ, "PYTHONPATH": str(ROOT), "AGG_ENV": "test"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        told = json.loads(await server.stdout.readline())
        sockets = [
            await _entered(told["port"], token, lot)
            for token in told["tokens"]
            for lot in told["lots"]
        ]
        await _all_bid(sockets, 0, WARM)
        used = await _asked(server)
        began = time.perf_counter()
        await _all_bid(sockets, WARM, WARM + each)
        took = time.perf_counter() - began
        used = await _asked(server) - used
        for socket in sockets:
            socket.close()
    finally:
        server.stdin.close()
        await server.wait()
    bids = SOCKETS * each
    return Seen(bids / took, used / bids * 1e6)


class Bidder(asyncio.Protocol):
    """One socket in one lot; it does as little as a client can, so that the server is measured."""

    def __init__(self, token: str, lot: str) -> None:
        self._hello = masked(f'{{"op":"hello","token":"{token}"}}')
        self._lot = lot
        self._unread = b""
        self._next = self._last = 0
        self._done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._unread.startswith(b"HTTP"):
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            assert b" 101 " in head, head
            self._transport.write(self._hello)
        while (size := _frame_size(self._unread)) is not None:
            frame, self._unread = self._unread[:size], self._unread[size:]
            self._hear(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server went"))

    async def entered(self) -> None:
        await self._done

    async def bid(self, first: int, last: int) -> None:
        """Bid `first` to `last` yuan beyond the start, each once the one before is acknowledged."""
        self._done = asyncio.get_running_loop().create_future()
        self._next, self._last = first, last
        self._bid()
        await self._done

    def close(self) -> None:
        self._transport.abort()

    def _hear(self, frame: bytes) -> None:
        if b'"op":"heartbeat"' in frame or frame[0] != 0x81:
            return
        assert b'"op":"ack"' in frame or b'"op":"welcome"' in frame, frame
        if self._next < self._last:
            self._bid()
        elif not self._done.done():
            self._done.set_result(None)

    def _bid(self) -> None:
        price = f"{START_YUAN + self._next}.00"
        said = {"op": "bid", "cmd": f"{self._lot}-{self._next}", "auction": self._lot}
        self._next += 1
        self._transport.write(masked(json.dumps({**said, "price": price}, separators=(",", ":"))))


def _frame_size(data: bytes) -> int | None:
    """Return how long the first frame of a server is, None while it is not all there."""
    if len(data) < 4:
        return None
    size, begins = data[1], 2
    if size == 126:
        size, begins = int.from_bytes(data[2:4], "big"), 4
    return begins + size if len(data) >= begins + size else None


async def _entered(port: int, token: str, lot: str) -> Bidder:
    loop = asyncio.get_running_loop()
    _, bidder = await loop.create_connection(lambda: Bidder(token, lot), "127.0.0.1", port)
    await asyncio.wait_for(bidder.entered(), PATIENCE_S)
    return bidder


async def _all_bid(sockets: list[Bidder], first: int, last: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(socket.bid(first, last) for socket in sockets))


async def _asked(server: asyncio.subprocess.Process) -> float:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b"cpu\n")
    return float(await server.stdout.readline())


async def _serve(whose: str) -> None:
    async with _ours() if whose == "ours" else _plain() as (server, told):
        listener = listen("127.0.0.1", 0)
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        print(json.dumps({**told, "port": listener.getsockname()[1]}), flush=True)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.readline():
            print(time.process_time(), flush=True)
        server.should_exit = True
        await serving


Served = tuple[uvicorn.Server, dict[str, Any]]


@asynccontextmanager
async def _ours() -> AsyncIterator[Served]:
    async with a_database() as (dsn, _), market_on(dsn) as market:
        feed = FeedLimits(frames_per_s=MUCH.per_s, burst=MUCH.burst, sockets_per_person=LOTS)
        limits = EdgeLimits(organisation=MUCH, address=MUCH, feed=feed)
        yield MarketServer(create_app(market, limits=limits)), await a_town(market)


@asynccontextmanager
async def _plain() -> AsyncIterator[Served]:
    """Starlette as its manual has it, each bid one transaction of the ORM."""
    async with a_database() as (dsn, _), the_plain_ways(dsn, LOTS, FIRMS) as (way, _):

        async def feed(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.receive_json()
            await websocket.send_json({"op": "welcome"})
            try:
                while True:
                    frame = await websocket.receive_json()
                    price_minor = await way.place(0, int(frame["auction"]))
                    said = {"op": "ack", "cmd": frame["cmd"], "price_minor": price_minor}
                    await websocket.send_json(said)
            except WebSocketDisconnect:
                pass

        app = Starlette(routes=[WebSocketRoute("/feed", feed)])
        config = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None)
        lots = [str(number) for number in range(LOTS)]
        yield uvicorn.Server(config), {"tokens": [""] * FIRMS, "lots": lots}


async def a_town(market: Market) -> dict[str, Any]:
    """Open auctions in which each firm beats its own bid, so that all are accepted."""
    await with_sugar(market)
    mill = await an_organisation(market, "Mill", kind="mill")
    tokens = [await _a_firm(market, number) for number in range(FIRMS)]
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
    lots = []
    for _ in range(LOTS):
        opened = await opening.open_auction(market, an_actor(mill, "seller"), a_command(), terms)
        lots.append(opened.answer["auction_id"])
    return {"tokens": tokens, "lots": lots}


async def _a_firm(market: Market, number: int) -> str:
    firm = await an_organisation(market, f"Firm {number}", kind="trader")
    await with_cash(market, firm, RICH_MINOR)
    login = f"firm-{number:04d}"
    await a_person(market, firm, login, "buyer", password=PASSWORD)
    return (await sessions.open_session(market, login, PASSWORD)).token


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1]))
