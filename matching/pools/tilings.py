"""Putting everybody of a line into windows, as few as sizes allow.

No set of windows holds more than everybody, and none that holds everybody has fewer windows than
the ratio of sizes allows: where there is such a tiling, no shortest path need be looked for. After
each number of windows only the boundaries between the earliest and the latest possible one come
into question, mostly few. What is left is to break the tie, as in `matching.pools.ties`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from matching.pools.stretches import Line
from matching.pools.ties import Costs, Pair, first_window

NOWHERE = -2  # The cost of a boundary that no tiling passes.


def first_tiling(line: Line) -> list[Pair] | None:
    """Return the windows of the first tiling from left to right, or None if there is none."""
    count = len(line.lots)
    levels = _levels(line, 0, count)
    if levels is None:
        return None
    ids = line.ids()
    found: list[Pair] = []
    segments = [(0, count)]
    while segments:
        start, stop = segments.pop()
        levels = levels or _levels(line, start, stop)
        assert levels is not None, "either side of a window of a tiling is tiled"
        if max(map(len, levels)) == 1:
            found += pairwise([bound for (bound,) in levels])
        else:
            cost = [NOWHERE] * (count + 1)
            for number, held in enumerate(levels):
                for bound in held:
                    cost[bound] = number
            nodes = sorted([bound for held in levels for bound in held])
            window = first_window(Costs(cost, (), line.lots, count, line), nodes, ids)
            found.append(window)
            sides = ((start, window[0]), (window[1], stop))
            segments += [side for side in sides if side[0] < side[1]]
        levels = None
    return sorted(found)


def _levels(line: Line, start: int, stop: int) -> list[list[int]] | None:
    """Return the boundaries of all tilings of a stretch, by how many windows lie before them."""
    stops = line.stops
    lows = [stop]
    while lows[-1] > start:
        lows.append(bisect_left(stops, lows[-1], start))
    pools = len(lows) - 1
    if pools * line.least_lots > line.reach[stop] - line.reach[start]:
        return None
    reached: list[Sequence[int]] = [(start,)]
    for low in lows[-2:0:-1]:
        here = _reached_from(line, reached[-1], low)
        if not here:
            return None
        reached.append(here)
    levels = [[stop]]
    for before in reversed(reached):
        here = _leading_to(line, before, levels[-1])
        if not here:
            return None
        levels.append(here)
    return levels[::-1]


def _reached_from(line: Line, starts: Sequence[int], low: int) -> list[int]:
    """Return the boundaries from `low` on to which a window leads from one of these starts."""
    reach, stops, least = line.reach, line.stops, line.least_lots
    crowds, groups = line.crowds, line.shape.min_members
    found: list[int] = []
    at, last = -1, len(starts) - 1
    coming = starts[0]
    for bound in range(low, stops[starts[-1]] + 1):
        crowd = bound - groups if crowds is None else crowds[bound]
        while at < last and coming <= crowd and reach[bound] - reach[coming] >= least:
            at += 1
            coming = starts[min(at + 1, last)]
        if at >= 0 and stops[starts[at]] >= bound:
            found.append(bound)
    return found


def _leading_to(line: Line, starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """Return those of these starts from which a window leads to one of these ends."""
    reach, stops, least = line.reach, line.stops, line.least_lots
    crowds, groups = line.crowds, line.shape.min_members
    found: list[int] = []
    at, count = 0, len(ends)
    for start in starts:
        stop = stops[start]
        while at < count and ends[at] <= stop:
            at += 1
        end = ends[at - 1]
        crowd = end - groups if crowds is None else crowds[end]
        if at and start <= crowd and reach[end] - reach[start] >= least:
            found.append(start)
    return found
