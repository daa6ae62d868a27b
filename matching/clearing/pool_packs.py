"""Lines where packs matter: the least that pools at a price pass by, up to each boundary.

The windows of an offer that end at a boundary are taken apart by where they start: those that
tolerance fills up to the break; those with tolerance for any odd lots; and of the others those
with the same odd lots as the boundary or so few more as there is tolerance for, or those of one
number of packs after the other. What is least within an interval is read off a table of the least
of 64, and of 64 times 64; the least of one remainder off a queue that starts leave and join once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

from matching.clearing.pool_book import Book, Supply
from matching.clearing.pool_line import Line

SPAN = 64


class Table:
    """Figures that are entered from left to right, and the least of any interval of them."""

    def __init__(self) -> None:
        self.ranks: list[list[int]] = [[], [], []]

    def enter(self, figure: int) -> None:
        place = len(self.ranks[0])
        for rank, width in zip(self.ranks, (1, SPAN, SPAN * SPAN), strict=True):
            at = place // width
            if at == len(rank):
                rank.append(figure)
            elif figure < rank[at]:
                rank[at] = figure

    def least(self, first: int, stop: int) -> int:
        """Return the least of a half open interval that is not empty."""
        found: list[int] = []
        for rank in self.ranks[:-1]:
            inner, outer = -(-first // SPAN), stop // SPAN
            if inner >= outer:
                return min([*found, *rank[first:stop]])
            found += rank[first : inner * SPAN]
            found += rank[outer * SPAN : stop]
            first, stop = inner, outer
        return min([*found, *self.ranks[-1][first:stop]])


def passing_by(book: Book, line: Line, price: int) -> list[int]:
    """Return for each boundary the least cost to get there.

    To pass a pledge by costs its lots times one more than there are pledges; a window costs 1.
    """
    lots = [book.lots[x] for x in line.places]
    unit = len(lots) + 1
    firm = [0, *accumulate(lots)]
    table = Table()
    asked = [
        _Asked(supply, price, firm, line.reach, table)
        for supply in book.supplies
        if any(goods == price for _, goods in supply.breaks)
    ]
    costs = [0]
    table.enter(0)
    for end, passed in enumerate(lots, 1):
        cost = costs[-1] + passed * unit
        first, stop = bisect_left(line.stops, end), line.starts_for(end)
        if first < stop:
            for offer in asked:
                cost = min(cost, 1 + offer.least(first, stop, end, cost - 1))
        costs.append(cost)
        table.enter(cost)
    return costs


class _Asked:
    """The windows of one offer at a price, by the boundary where they end."""

    def __init__(
        self, supply: Supply, price: int, firm: Sequence[int], reach: Sequence[int], table: Table
    ) -> None:
        self.firm, self.reach, self.table = firm, reach, table
        self.pack = supply.pack
        self.asks = next(lots for lots, goods in supply.breaks if goods == price)
        deeper = [lots for lots, goods in supply.breaks if goods < price]
        most = deeper[0] - 1 if deeper else firm[-1] + self.asks + supply.pack
        self.most = most - most % supply.pack
        self.least_full = self.asks + -self.asks % supply.pack
        self.more = [with_spare - held for with_spare, held in zip(reach, firm, strict=True)]
        self.queues: dict[tuple[int, int], deque[int]] = {}
        self.joined = 0

    def least(self, first: int, stop: int, end: int, known: int) -> int:
        """Return the least cost of a start from `first` on before `stop`, `known` at most."""
        firm, reach, more = self.firm, self.reach, self.more
        full = min(stop, bisect_right(firm, firm[end] - self.asks))
        if self.least_full <= self.most:
            filled = min(stop, bisect_right(reach, reach[end] - self.least_full))
            if max(first, full) < filled:
                known = min(known, self.table.least(max(first, full), filled))
        first = max(first, bisect_left(firm, firm[end] - self.most))
        any_odd = min(full, bisect_right(more, more[end] - self.pack + 1))
        if first < any_odd:
            known = min(known, self.table.least(first, any_odd))
        first = max(first, any_odd)
        if first >= full or self.table.least(first, full) >= known:
            return known
        spare = more[end] - more[first]
        levels = more[full - 1] - more[first] + 1
        packs = (firm[full - 1] - firm[first]) // self.pack + 1
        if levels * (spare + 1) <= 2 * packs:
            return min([known, *self._by_odd_lots(first, full, end)])
        return min([known, *self._by_packs(first, full, end)])

    def _by_odd_lots(self, first: int, stop: int, end: int) -> Iterator[int]:
        costs, more = self.table.ranks[0], self.more
        for start in range(self.joined, stop):
            queue = self.queues.setdefault((more[start], self.firm[start] % self.pack), deque())
            while queue and costs[queue[-1]] >= costs[start]:
                queue.pop()
            queue.append(start)
        self.joined = max(self.joined, stop)
        for level in range(more[first], more[stop - 1] + 1):
            for odd in range(more[end] - level + 1):
                queue = self.queues.get((level, (self.firm[end] + odd) % self.pack), deque())
                while queue and queue[0] < first:
                    queue.popleft()
                if queue:
                    yield costs[queue[0]]

    def _by_packs(self, first: int, stop: int, end: int) -> Iterator[int]:
        firm, reach = self.firm, self.reach
        lots = firm[end] - firm[stop - 1]
        lots += -lots % self.pack
        while lots <= reach[end] - reach[first]:
            left = max(first, bisect_left(firm, firm[end] - lots))
            right = min(stop, bisect_right(reach, reach[end] - lots))
            if left < right:
                yield self.table.least(left, right)
            lots += self.pack
