"""The bus of one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aggregator.bus import Listener


class MemoryBus:
    """Wakes listeners of this process, at once."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        self._listeners.clear()

    async def wake(self, streams: Sequence[str]) -> None:
        self.tell(streams)

    def tell(self, streams: Sequence[str]) -> None:
        for listener in list(self._listeners):
            listener(streams)

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end
