"""The windows of one price along the order of a cell, as the objective `surplus` values them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from matching.pools.stretches import Line


class Track:
    """One price: its accepting pledges, and the best starts of a window as the ends advance.

    Starts and ends count accepting pledges; a value is surplus, then lots, then fewer pools,
    in one integer. With a `ranker` (packs) windows are tried one by one, else all have `rank`.
    """

    def __init__(
        self,
        line: Line,
        price_minor: int,
        rank: int,
        number: int,
        ranker: Callable[[int, int], int] | None = None,
    ) -> None:
        self.line, self.price_minor, self.rank, self.number = line, price_minor, rank, number
        self.places = line.places
        self._ranker = ranker
        cell = line.cell
        pool_unit = len(cell.ids) + 1
        unit = (sum(cell.lots) + 1) * pool_unit
        net = cell.net_minor
        worth = [((net[x] - price_minor) * unit + pool_unit) * cell.lots[x] for x in line.places]
        self.worth = [0, *accumulate(worth)]
        self._queue: deque[tuple[int, int]] = deque()
        self._coming = 0

    def best(self, end: int, value: Sequence[int]) -> int:
        """Return the best value of a window with this end, or 0; ends must advance one by one."""
        if self._ranker is not None:
            found = [self.value_of(start, end, value) for start, _ in self.starts(end)]
            return max(found, default=0)
        queue, worth = self._queue, self.worth
        last = self.line.last_start(end)
        while self._coming <= last:
            start = self._coming
            here = value[self.places[start]] - worth[start]
            while queue and queue[-1][0] < here:
                queue.pop()
            queue.append((here, start))
            self._coming += 1
        while queue and self.line.stops[queue[0][1]] < end:
            queue.popleft()
        return queue[0][0] + worth[end] - 1 if queue else 0

    def starts(self, end: int) -> Iterator[tuple[int, int]]:
        """Give the starts of lawful windows with this end, and the offer's rank of each."""
        for start in range(self.line.first_start(end), self.line.last_start(end) + 1):
            rank = self.rank if self._ranker is None else self._ranker(start, end)
            if rank >= 0:
                yield start, rank

    def value_of(self, start: int, end: int, value: Sequence[int]) -> int:
        """Return the value up to the end of a window, the best before it included."""
        return value[self.places[start]] + self.worth[end] - self.worth[start] - 1
