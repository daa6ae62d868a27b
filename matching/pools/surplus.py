"""The objective `surplus`: the exact maximum of Σ (net limit − price) × firm lots over windows.

Rule. Disjoint stretches of the order of (size, seq, id); of each the pledges that accept its
price are a pool. The largest surplus of firm lots wins; among equals the most firm lots, so
that pledges without surplus join where they fit; then fewer pools, the earlier offers pool by
pool in the order of size, the lexicographically smallest list. Tolerance lots fill packs and
reach breaks as always, but do not count: a pool is not worth more for needing them.

Guarantees. The optimum, exactly. It is not promised to be core-stable, nor safe to tell
limits to: a deeper pool may be sacrificed for a larger sum.

How. A longest path over the boundaries of the order, with one monotone queue for each price:
O(pledges × prices) without packs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

from matching.pools.cells import Cell, Formed
from matching.pools.explicit_ties import Step, first_of_paths
from matching.pools.price_breaks import Level
from matching.pools.stretches import Line, Shape, line_of
from matching.pools.windows import ranker_of


class _Track:
    """One level: its accepting pledges, and the best starts of a window as the ends advance.

    A value is surplus, then lots, then fewer pools, in one integer.
    """

    def __init__(self, line: Line, level: Level, *, number: int) -> None:
        self.line, self.level, self.number = line, level, number
        self.places = line.places
        cell, price = line.cell, level.price_minor
        pool_unit = len(cell.ids) + 1
        unit = (sum(cell.lots) + 1) * pool_unit
        worth = [
            ((cell.net_minor[x] - price) * unit + pool_unit) * cell.lots[x] for x in line.places
        ]
        self.worth = [0, *accumulate(worth)]
        self.rank = ranker_of(line, level)
        self.queue: deque[tuple[int, int]] = deque()
        self.coming = 0

    def best(self, end: int, value: Sequence[int]) -> int:
        """Return the best value of a window with this end, or 0."""
        if not self.level.is_plain:
            found = [self._value(start, end, value) for start in self._starts(end)]
            return max(found, default=0)
        queue = self.queue
        last = self.line.last_start(end)
        while self.coming <= last:
            start = self.coming
            here = value[self.places[start]] - self.worth[start]
            while queue and queue[-1][0] < here:
                queue.pop()
            queue.append((here, start))
            self.coming += 1
        while queue and self.line.stops[queue[0][1]] < end:
            queue.popleft()
        return queue[0][0] + self.worth[end] - 1 if queue else 0

    def ways(self, end: int, value: Sequence[int], target: int) -> Iterator[Step]:
        """Give the windows with this end that have this value."""
        for start in range(self.line.first_start(end), self.line.last_start(end) + 1):
            if self._value(start, end, value) == target:
                rank = self.rank(start, end)
                if rank >= 0:
                    members = self.places[start:end]
                    yield Step(self.places[start], rank, members, self.number)

    def _starts(self, end: int) -> Iterator[int]:
        for start in range(self.line.first_start(end), self.line.last_start(end) + 1):
            if self.rank(start, end) >= 0:
                yield start

    def _value(self, start: int, end: int, value: Sequence[int]) -> int:
        return value[self.places[start]] + self.worth[end] - self.worth[start] - 1


def most_surplus(cell: Cell, levels: Sequence[Level], shape: Shape) -> list[Formed]:
    """Return the pools of a cell under the objective `surplus`, capacities aside."""
    count = len(cell.ids)
    ending: list[list[tuple[_Track, int]]] = [[] for _ in range(count + 1)]
    for number, level in enumerate(levels):
        places = [x for x, net in enumerate(cell.net_minor) if net >= level.price_minor]
        if len(places) < shape.min_members:
            continue
        line = line_of(cell, places, level, shape)
        if line.most_lots() >= level.least_lots:
            track = _Track(line, level, number=number)
            for end, place in enumerate(places, 1):
                ending[place + 1].append((track, end))
    value = [0]
    for boundary in range(1, count + 1):
        best = value[-1]
        for track, end in ending[boundary]:
            best = max(best, track.best(end, value))
        value.append(best)
    steps = _steps(value, ending)
    return [
        Formed(step.rank, levels[step.level].price_minor, step.members, 1)
        for step in first_of_paths(steps, count, cell.ids)
    ]


def _steps(
    value: Sequence[int], ending: Sequence[Sequence[tuple[_Track, int]]]
) -> dict[int, list[Step]]:
    """Return the edges of all optimal paths, by the boundary that they end at."""
    steps: dict[int, list[Step]] = {}
    useful = {len(value) - 1}
    for boundary in range(len(value) - 1, 0, -1):
        if boundary not in useful:
            continue
        found: list[Step] = []
        if value[boundary - 1] == value[boundary]:
            found.append(Step(boundary - 1, -1, ()))
        for track, end in ending[boundary]:
            found += track.ways(end, value, value[boundary])
        steps[boundary] = found
        useful.update(step.start for step in found)
    return steps
