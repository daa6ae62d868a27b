"""A line between a browser and a market that can be made slow, silent or lost."""

from __future__ import annotations

import asyncio
import contextlib

_CHUNK = 64 * 1024


class LaggingLine:
    """Forwards every connection to one port; what a market sends can come late, or not at all."""

    def __init__(self, port: int) -> None:
        self.flows = asyncio.Event()
        self.flows.set()
        self.feed_delay_s = 0.0
        self._to = port
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Begin to forward and return the address to visit."""
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """End every connection there is."""
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_connection("127.0.0.1", self._to)
        asked = await reader.read(_CHUNK)
        to.write(asked)
        is_feed = asked.startswith(b"GET /feed ")
        self._start(self._forward(reader, to), writer, to)
        self._start(self._answer(there, writer, is_feed=is_feed), writer, to)

    def _start(self, pumping: asyncio._CoroutineLike[None], *ends: asyncio.StreamWriter) -> None:
        async def pump() -> None:
            try:
                with contextlib.suppress(OSError):
                    await pumping
            finally:
                for end in ends:
                    end.transport.abort()

        task = asyncio.ensure_future(pump())
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            await self.flows.wait()
            sink.write(chunk)

    async def _answer(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_feed: bool
    ) -> None:
        """Send each piece when it is due, so that a slow line delays and does not thin out."""
        loop = asyncio.get_running_loop()
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                at, chunk = await due.get()
                await asyncio.sleep(at - loop.time())
                await self.flows.wait()
                sink.write(chunk)

        delivering = asyncio.ensure_future(deliver())
        try:
            while chunk := await source.read(_CHUNK):
                delay = self.feed_delay_s if is_feed else 0
                due.put_nowait((loop.time() + delay, chunk))
            while not due.empty():
                await asyncio.sleep(0.01)
        finally:
            delivering.cancel()
