"""Disjoint windows of similar size with the largest total volume, at one price.

Rule. Pledges stand in the order of (size, seq, id). A window is a stretch of that order whose
largest size is at most the similarity ratio times its smallest, with enough owner groups, and
whose lots reach a break. Among all sets of disjoint windows the one with the most firm lots
wins.

Ties. Fewer windows; then the earlier offers, window by window in the order of size; then the
lexicographically smallest list of pools.

How. A shortest path over the boundaries between pledges, where passing a pledge by costs its
lots and a window costs next to nothing. Without packs the lawful starts of a window are an
interval that moves to the right with its end, so one monotone queue finds the best in O(n).

Source. Coalitions with a common ranking (Banerjee, Konishi and Sönmez 2001) in their interval
form; the sliding minimum is folklore.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable
from itertools import accumulate

from matching.pools.explicit_ties import Step, first_of_paths
from matching.pools.packed import costs_with_packs
from matching.pools.price_breaks import Level
from matching.pools.stretches import Line
from matching.pools.ties import PASSED, SEVERAL, Costs, Pair, first_of_windows
from matching.pools.tilings import first_tiling

Window = tuple[int, int, int]  # From, to (half open), rank of the offer.
Ranker = Callable[[int, int], int]  # The earliest offer for a window, or -1.


def fullest(line: Line, level: Level, first: int, edge: int) -> list[Window]:
    """Return the windows that win on a stretch of a line, from the smallest sizes on.

    No lawful window leaves the stretch; with packs it is the whole line.
    """
    if not level.is_plain:
        return _first_by_offer(costs_with_packs(line, level), ranker_of(line, level))
    part = line.part(first, edge)
    is_one = part.stops[0] >= edge - first  # A window of everybody: nothing holds more.
    if len(level.options) == 1:
        pairs = [(0, edge - first)] if is_one else _first_windows(part)
        rank = level.options[0].rank
        return [(first + start, first + stop, rank) for start, stop in pairs]
    ranker = ranker_of(part, level)
    if is_one:
        return [(first, edge, ranker(0, edge - first))]
    found = _first_by_offer(_costs(part), ranker)
    return [(first + start, first + stop, rank) for start, stop, rank in found]


def _first_windows(line: Line) -> list[Pair]:
    return first_tiling(line) or first_of_windows(_costs(line))


def ranker_of(line: Line, level: Level) -> Ranker:
    """Return what gives the earliest offer at which a window is lawful."""
    firm, reach = [0, *accumulate(line.lots)], line.reach

    def earliest(start: int, end: int) -> int:
        held = firm[end] - firm[start]
        more = reach[end] - reach[start] - held
        for option in level.options:
            if option.total(held, more):
                return option.rank
        return -1

    return earliest


def _costs(line: Line) -> Costs:
    lots, reach, stops, least = line.lots, line.reach, line.stops, line.least_lots
    unit = len(lots) + 1
    crowds = line.crowds
    first = bisect_left(reach, reach[0] + least)
    cost = [0, *accumulate([passed * unit for passed in lots[: first - 1]])]
    way = [PASSED] * first
    spent = cost[-1]
    groups = line.shape.min_members
    queue: deque[int] = deque()
    push, pop, popleft = queue.append, queue.pop, queue.popleft
    coming, coming_reach = 0, reach[0]
    for end, passed in enumerate(lots[first - 1 :], first):
        spent += passed * unit
        spare = reach[end] - least
        if coming_reach <= spare:
            crowd = end - groups if crowds is None else crowds[end]
            while coming_reach <= spare and coming <= crowd:
                here = cost[coming]
                while queue and cost[queue[-1]] > here:
                    pop()
                push(coming)
                coming += 1
                coming_reach = reach[coming]
        while queue and stops[queue[0]] < end:
            popleft()
        via = PASSED
        if queue:
            start = queue[0]
            window = cost[start] + 1
            if window < spent:
                spent = window
                is_only = queue[-1] == start or cost[queue[1]] >= window
                via = start if is_only else SEVERAL
            elif window == spent:
                via = SEVERAL
        cost.append(spent)
        way.append(via)
    return Costs(cost, way, lots, unit, line)


def _first_by_offer(costs: Costs, ranker: Ranker) -> list[Window]:
    """Break ties where several offers share the price, or packs forbid some windows."""
    cost, line = costs.cost, costs.line
    count = len(costs.lots)
    at_cost: dict[int, list[int]] = {}
    for boundary, spent in enumerate(cost):
        at_cost.setdefault(spent, []).append(boundary)
    steps: dict[int, list[Step]] = {}
    useful = {count}
    for end in range(count, 0, -1):
        if end not in useful:
            continue
        starts = at_cost.get(cost[end] - 1, [])
        first = bisect_left(starts, line.first_start(end))
        edge = bisect_right(starts, line.last_start(end))
        ranks = [(start, ranker(start, end)) for start in starts[first:edge]]
        found = [Step(start, rank, range(start, end)) for start, rank in ranks if rank >= 0]
        if costs.passes(end):
            found.append(Step(end - 1, -1, range(0)))
        steps[end] = found
        useful.update(step.start for step in found)
    chosen = first_of_paths(steps, count, line.ids())
    return [(step.members[0], step.members[-1] + 1, step.rank) for step in chosen]
