"""The bus of several processes over the database itself, where there is no Redis.

PostgreSQL carries up to some thousand wake-ups a second, in payloads of at most 8000 bytes. They
are sent after commit from a task of their own, so losing one costs a poll and never a fact.
"""

from __future__ import annotations

import asyncio

import asyncpg

from aggregator import logs
from aggregator.bus.distant import DistantBus
from aggregator.db.faults import LOST

CHANNEL = "aggregator_wake"

_TIMEOUT_S = 5
_AGAIN_S = 0.5
_STREAMS_A_PAYLOAD = 30
_GONE = (*LOST, TimeoutError, asyncpg.PostgresError)


class PostgresBus(DistantBus):
    """Wakes this process at once, and every other process that listens to the same database."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn

    async def start(self) -> None:
        """Begin to send and to hear; a database that is away is tried again for ever."""
        self._tasks.start(self._keep_on(), name="bus")

    async def _keep_on(self) -> None:
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S
                )
                try:
                    await connection.add_listener(CHANNEL, self._notified)
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
            streams = await self._next_streams()
            for start in range(0, len(streams), _STREAMS_A_PAYLOAD):
                payload = self._message(streams[start : start + _STREAMS_A_PAYLOAD])
                await connection.execute("select pg_notify($1, $2)", CHANNEL, payload)
        raise ConnectionResetError("the bus's connection was closed")

    def _ended(self, *_: object) -> None:
        # Wakes the sender, who then finds the connection closed and makes another.
        self._has_pending.set()

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._heard(str(payload))
