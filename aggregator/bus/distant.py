"""What the buses of several processes share: what waits to be sent, and how messages are read."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence

from aggregator import logs
from aggregator.bus import Listener
from aggregator.bus.memory import MemoryBus
from aggregator.tasks import Tasks

_MAX_STREAMS = 1000


class DistantBus:
    """Wakes this process at once; a subclass carries the messages to and from the others."""

    def __init__(self) -> None:
        self._near = MemoryBus()
        self._name = secrets.token_hex(8)
        self._tasks = Tasks()
        self._pending: set[str] = set()
        self._has_pending = asyncio.Event()
        self._is_hearing = asyncio.Event()

    async def stop(self) -> None:
        await self._tasks.stop()
        await self._near.stop()

    async def wake(self, streams: Sequence[str]) -> None:
        """Tell listeners here now, and those elsewhere as soon as the message is taken."""
        await self._near.wake(streams)
        # Beyond the bound, the others' polls find what is left out.
        self._pending.update(streams[: max(_MAX_STREAMS - len(self._pending), 0)])
        self._has_pending.set()

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self._near.listen(listener)

    async def hearing(self) -> None:
        """Return once wake-ups of other processes arrive."""
        await self._is_hearing.wait()

    async def _next_streams(self) -> list[str]:
        """Wait until there is something to send, and take all of it."""
        await self._has_pending.wait()
        streams = sorted(self._pending)
        self._pending.clear()
        self._has_pending.clear()
        return streams

    def _message(self, streams: Sequence[str]) -> str:
        return json.dumps({"from": self._name, "grew": streams})

    def _heard(self, text: str) -> None:
        try:
            message = json.loads(text)
            sender, streams = message["from"], [str(stream) for stream in message["grew"]]
        except (ValueError, TypeError, KeyError):
            # Somebody else's message on a shared server is no reason to stop hearing ours.
            logs.logger().warning("bus_message_unread")
            return
        if sender != self._name:
            self._near.tell(streams)
