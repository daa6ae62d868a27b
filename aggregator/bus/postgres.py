"""The bus of several processes over the database itself, where there is no Redis.

PostgreSQL carries up to some thousand wake-ups a second, in payloads of at most 8000 bytes. They
are sent after commit from a task of their own, so losing one costs a poll and never a fact.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator, Sequence

import asyncpg

from aggregator import logs
from aggregator.bus import Listener
from aggregator.bus.memory import MemoryBus
from aggregator.db.faults import LOST
from aggregator.tasks import Tasks

CHANNEL = "aggregator_wake"

_TIMEOUT_S = 5
_AGAIN_S = 0.5
_MAX_STREAMS = 1000
_STREAMS_A_PAYLOAD = 30
_GONE = (*LOST, TimeoutError, asyncpg.PostgresError)


class PostgresBus:
    """Wakes this process at once, and every other process that listens to the same database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._near = MemoryBus()
        self._name = secrets.token_hex(8)
        self._tasks = Tasks()
        self._pending: set[str] = set()
        self._has_pending = asyncio.Event()
        self._is_hearing = asyncio.Event()

    async def start(self) -> None:
        """Begin to send and to hear; a database that is away is tried again for ever."""
        self._tasks.start(self._keep_on(), name="bus")

    async def stop(self) -> None:
        await self._tasks.stop()
        await self._near.stop()

    async def wake(self, streams: Sequence[str]) -> None:
        """Tell listeners here now, and those elsewhere as soon as the database takes it."""
        await self._near.wake(streams)
        # Beyond the bound, the others' polls find what is left out.
        self._pending.update(streams[: max(_MAX_STREAMS - len(self._pending), 0)])
        self._has_pending.set()

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self._near.listen(listener)

    async def hearing(self) -> None:
        """Return once wake-ups of other processes arrive."""
        await self._is_hearing.wait()

    async def _keep_on(self) -> None:
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S
                )
                try:
                    await connection.add_listener(CHANNEL, self._heard)
                    connection.add_termination_listener(self._ended)
                    self._is_hearing.set()
                    await self._send_on(connection)
                finally:
                    connection.terminate()
            except _GONE as error:
                self._is_hearing.clear()
                logs.logger().warning("bus_lost", exc_info=error)
                await asyncio.sleep(_AGAIN_S)

    async def _send_on(self, connection: asyncpg.Connection) -> None:
        while not connection.is_closed():
            await self._has_pending.wait()
            streams = sorted(self._pending)
            self._pending.clear()
            self._has_pending.clear()
            for payload in self._payloads(streams):
                await connection.execute("select pg_notify($1, $2)", CHANNEL, payload)
        raise ConnectionResetError("the bus's connection was closed")

    def _payloads(self, streams: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(streams), _STREAMS_A_PAYLOAD):
            part = streams[start : start + _STREAMS_A_PAYLOAD]
            yield json.dumps({"from": self._name, "grew": part})

    def _ended(self, *_: object) -> None:
        # Wakes the sender, who then finds the connection closed and makes another.
        self._has_pending.set()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            message = json.loads(str(payload))
            sender, streams = message["from"], [str(stream) for stream in message["grew"]]
        except (ValueError, TypeError, KeyError):
            logs.logger().warning("bus_message_unread")
            return
        if sender != self._name:
            self._near.tell(streams)
