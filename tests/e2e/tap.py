"""A tap on every line of the end-to-end tests: whatever a server sends or hears is kept.

Browsers and programs are given the tap's address in the server's place. It forwards bytes as they
come, in a thread of its own, so that neither a busy test nor a killed process holds it up, and
notes them before it passes them on: what anybody has read has been noted.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar
from urllib.parse import urlsplit

import uvloop

T = TypeVar("T")
Chunk = tuple[datetime, bytes]

_CHUNK = 64 * 1024
_PATIENCE_S = 60


@dataclass
class Line:
    """One connection: what was asked of a server and what it told, by the market's time."""

    asked: list[Chunk] = field(default_factory=list)
    told: list[Chunk] = field(default_factory=list)


@dataclass
class Tap:
    """What was noted since the test began; `now` is the time of the market that is tapped.

    `deals` are the buyer and the seller of each deal, as the contracts' rows say at the end.
    """

    lines: list[Line] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)
    deals: dict[str, tuple[str, str]] = field(default_factory=dict)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _outputs: list[TextIO] = field(default_factory=list)
    _places: dict[int, str] = field(default_factory=dict)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _pumps: set[asyncio.Task[None]] = field(default_factory=set)

    def through(self, url: str) -> str:
        """Return where to go in place of `url`; a port that is served again keeps its place."""
        found = urlsplit(url)
        assert found.port is not None, url
        if found.port not in self._places:
            self._places[found.port] = self._do(self._listen(found.port))
        return f"{found.scheme}://{self._places[found.port]}{found.path}"

    def follow(self, output: Path) -> None:
        """Keep what a process writes to its output, even when the file is gone."""
        self._outputs.append(output.open())

    def close(self) -> None:
        """End every connection there is, and take what was logged."""
        if self._servers:
            self._do(self._end())
        for output in self._outputs:
            with output:
                self.log.write(output.read())

    def _do(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, _thread()).result(_PATIENCE_S)

    async def _listen(self, port: int) -> str:
        async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._join(port, reader, writer))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

        server = await asyncio.start_server(joined, "127.0.0.1", 0, backlog=1024)
        self._servers.append(server)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _join(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        ends = [writer]
        try:
            there, to = await asyncio.open_connection("127.0.0.1", port)
            ends.append(to)
            line = Line()
            self.lines.append(line)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, to, line.asked))
                group.create_task(self._pump(there, writer, line.told))
        except* OSError:
            pass  # Either side is gone, and so is the other one now.
        finally:
            for end in ends:
                end.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, noted: list[Chunk]
    ) -> None:
        while chunk := await source.read(_CHUNK):
            noted.append((self.now(), chunk))
            sink.write(chunk)
            await sink.drain()
        # Who has said all may still hear.
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()


def _thread() -> asyncio.AbstractEventLoop:
    if not _LOOPS:
        loop = uvloop.new_event_loop()
        threading.Thread(target=loop.run_forever, name="tap", daemon=True).start()
        _LOOPS.append(loop)
    return _LOOPS[0]


_LOOPS: list[asyncio.AbstractEventLoop] = []
