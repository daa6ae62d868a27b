"""Named points in a commit at which a storm kills the process, to see what is left.

`AGG_KILL_AT=written:17` kills a test process as it passes `written` for the 17th time. Elsewhere
the points are passed at the price of one look at an empty table.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

POINTS = ("locked", "decided", "written", "committed", "woken")


def passing(point: str) -> None:
    """Pass a point; die there if that was asked for."""
    if not _LEFT:
        return
    _LEFT[point] = _LEFT.get(point, 0) - 1
    if _LEFT[point] == 0:
        _STRIKES[-1]()


def strike_with(blow: Callable[[], None]) -> None:
    """Let this process do something else at its point than die."""
    _STRIKES.append(blow)


def arm() -> None:
    """Take the point from the environment; a process that was forked does so once more."""
    point, _, count = os.environ.get("AGG_KILL_AT", "").partition(":")
    _LEFT.clear()
    if os.environ.get("AGG_ENV") == "test" and point in POINTS and count.isdecimal():
        _LEFT[point] = int(count)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_LEFT: dict[str, int] = {}
_STRIKES: list[Callable[[], None]] = [_die]
arm()
