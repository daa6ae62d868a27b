"""The bus of several processes, over Redis or Valkey.

Losing the server never breaks a commit and never loses a fact: a wake-up is sent after the
journal has it, from a task of its own, and who missed it finds the entry at its next poll.
`redis.asyncio` is where aioredis lives now.
"""

from __future__ import annotations

import asyncio
import secrets

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from aggregator import logs
from aggregator.bus.distant import DistantBus

# The hash tag keeps the channel on one shard should the server be a cluster.
CHANNEL = "{aggregator}:wake"

_CONNECT_S = 2
_SEND_S = 2
_LISTEN_S = 5
_HEALTH_S = 10
_FIRST_WAIT_MS, _LONGEST_WAIT_MS = 100, 5000
_LOST = (RedisError, OSError, TimeoutError)


class RedisBus(DistantBus):
    """Wakes this process at once, and every other process that listens to the same server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._clients: list[Redis] = []

    async def start(self) -> None:
        """Begin to send and to hear; a server that is away is tried again for ever."""
        self._tasks.start(self._send_on(self._client(timeout_s=_SEND_S)), name="bus sends")
        self._tasks.start(self._hear_on(self._client(timeout_s=None)), name="bus hears")

    async def stop(self) -> None:
        await super().stop()
        for client in self._clients:
            await client.aclose()
        self._clients.clear()

    def _client(self, *, timeout_s: int | None) -> Redis:
        # A read time-out would cut a quiet subscription; its health is checked by pings.
        client = Redis.from_url(
            self._url,
            socket_timeout=timeout_s,
            socket_connect_timeout=_CONNECT_S,
            socket_keepalive=True,
            health_check_interval=_HEALTH_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._clients.append(client)
        return client

    async def _send_on(self, client: Redis) -> None:
        wait_ms = 0
        while True:
            streams = await self._next_streams()
            try:
                await client.publish(CHANNEL, self._message(streams))
                wait_ms = 0
            except _LOST as error:
                logs.logger().warning("bus_send_failed", count=len(streams), exc_info=error)
                wait_ms = await _wait_longer(wait_ms)

    async def _hear_on(self, client: Redis) -> None:
        wait_ms = 0
        while True:
            try:
                async with client.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    while True:
                        message = await channel.get_message(timeout=_LISTEN_S) or {"type": ""}
                        if message["type"] == "subscribe":
                            wait_ms = 0
                            self._is_hearing.set()
                        elif message["type"] == "message":
                            self._heard(message["data"])
            except _LOST as error:
                self._is_hearing.clear()
                logs.logger().warning("bus_lost", exc_info=error)
                wait_ms = await _wait_longer(wait_ms)


async def _wait_longer(wait_ms: int) -> int:
    """Sleep for the wait doubled, with some chance in it, and return it."""
    wait_ms = min(max(wait_ms * 2, _FIRST_WAIT_MS), _LONGEST_WAIT_MS)
    drawn_ms = wait_ms // 2 + secrets.randbelow(wait_ms // 2)
    await asyncio.sleep(drawn_ms * 0.001)
    return wait_ms
