"""Where packs matter: the fewest lots that windows up to each boundary must pass by.

A total must be whole packs between the firm lots and those with tolerance. From the firm lots
`F` and the lots with tolerance `R` up to each boundary: a window from `x` to `y` that reaches the
break has a total iff some whole number of packs lies between `F[y] - F[x]` and `R[y] - R[x]`.
Windows with so much tolerance that they always have one, and those that take tolerance to reach
the break, start within one interval each. Of the others either each number of packs has one
interval of starts, or each stretch of starts without tolerance between them has one interval of
remainders: whichever are fewer are asked for their least cost, O(log n) each. Without tolerance
that is one question for each boundary, and so it is where there is plenty.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import lt, sub

from matching.pools.price_breaks import Level, Option
from matching.pools.stretches import Line
from matching.pools.ties import PASSED, Costs


def costs_with_packs(line: Line, level: Level) -> Costs:
    """Return the costs of a line where packs make some windows unlawful.

    `way` gives of the windows that reach a boundary at its cost the one that starts first.
    """
    lots = line.lots
    unit = len(lots) + 1
    firm = [0, *accumulate(lots)]
    costs = Floor(unit, (firm[-1] + 1) * unit * unit)
    offers = [Packed(line, firm, option, costs.most) for option in level.options]
    cost, way = [0], [PASSED]
    costs.put(0, 0)
    for end, passed in enumerate(lots, 1):
        spent, via = cost[-1] + passed * unit, PASSED
        first, last = line.first_start(end), line.last_start(end)
        if first <= last:
            least = limit = (spent - 1) * unit
            for offer in offers:
                least = offer.least(first, last, end, costs, least)
            if least < limit:
                before, via = divmod(least, unit)
                spent = before + 1
        cost.append(spent)
        way.append(via)
        costs.put(end, spent * unit + end)
    return Costs(cost, way, lots, unit, line)


class Floor:
    """Costs at places, and the least of any interval of them; what is not there costs most."""

    def __init__(self, count: int, most: int) -> None:
        self._count, self.most = count, most
        self._least = [most] * (2 * count)

    def put(self, place: int, cost: int) -> None:
        least = self._least
        at = place + self._count
        least[at] = cost
        at >>= 1
        while at:
            left, right = least[2 * at], least[2 * at + 1]
            found = left if left < right else right
            if least[at] == found:
                break
            least[at] = found
            at >>= 1

    def drop(self, place: int) -> None:
        self.put(place, self.most)

    def least(self, first: int, last: int) -> int:
        """Return the least cost of the places from `first` to `last`, both included."""
        least, found = self._least, self.most
        low, high = first + self._count, last + self._count + 1
        while low < high:
            if low & 1:
                if least[low] < found:
                    found = least[low]
                low += 1
            if high & 1:
                high -= 1
                if least[high] < found:
                    found = least[high]
            low >>= 1
            high >>= 1
        return found


class Packed:
    """One offer's windows of a line that reach its break, by their ends as they advance."""

    def __init__(self, line: Line, firm: Sequence[int], option: Option, most: int) -> None:
        self.firm, self.reach = firm, line.reach
        self.pack, self.from_lots = option.pack, option.from_lots
        self.least_total = -(-option.from_lots // option.pack) * option.pack
        self.top = (option.below_lots - 1) // option.pack * option.pack
        self.spare = [*map(sub, line.reach, firm)]
        self.runs = [0, *accumulate(map(lt, self.spare, self.spare[1:]))]
        keys = [
            run * option.pack + lots % option.pack
            for run, lots in zip(self.runs, firm, strict=True)
        ]
        order = sorted(range(len(firm)), key=keys.__getitem__)
        self.keys = [keys[x] for x in order]
        self.rank = [0] * len(order)
        for place, x in enumerate(order):
            self.rank[x] = place
        self.ranked = Floor(len(order), most)
        self.come = self.gone = 0

    def least(self, start: int, last: int, end: int, costs: Floor, found: int) -> int:
        """Return the least cost of a start from `start` to `last`, or `found` if that is less.

        These starts have a similar size, lots and owner groups enough; their costs are known.
        """
        firm, reach, spare = self.firm, self.reach, self.spare
        reached = bisect_right(firm, firm[end] - self.from_lots) - 1
        if self.least_total <= self.top:
            filled = bisect_right(reach, reach[end] - self.least_total) - 1
            first, edge = max(start, reached + 1), min(last, filled)
            if first <= edge:
                found = min(found, costs.least(first, edge))
        first = max(start, bisect_left(firm, firm[end] - self.top))
        edge = min(last, reached)
        ample = min(edge, bisect_right(spare, spare[end] - self.pack + 1) - 1)
        if first <= ample:
            found = min(found, costs.least(first, ample))
        scant = max(first, ample + 1)
        if scant <= edge and costs.least(scant, edge) < found:
            stretches = self.runs[edge] - self.runs[scant]
            if stretches <= (firm[edge] - firm[scant]) // self.pack:
                self._advance(scant, edge, costs)
                return min([found, *self._by_stretch(scant, edge, end)])
            return min([found, *self._by_packs(scant, edge, end, costs)])
        return found

    def _advance(self, first: int, last: int, costs: Floor) -> None:
        """Keep the starts from `first` to `last` only; both rise with the ends."""
        while self.come <= last:
            self.ranked.put(self.rank[self.come], costs.least(self.come, self.come))
            self.come += 1
        while self.gone < first:
            self.ranked.drop(self.rank[self.gone])
            self.gone += 1

    def _by_stretch(self, first: int, last: int, end: int) -> Iterator[int]:
        """Give the least cost of each stretch of starts with the same tolerance before them."""
        rest = self.firm[end] % self.pack
        for run in range(self.runs[first], self.runs[last] + 1):
            at = bisect_left(self.runs, run)
            more = self.spare[end] - self.spare[at]
            for low, high in (
                (rest, min(rest + more, self.pack - 1)),
                (0, rest + more - self.pack),
            ):
                if low <= high:
                    left = bisect_left(self.keys, run * self.pack + low)
                    right = bisect_right(self.keys, run * self.pack + high)
                    if left < right:
                        yield self.ranked.least(left, right - 1)

    def _by_packs(self, first: int, last: int, end: int, costs: Floor) -> Iterator[int]:
        """Give the least cost of the starts of each number of packs."""
        firm, reach, pack = self.firm, self.reach, self.pack
        fewest = -(-(firm[end] - firm[last]) // pack)
        for packs in range(fewest, (reach[end] - reach[first]) // pack + 1):
            lots = packs * pack
            left = max(first, bisect_left(firm, firm[end] - lots))
            right = min(last, bisect_right(reach, reach[end] - lots) - 1)
            if left <= right:
                yield costs.least(left, right)
