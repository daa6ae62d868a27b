"""The objective `surplus`: the exact maximum of Σ (net limit − price) × lots over windows.

Rule. Disjoint stretches of the order of (size, seq, id); of each the pledges that accept its
price are a pool, with the lots they would be awarded, tolerance included. The largest surplus
wins; among equals the most firm lots, so that pledges without surplus join where they fit;
then fewer pools, the earlier offers pool by pool, the lexicographically smallest list.

Guarantees. The optimum, exactly. It is not promised to be core-stable, nor safe to tell
limits to: a deeper pool may be sacrificed for a larger sum.

How. A longest path over the boundaries, one monotone queue for each price; windows whose
total takes tolerance lots are valued one by one, under an upper bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

from matching.pools.awarding import with_tolerance
from matching.pools.explicit_ties import Step, first_of_paths
from matching.pools.formation import Cell, Formed
from matching.pools.price_breaks import Level
from matching.pools.windows import Shape, bounds


class _Track:
    """One level: its accepting pledges, and the best starts of a window as the ends advance."""

    def __init__(
        self, cell: Cell, level: Level, shape: Shape, unit: int, pool_unit: int, number: int
    ) -> None:
        self.level, self.number, self.cell = level, number, cell
        self.unit, self.pool_unit = unit, pool_unit
        price, net = level.price_minor, cell.net_minor
        self.places = [place for place in range(len(net)) if net[place] >= price]
        line = cell.line(self.places)
        self.firm = [0, *accumulate(line.lots)]
        more = line.tolerances or [0] * len(self.places)
        self.more = [0, *accumulate(more)]
        gains = [(net[x] - price) for x in self.places]
        worth = [
            gain * lots * unit + lots * pool_unit
            for gain, lots in zip(gains, line.lots, strict=True)
        ]
        self.worth = [0, *accumulate(worth)]
        spare = [gain * lots * unit for gain, lots in zip(gains, more, strict=True)]
        self.spare = [0, *accumulate(spare)]
        reach = [f + m for f, m in zip(self.firm, self.more, strict=True)]
        self.low, self.high = bounds(line.sizes, line.owners, reach, level.least_lots, shape)
        self.sure = self._sure_starts(shape, line.sizes, line.owners)
        self.queue: deque[tuple[int, int]] = deque()
        self.coming = 0

    def _sure_starts(
        self, shape: Shape, sizes: Sequence[int], owners: Sequence[str] | None
    ) -> list[int]:
        """Return the last start for each end from which no tolerance lot is needed, or -1."""
        is_single = len(self.level.options) == 1
        if not self.level.is_plain or (self.more[-1] and not is_single):
            return [-1] * len(self.high)
        if not self.more[-1]:
            return self.high
        return bounds(sizes, owners, self.firm, self.level.least_lots, shape)[1]

    def best(self, end: int, value: Sequence[int], at_least: int) -> int:
        """Return the best value of a window with this end, or `at_least` if none beats it."""
        low, sure = self.low[end], self.sure[end]
        queue = self.queue
        while self.coming <= sure:
            start = self.coming
            here = value[self.places[start]] - self.worth[start]
            while queue and queue[-1][0] < here:
                queue.pop()
            queue.append((here, start))
            self.coming += 1
        while queue and queue[0][1] < low:
            queue.popleft()
        found = at_least
        if queue and sure >= low:
            found = max(found, queue[0][0] + self.worth[end] - 1)
        for start in range(max(low, sure + 1), self.high[end] + 1):
            most = value[self.places[start]] + self.worth[end] - self.worth[start] - 1
            if most + self.spare[end] - self.spare[start] > found:
                for extra, _ in self._extras(start, end):
                    found = max(found, most + extra)
        return found

    def ways(self, end: int, value: Sequence[int], target: int) -> Iterator[Step]:
        """Give the windows with this end whose value is the target."""
        for start in range(self.low[end], self.high[end] + 1):
            base = value[self.places[start]] + self.worth[end] - self.worth[start] - 1
            if base > target or base + self.spare[end] - self.spare[start] < target:
                continue
            ranks = [rank for extra, rank in self._extras(start, end) if base + extra == target]
            if ranks:
                members = self.places[start:end]
                yield Step(self.places[start], ranks[0], members, self.number)

    def _extras(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Give what tolerance lots add to a lawful window, for each offer by rank."""
        firm = self.firm[end] - self.firm[start]
        more = self.more[end] - self.more[start]
        for option in self.level.options:
            total = option.total(firm, more)
            if total:
                yield self._value_of(total - firm, start, end), option.rank

    def _value_of(self, taken: int, start: int, end: int) -> int:
        if not taken:
            return 0
        cell, places = self.cell, self.places[start:end]
        extra = with_tolerance(cell, places, [0] * len(places), taken)
        price = self.level.price_minor
        pairs = zip(places, extra, strict=True)
        return self.unit * sum((cell.net_minor[x] - price) * lots for x, lots in pairs)


def most_surplus(cell: Cell, levels: Sequence[Level], shape: Shape) -> list[Formed]:
    """Return the pools of a cell under the objective `surplus`, capacities aside."""
    count = len(cell.ids)
    pool_unit = count + 1
    unit = (sum(cell.lots) + 1) * pool_unit
    tracks = [
        _Track(cell, level, shape, unit, pool_unit, number) for number, level in enumerate(levels)
    ]
    ending: list[list[tuple[_Track, int]]] = [[] for _ in range(count + 1)]
    for track in tracks:
        for end, place in enumerate(track.places, 1):
            if track.low[end] <= track.high[end]:
                ending[place + 1].append((track, end))
    value = [0]
    for boundary in range(1, count + 1):
        best = value[-1]
        for track, end in ending[boundary]:
            best = track.best(end, value, best)
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
