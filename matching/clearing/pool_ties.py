"""That of all choices as good as the best the first was taken: the smallest list of pools.

A list of pools is compared pool by pool, each its ids in order and the pools in order. So the
first pool of the list must be the smallest window that any of these choices has; what lies to
either side of it is then a question of its own, for the windows of one side do not depend on
those of the other, and their number on each side is settled by how good a way to there is.

A window has a smaller list than a pool if it holds an id that the pool lacks and, with it, all
ids of the pool that come before; or if it is a part of the pool that the pool's ids start with.
Which windows hold some stretch is told by the last end of a window from each start.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from matching.clearing.form import GuaranteeBroken
from matching.clearing.pool_line import Line

Levels = dict[int, Sequence[int]]
Pair = tuple[int, int]


class Choices(NamedTuple):
    """The boundaries of some choices by level, and the last end of a window from each start.

    A window leads from a level to the next one; passing a pledge by is no window.
    """

    levels: Levels
    windows: list[Pair]

    def is_single(self, pools: int) -> bool:
        """Tell whether there is one choice of so many windows only."""
        return len(self.windows) == pools and max(map(len, self.levels.values())) == 1


class Ways(Protocol):
    """What knows the choices that are as good as the best."""

    def between(self, start: int, end: int, pools: int) -> Choices:
        """Return such choices between two boundaries that any of them passes."""
        ...


class Named(NamedTuple):
    """A pool as a window of a line, with the ids of its members in order."""

    names: Sequence[str]
    start: int
    stop: int


def check_first(line: Line, ids: Sequence[str], claims: Sequence[Named], ways: Ways) -> None:
    """Check that no choice as good has a smaller list of pools than the windows claimed."""
    count = len(ids)
    choices = ways.between(0, count, len(claims))
    if choices.is_single(len(claims)):
        return
    fixed = [0, count]
    starts = sorted([claim.start for claim in claims])
    for claim in sorted(claims):
        at = bisect_right(fixed, claim.start)
        low, high = fixed[at - 1], fixed[at]
        if (claim.start, claim.stop) == (low, high):
            continue
        pools = bisect_left(starts, high) - bisect_left(starts, low)
        if (low, high) != (0, count):
            choices = ways.between(low, high, pools)
        if not choices.is_single(pools) and not _is_first(ids, claim, _windows_of(line, choices)):
            raise GuaranteeBroken("first_list", f"a pool comes before that of {claim.names[0]}")
        fixed[at:at] = [bound for bound in claim[1:] if low < bound < high]


class _Windows(NamedTuple):
    """The windows of some choices: starts, and the last end of a window from there or before."""

    line: Line
    level: dict[int, int]
    starts: list[int]
    ends: list[int]

    def has(self, start: int, end: int) -> bool:
        level = self.level
        if start not in level or end not in level or level[start] + 1 != level[end]:
            return False
        return self.line.is_lawful(start, end)


def _windows_of(line: Line, choices: Choices) -> _Windows:
    level: dict[int, int] = {}
    for number, bounds in choices.levels.items():
        level.update(dict.fromkeys(bounds, number))
    found = sorted(choices.windows)
    ends = [*accumulate([end for _, end in found], max)]
    return _Windows(line, level, [start for start, _ in found], ends)


def furthest_ends(line: Line, starts: Sequence[int], ends: Sequence[int]) -> list[Pair]:
    """Return the starts of lawful windows to some of these ends, with the last end of each.

    Both ascend.
    """
    _, _, reach, stops, crowds, least, *_ = line
    found: list[Pair] = []
    last, beyond = len(stops), stops[-1] + 1
    coming = iter(ends)
    end, following = -1, next(coming, beyond)
    for start in starts:
        if start == last:
            break
        stop = stops[start]
        while following <= stop:
            end, following = following, next(coming, beyond)
        if start < end and start < crowds[end] and reach[end] - reach[start] >= least:
            found.append((start, end))
    return found


def _is_first(ids: Sequence[str], pool: Named, windows: _Windows) -> bool:
    """Tell whether no window has a smaller list of ids than a pool."""
    names, start, stop = pool
    is_least = names[0] == min(ids[windows.starts[0] : windows.ends[-1]])
    if not is_least and names[0] != _smallest(ids, windows):
        return False
    place = dict(zip(ids[start:stop], range(start, stop), strict=True))
    # A window that holds the first id holds everything up to the bounds on either side of it.
    bounds = sorted(windows.level)
    after = bisect_right(bounds, place[names[0]])
    low, high = bounds[after - 1], bounds[after]
    for taken, name in enumerate(names):
        at = place[name]
        if low <= at < high:
            continue
        # So far the pool's ids stretch from `low` to `high`; this name is the first outside.
        if taken == high - low and windows.has(low, high):
            return False
        beside = _smallest_beside(ids, (low, high), pool, windows)
        if beside is not None and beside < name:
            return False
        low, high = min(low, at), max(high, at + 1)
    beside = _smallest_beside(ids, (low, high), pool, windows)
    return beside is None or beside > names[-1]


def _smallest(ids: Sequence[str], windows: _Windows) -> str:
    """Return the smallest id that any window holds."""
    found = []
    edge = 0
    for start, end in zip(windows.starts, windows.ends, strict=True):
        if end > edge:
            found.append(min(ids[max(start, edge) : end]))
            edge = end
    return min(found)


def _smallest_beside(ids: Sequence[str], held: Pair, pool: Named, windows: _Windows) -> str | None:
    """Return the smallest id outside a pool that some window holds together with a stretch."""
    low, high = held
    at = bisect_right(windows.starts, low) - 1
    if at < 0 or windows.ends[at] < high:
        return None
    first = windows.starts[bisect_left(windows.ends, high)]
    beside = [*ids[first : pool.start], *ids[pool.stop : windows.ends[at]]]
    return min(beside, default=None)
