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

from matching.clearing.form import require
from matching.clearing.pool_line import Line

Levels = dict[int, list[int]]
Pair = tuple[int, int]


class Ways(Protocol):
    """What knows the choices that are as good as the best."""

    def between(self, start: int, end: int, pools: int) -> Levels:
        """Return the boundaries that such choices pass between two of them, by level.

        A window leads from a level to the next one; passing a pledge by is no window.
        """
        ...


def check_first(line: Line, ids: Sequence[str], claims: Sequence[Pair], ways: Ways) -> None:
    """Check that no choice as good has a smaller list of pools than the windows claimed."""
    count = len(ids)
    levels = ways.between(0, count, len(claims))
    if len(levels) > len(claims) and all(len(held) == 1 for held in levels.values()):
        return  # There is one way only.
    ranks = [0] * count
    for rank, place in enumerate(sorted(range(count), key=ids.__getitem__)):
        ranks[place] = rank
    fixed = [0, count]
    named = sorted([(sorted(ranks[start:stop]), start, stop) for start, stop in claims])
    starts = sorted([start for start, _ in claims])
    for names, start, stop in named:
        at = bisect_right(fixed, start)
        low, high = fixed[at - 1], fixed[at]
        pools = bisect_left(starts, high) - bisect_left(starts, low)
        if (start, stop) == (low, high):
            continue
        if (low, high) != (0, count):
            levels = ways.between(low, high, pools)
        found = _windows_of(line, levels)
        is_first = _is_first(ranks, names, (start, stop), found)
        name = min(ids[start:stop])
        require(is_first, "first_list", f"another pool comes before that of {name}")
        fixed[at:at] = [bound for bound in (start, stop) if low < bound < high]


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


def _windows_of(line: Line, levels: Levels) -> _Windows:
    found: list[Pair] = []
    level: dict[int, int] = {}
    for number, bounds in levels.items():
        level.update(dict.fromkeys(bounds, number))
        after = levels.get(number + 1)
        if after is not None:
            found += furthest_ends(line, bounds, after)
    found.sort()
    ends = [*accumulate([end for _, end in found], max)]
    return _Windows(line, level, [start for start, _ in found], ends)


def furthest_ends(line: Line, starts: Sequence[int], ends: Sequence[int]) -> list[Pair]:
    """Return the starts of lawful windows to some of these ends, with the last end of each.

    Both ascend.
    """
    _, _, reach, stops, crowds, least, _ = line
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


def _is_first(ranks: list[int], names: Sequence[int], pool: Pair, windows: _Windows) -> bool:
    """Tell whether no window has a smaller list of ids than a pool; ids count by their rank."""
    if _smallest(ranks, windows) != names[0]:
        return False
    start, stop = pool
    place = dict(zip(ranks[start:stop], range(start, stop), strict=True))
    low = place[names[0]]
    high = low + 1
    for taken, name in enumerate(names):
        at = place[name]
        if low <= at < high:
            continue
        # So far the pool's ids stretch from `low` to `high`; this name is the first outside.
        if taken == high - low and windows.has(low, high):
            return False
        if _smallest_beside(ranks, (low, high), pool, windows) < name:
            return False
        low, high = min(low, at), max(high, at + 1)
    return _smallest_beside(ranks, (low, high), pool, windows) >= names[-1]


def _smallest(ranks: list[int], windows: _Windows) -> int:
    """Return the smallest rank that any window holds."""
    found = []
    edge = 0
    for start, end in zip(windows.starts, windows.ends, strict=True):
        if end > edge:
            found.append(min(ranks[max(start, edge) : end]))
            edge = end
    return min(found)


def _smallest_beside(ranks: list[int], held: Pair, pool: Pair, windows: _Windows) -> int:
    """Return the smallest rank outside a pool that some window holds together with a stretch.

    Where there is none it is beyond all ranks.
    """
    low, high = held
    at = bisect_right(windows.starts, low) - 1
    if at < 0 or windows.ends[at] < high:
        return len(ranks)
    first = windows.starts[bisect_left(windows.ends, high)]
    beside = ranks[first : pool[0]] + ranks[pool[1] : windows.ends[at]]
    return min(beside, default=len(ranks))
