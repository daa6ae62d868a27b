"""A subscriber of the live prices, written as any program outside would write one."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from aggregator.tasks import Tasks


class Watcher:
    """Reads `prices:*` without signing in and keeps every price that arrives."""

    def __init__(self, base_url: str, name: str) -> None:
        self.name = name
        self.prices: dict[str, str] = {}
        self.frames = 0
        self._url = base_url.replace("http", "ws", 1) + "/feed"
        self._socket: ClientConnection | None = None
        self._arrived = asyncio.Event()
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        self._socket = await connect(
            self._url,
            subprotocols=[Subprotocol("aggregator.feed.v1")],
            compression=None,
            proxy=None,
        )
        await self._send({"op": "hello", "client": f"demonstration/{self.name}"})
        await self._send({"op": "subscribe", "topic": "prices:*"})
        self._tasks.start(self._read(), name=f"watcher {self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._socket is not None
        await self._socket.close()
        await self._tasks.stop()

    async def price_of(self, cell: str, *, within_s: int = 5) -> str | None:
        """Wait until a price of `cell` has arrived; None if none does in time."""
        deadline = asyncio.get_running_loop().time() + within_s
        while cell not in self.prices:
            self._arrived.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                return self.prices.get(cell)
        return self.prices[cell]

    async def _send(self, frame: dict[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(frame))

    async def _read(self) -> None:
        assert self._socket is not None
        async for text in self._socket:
            frame = json.loads(text)
            if frame["op"] not in ("snapshot", "delta") or frame["topic"] != "prices:*":
                continue
            self.frames += frame["op"] == "delta"
            for cell, shown in frame["data"].get("prices", {}).items():
                if shown is not None and "price" in shown:
                    self.prices[cell] = shown["price"]
            self._arrived.set()
