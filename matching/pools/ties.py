"""Breaking ties among sets of windows with the same volume and the same number of windows.

The first set is the one whose list of pools, each its ids in order and the pools in order, is
lexicographically smallest. The windows are never written out: of all optimal paths only the
boundaries they pass are kept, and a window between two of them is optimal when its cost says
so. The smallest id that can be covered decides the first pool, the next ids narrow it down,
and both sides of it are independent, so that they are settled in the same way.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, compress
from typing import NamedTuple

from matching.pools.stretches import Line

Pair = tuple[int, int]
PASSED, SEVERAL = -1, -2


class Costs(NamedTuple):
    """The shortest way to each boundary: lots passed by × `unit`, plus one for each window.

    `way` is how a boundary is best reached: by a window from this start, by passing a pledge
    by (`PASSED`), or in several ways that cost the same. Of tilings only the boundaries
    that they pass have a cost.
    """

    cost: list[int]
    way: Sequence[int]
    lots: Sequence[int]
    unit: int
    line: Line

    def passes(self, end: int) -> bool:
        """Tell whether an optimal way to this boundary passes its last pledge by."""
        return self.cost[end - 1] + self.lots[end - 1] * self.unit == self.cost[end]


def first_of_windows(costs: Costs) -> list[Pair]:
    """Return the windows of the first optimal path, from left to right."""
    end = len(costs.lots)
    windows = _only_path(costs.way, 0, end)
    if windows is not None:
        return windows
    ids = costs.line.ids()
    found: list[Pair] = []
    segments = [(0, end)]
    while segments:
        start, stop = segments.pop()
        if (costs.cost[stop] - costs.cost[start]) % costs.unit == 0:
            continue  # No window lies between.
        windows = _only_path(costs.way, start, stop)
        if windows is not None:
            found += windows
        else:
            nodes = _reaching(costs, start, stop)
            if start:
                nodes = _reached(costs, start, nodes)
            window = first_window(costs, nodes, ids)
            found.append(window)
            segments += [(start, window[0]), (window[1], stop)]
    return sorted(found)


def _only_path(way: Sequence[int], start: int, end: int) -> list[Pair] | None:
    """Return the windows of the optimal path between two boundaries if there is only one."""
    windows: list[Pair] = []
    while end > start:
        before = way[end]
        if before >= 0:
            windows.append((before, end))
            end = before
        elif before == PASSED:
            end -= 1
        else:
            return None
    return windows[::-1]


def _reaching(costs: Costs, start: int, stop: int) -> list[int]:
    """Return the boundaries on optimal ways to `stop`, none before `start`, ascending."""
    cost, way, lots, unit, line = costs
    alive = bytearray(stop + 1)
    alive[stop] = 1
    looked: dict[int, int] = {}
    end = stop
    while end > start:
        via = way[end]
        if via >= 0:
            if via >= start:
                alive[via] = 1
        elif via == PASSED or cost[end - 1] + lots[end - 1] * unit == cost[end]:
            alive[end - 1] = 1
        if via == SEVERAL:
            before = cost[end] - 1
            first = bisect_left(line.stops, end, start)
            last = min(line.last_start(end), looked.get(before, stop) - 1)
            if first <= last:
                looked[before] = first
                for place, here in enumerate(cost[first : last + 1], first):
                    if here == before:
                        alive[place] = 1
        end = alive.rfind(1, start, end)
    return [*compress(range(start, stop + 1), alive[start:])]


def _reached(costs: Costs, start: int, nodes: Sequence[int]) -> list[int]:
    """Keep the boundaries that an optimal way from `start` reaches."""
    cost, line = costs.cost, costs.line
    kept: list[int] = []
    by_cost: dict[int, list[int]] = {}
    for node in nodes:
        before = by_cost.get(cost[node] - 1)
        is_reached = node == start
        if not is_reached and kept and kept[-1] == node - 1:
            is_reached = costs.passes(node)
        if not is_reached and before is not None:
            place = bisect_right(before, line.last_start(node))
            is_reached = place > 0 and line.stops[before[place - 1]] >= node
        if is_reached:
            kept.append(node)
            by_cost.setdefault(cost[node], []).append(node)
    return kept


def first_window(costs: Costs, nodes: Sequence[int], ids: Sequence[str]) -> Pair:
    """Return the optimal window between `nodes` whose sorted list of ids is the smallest."""
    least, starts, ends = _around_the_first(costs, nodes, ids)
    if not any(map(least.__lt__, ends)):
        starts, ends = nodes, _furthest_ends(costs, nodes, nodes)
        least = first_covered(starts, ends, ids)
    return narrowed(starts, ends, least, ids, lambda x, y: _is_window(costs, nodes, x, y))


def narrowed(
    starts: Sequence[int],
    ends: Sequence[int],
    least: int,
    ids: Sequence[str],
    is_window: Callable[[int, int], bool],
) -> Pair:
    """Return the window around the place `least` whose sorted list of ids is the smallest.

    `ends[k]` is the last end of a window from `starts[k]`, or -1. Ids are tried in order: the
    next one is taken if some window holds it with all that were taken before.
    """
    leftmost = next(x for x, y in zip(starts, ends, strict=True) if x <= least < y)
    furthest = _by_place(starts, ends, leftmost, least)
    start, stop = least, least + 1
    taken = 0
    for place in sorted(range(leftmost, furthest[-1]), key=ids.__getitem__):
        if taken == stop - start and is_window(start, stop):
            break
        if place < start:
            if furthest[place - leftmost] < stop:
                continue
            start = place
        elif place >= stop:
            if furthest[start - leftmost] <= place:
                continue
            stop = place + 1
        taken += 1
    return start, stop


def _around_the_first(
    costs: Costs, nodes: Sequence[int], ids: Sequence[str]
) -> tuple[int, Sequence[int], list[int]]:
    """Return the place of the smallest id, the starts before it, and their last ends.

    Mostly some optimal window covers that place; then only the boundaries around it matter.
    """
    least = ids.index(min(ids[nodes[0] : nodes[-1]]), nodes[0])
    after = bisect_right(nodes, least)
    starts = nodes[bisect_left(nodes, costs.line.first_start(least + 1)) : after]
    stops = nodes[after : bisect_right(nodes, costs.line.stops[least])]
    return least, starts, _furthest_ends(costs, starts, stops)


def _furthest_ends(costs: Costs, starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """Return, for each start, the last end of an optimal window from it, or -1."""
    cost, line = costs.cost, costs.line
    by_cost: dict[int, list[int]] = {}
    for end in ends:
        by_cost.setdefault(cost[end], []).append(end)
    found = []
    for start in starts:
        after = by_cost.get(cost[start] + 1, ())
        place = bisect_right(after, line.stops[start]) if start < len(line.stops) else 0
        end = after[place - 1] if place else -1
        found.append(end if end > start and line.last_start(end) >= start else -1)
    return found


def first_covered(nodes: Sequence[int], ends: Sequence[int], ids: Sequence[str]) -> int:
    """Return the place of the smallest id that some optimal window covers."""
    best, best_place, covered = "", -1, 0
    for start, end in zip(nodes, ends, strict=True):
        first = max(start, covered)
        if end > first:
            smallest = min(ids[first:end])
            if best_place < 0 or smallest < best:
                best, best_place = smallest, ids.index(smallest, first)
            covered = end
    return best_place


def _by_place(nodes: Sequence[int], ends: Sequence[int], first: int, last: int) -> list[int]:
    """Return, for each place of [first, last], the last end of a window starting by then."""
    starting = [-1] * (last - first + 1)
    for node, end in zip(nodes, ends, strict=True):
        if first <= node <= last:
            starting[node - first] = end
    return [*accumulate(starting, max)]


def _is_window(costs: Costs, nodes: Sequence[int], start: int, stop: int) -> bool:
    left, right = bisect_right(nodes, start), bisect_right(nodes, stop)
    is_node = left and nodes[left - 1] == start and right and nodes[right - 1] == stop
    is_tight = costs.cost[start] + 1 == costs.cost[stop]
    line = costs.line
    is_lawful = line.stops[start] >= stop and line.last_start(stop) >= start
    return bool(is_node) and is_tight and is_lawful
