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

from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import add, le
from typing import NamedTuple

from matching.pools.explicit_ties import Step, first_of_paths
from matching.pools.price_breaks import Level
from matching.pools.ties import Costs, first_of_windows

Window = tuple[int, int, int]  # From, to (half open), rank of the offer.
Ranker = Callable[[int, int], int]  # The earliest offer for a window, or -1.


class Line(NamedTuple):
    """The pledges that accept a price, in the order of (size, seq, id), as columns.

    `tolerances` is None when nobody has any; `owners` is None when all of them differ.
    """

    sizes: Sequence[int]
    lots: Sequence[int]
    ids: Sequence[str]
    tolerances: Sequence[int] | None = None
    owners: Sequence[str] | None = None

    def reach(self) -> list[int]:
        """Return the sums of lots with tolerance, up to each boundary."""
        if self.tolerances is None:
            return [0, *accumulate(self.lots)]
        return [0, *accumulate(map(add, self.lots, self.tolerances))]


class Shape(NamedTuple):
    """What makes a window lawful besides its volume: ratio of sizes, and owner groups."""

    numerator: int
    denominator: int
    min_members: int


def fullest(line: Line, level: Level, shape: Shape) -> list[Window]:
    """Return the windows that win at this level, from the smallest sizes to the largest."""
    reach = line.reach()
    if reach[-1] < level.least_lots:
        return []
    low, high = bounds(line.sizes, line.owners, reach, level.least_lots, shape)
    if not any(map(le, low, high)):
        return []
    if level.is_plain:
        costs = _costs(line.lots, low, high)
        if len(level.options) == 1:
            rank = level.options[0].rank
            return [(x, y, rank) for x, y in first_of_windows(costs, line.ids)]
        return _first_by_offer(costs, line.ids, ranker_of(line.lots, reach, level))
    ranker = ranker_of(line.lots, reach, level)
    return _first_by_offer(_costs_with_packs(line.lots, low, high, ranker), line.ids, ranker)


def bounds(
    sizes: Sequence[int],
    owners: Sequence[str] | None,
    reach: Sequence[int],
    least_lots: int,
    shape: Shape,
) -> tuple[list[int], list[int]]:
    """Return, for each end of a window, its first start of similar size and its last start.

    From the last start on the lots, tolerance included, reach `least_lots` and the owner
    groups suffice; a start lies between both, or there is no window with this end.
    """
    numerator, denominator, min_members = shape
    low, high = [0], [-1]
    start, last = 0, -1
    latest = None if owners is None else _enough_owners(owners, min_members)
    for end, size in enumerate(sizes, 1):
        while sizes[start] * numerator < size * denominator:
            start += 1
        low.append(start)
        spare = reach[end] - least_lots
        while reach[last + 1] <= spare:
            last += 1
        crowd = end - min_members if latest is None else latest[end]
        high.append(last if last < crowd else crowd)
    return low, high


def _enough_owners(owners: Sequence[str], min_members: int) -> list[int]:
    """Return, for each end, the last start from which so many owners stand, or -1."""
    latest = [-1]
    held: dict[str, int] = {}
    start = 0
    for owner in owners:
        held[owner] = held.get(owner, 0) + 1
        while len(held) - (held[owners[start]] == 1) >= min_members:
            held[owners[start]] -= 1
            if not held[owners[start]]:
                del held[owners[start]]
            start += 1
        latest.append(start if len(held) >= min_members else -1)
    return latest


def _costs(lots: Sequence[int], low: list[int], high: list[int]) -> Costs:
    unit = len(lots) + 1
    cost = [0]
    queue: deque[int] = deque()
    coming = 0
    spent = 0
    for end, passed in enumerate(lots, 1):
        spent += passed * unit
        last, first = high[end], low[end]
        if last >= first:
            while coming <= last:
                here = cost[coming]
                while queue and cost[queue[-1]] > here:
                    queue.pop()
                queue.append(coming)
                coming += 1
            while queue[0] < first:
                queue.popleft()
            window = cost[queue[0]] + 1
            spent = min(spent, window)
        cost.append(spent)
    return Costs(cost, low, high, lots, unit)


def _costs_with_packs(
    lots: Sequence[int], low: list[int], high: list[int], ranker: Ranker
) -> Costs:
    """Return the costs where packs make some windows unlawful: the cheapest starts first."""
    unit = len(lots) + 1
    cost = [0]
    ready: list[tuple[int, int]] = []
    coming = dropped = 0
    for end, passed in enumerate(lots, 1):
        spent = cost[-1] + passed * unit
        while coming <= high[end]:
            insort(ready, (cost[coming], coming))
            coming += 1
        while dropped < min(low[end], coming):
            ready.remove((cost[dropped], dropped))
            dropped += 1
        for price, start in ready:
            if price + 1 > spent:
                break
            if ranker(start, end) >= 0:
                spent = price + 1
                break
        cost.append(spent)
    return Costs(cost, low, high, lots, unit)


def ranker_of(lots: Sequence[int], reach: Sequence[int], level: Level) -> Ranker:
    """Return what gives the earliest offer at which a window is lawful."""
    firm = [0, *accumulate(lots)]

    def earliest(start: int, end: int) -> int:
        held = firm[end] - firm[start]
        more = reach[end] - reach[start] - held
        for option in level.options:
            if option.total(held, more):
                return option.rank
        return -1

    return earliest


def _first_by_offer(costs: Costs, ids: Sequence[str], ranker: Ranker) -> list[Window]:
    """Break ties where several offers share the price, or packs forbid some windows."""
    steps: dict[int, list[Step]] = {}
    useful = {len(ids)}
    for end in range(len(ids), 0, -1):
        if end not in useful:
            continue
        found = [
            Step(start, ranker(start, end), range(start, end))
            for start in range(costs.low[end], costs.high[end] + 1)
            if costs.cost[start] + 1 == costs.cost[end] and ranker(start, end) >= 0
        ]
        if costs.cost[end - 1] + costs.lots[end - 1] * costs.unit == costs.cost[end]:
            found.append(Step(end - 1, -1, range(0)))
        steps[end] = found
        useful.update(step.start for step in found)
    chosen = first_of_paths(steps, len(ids), ids)
    return [(step.members[0], step.members[-1] + 1, step.rank) for step in chosen]
