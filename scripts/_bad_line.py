"""A line between clients and a server that delays, cuts into pieces, falls silent and breaks."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter

_CHUNK = 64 * 1024


class BadLine:
    """Forwards every connection to one port; `done` counts what it did to them."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self.is_good = False
        self._to = port
        self._chance = chance
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Begin to forward and return the port to connect to."""
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, to = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, to), (there, writer)):
            pump = asyncio.ensure_future(self._pump(source, sink, (writer, to)))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        try:
            with contextlib.suppress(OSError):
                while chunk := await source.read(_CHUNK):
                    await self._forward(chunk, sink)
        finally:
            for writer in both:
                writer.transport.abort()

    async def _forward(self, chunk: bytes, sink: asyncio.StreamWriter) -> None:
        kind = 1.0 if self.is_good else self._chance.random()
        if kind < 0.003:
            self.done["cuts"] += 1
            sink.write(chunk[: self._chance.randrange(len(chunk))])
            await sink.drain()
            raise ConnectionResetError
        if kind < 0.004:
            self.done["silences"] += 1
            await asyncio.sleep(self._chance.uniform(1, 4))
        elif kind < 0.03:
            self.done["delays"] += 1
            await asyncio.sleep(self._chance.uniform(0, 0.3))
        elif kind < 0.1:
            self.done["chunks torn"] += 1
            at = self._chance.randrange(len(chunk))
            sink.write(chunk[:at])
            await asyncio.sleep(0)
            chunk = chunk[at:]
        sink.write(chunk)
        await sink.drain()
