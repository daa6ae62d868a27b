"""The one place that reads the clock.

Market time is aware UTC in whole milliseconds and never goes back. A process of a market asks
its database once what time it is and counts on from there, so that processes agree whatever
their machines' clocks say, and nobody's adjustment of one can close an auction or open it again.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAP_S = 30
_ANCHORINGS = 5
_GOOD_ANCHORING_NS = 20_000_000

# A suspended machine's monotonic clock stands still; Linux offers one that does not.
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)

DATABASE_TIME = "select clock_timestamp() as at"
"""The question by which a clock is anchored, and nothing else is timed by its answer."""


class Clock(Protocol):
    """What time it is in the market."""

    def now(self) -> datetime:
        """Return an aware UTC instant in whole milliseconds, never earlier than the last one."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return once `now()` is at or past `instant`."""
        ...


def whole_ms(instant: datetime) -> datetime:
    """Return the instant in UTC, cut to milliseconds. Naive instants are refused."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


_steady_ns: Callable[[], int] = (
    time.monotonic_ns if _BOOTTIME is None else partial(time.clock_gettime_ns, _BOOTTIME)
)


class SystemClock:
    """Time told at the start, by the wall clock or the database, counted on by a steady one."""

    def __init__(self, base_ns: int | None = None) -> None:
        self._base_ns = time.time_ns() - _steady_ns() if base_ns is None else base_ns
        self._latest = 0, _EPOCH

    @classmethod
    async def anchored(cls, ask: Callable[[], Awaitable[datetime]]) -> SystemClock:
        """Return a clock that counts on from the time that `ask` tells, the database's.

        It is asked again while answers take long; the quickest is off by half of its way at most.
        """
        quickest, base_ns = -1, 0
        for _ in range(_ANCHORINGS):
            before = _steady_ns()
            told = await ask()
            took = _steady_ns() - before
            if quickest < 0 or took < quickest:
                told_ns = (told - _EPOCH) // timedelta(microseconds=1) * 1000
                quickest, base_ns = took, told_ns - before - took // 2
            if took < _GOOD_ANCHORING_NS:
                break
        return cls(base_ns)

    def now(self) -> datetime:
        elapsed = (self._base_ns + _steady_ns()) // 1_000_000
        at, instant = self._latest
        if at != elapsed:
            # Acts of one millisecond share the very object, whose hash is worked out once.
            instant = _EPOCH + timedelta(milliseconds=elapsed)
            self._latest = elapsed, instant
        return instant

    async def sleep_until(self, instant: datetime) -> None:
        # Naps, because a suspended machine's sleep takes longer than it was told to.
        while (left := instant - self.now()) > timedelta(0):  # noqa: ASYNC110
            await asyncio.sleep(min(left.total_seconds(), _LONGEST_NAP_S))


class SimulatedClock:
    """A clock that stands still until it is set. It moves forward only."""

    def __init__(self, start: datetime) -> None:
        self._now = whole_ms(start)
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Move to `instant` and wake, in order, those who slept until then."""
        instant = whole_ms(instant)
        if instant < self._now:
            raise ValueError(f"time does not go back from {self._now} to {instant}")
        self._now = instant
        while self._sleepers and self._sleepers[0][0] <= instant:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)

    def advance(self, by: timedelta) -> None:
        self.set(self._now + by)

    async def sleep_until(self, instant: datetime) -> None:
        if instant <= self._now:
            # A loop that sleeps to the past must still let others run.
            await asyncio.sleep(0)
            return
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (instant, next(self._order), sleeper))
        await sleeper
