"""Waking other processes: which streams grew. The journal holds the truth, the bus only wakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Listener = Callable[[Sequence[str]], None]


class Bus(Protocol):
    """Announces stream names after commit; at most once, in no promised order."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def wake(self, streams: Sequence[str]) -> None:
        """Tell every listener of every process that `streams` grew."""

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on every wake-up; the returned function ends it."""
