"""The lexicographically least whole-number point of a polyhedron, exactly.

Given rows const + coefficients · x ≥ 0 over x ≥ 0, find the point that is least in its first
coordinate, then in its second, and so on, with some coordinates whole. Dual simplex in a
dictionary whose columns stay lexicographically positive, all numbers integers over one common
denominator; then branching, the best rank first. A branch ends where the least point without
whole numbers, its first fraction rounded up, comes no earlier than the best known.

Sources: Lemke (1954), "The dual method of solving the linear programming problem"; Feautrier
(1988), "Parametric integer programming", RAIRO 22; Land & Doig (1960) for the branching.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

MAX_NODES = 1_500
MAX_CUTS = 1


@dataclass(frozen=True, slots=True)
class Row:
    """`const` + Σ coefficient × x ≥ 0; absent coordinates have coefficient 0."""

    coefficients: tuple[tuple[int, int], ...]
    const: int


@dataclass(frozen=True, slots=True)
class Least:
    """A lawful point; `is_proved` is false where the search stopped at its limit."""

    point: tuple[int, ...]
    is_proved: bool


def lexmin(
    count: int, rows: Sequence[Row], whole: range, *, max_nodes: int = MAX_NODES
) -> Least | None:
    """Return the least point of `count` coordinates, or nothing where none was found.

    Branching is on the coordinates in `whole`; those before them rank points, and like those
    after them must be whole where they are least for a whole point. Rows are whole too.
    """
    root = _Table(count, rows)
    if not root.settle(whole.start):
        return None
    found = _best_first(root, whole, max_nodes)
    return found or _depth_first(root, whole, max_nodes)


def _best_first(root: _Table, whole: range, max_nodes: int) -> Least | None:
    """Search by rank, then the newest first."""
    waiting: list[tuple[tuple[int, ...], int, _Table]] = [((), 0, root)]
    opened = 0
    best: tuple[int, ...] | None = None
    for _ in range(max_nodes):
        if not waiting:
            break
        _, _, table = heapq.heappop(waiting)
        if best is not None and not table.comes_before(best):
            continue
        place = table.fractional(whole)
        if place is None:
            best = table.point()
            continue
        for child in table.halves(place):
            opened -= 1
            if child.settle(whole.start):
                heapq.heappush(waiting, (child.rank(whole.start), opened, child))
    return None if best is None else Least(best, is_proved=not waiting)


def _depth_first(root: _Table, whole: range, max_nodes: int) -> Least | None:
    """Go up until any point is found."""
    waiting = [root]
    for _ in range(max_nodes):
        if not waiting:
            return None
        table = waiting.pop()
        place = table.fractional(whole)
        if place is None:
            return Least(table.point(), is_proved=False)
        waiting += [half for half in table.halves(place) if half.settle(whole.start)]
    return None


class _Table:
    """Each row is const, then one coefficient a column, all over `base`.

    The first `count` rows are the coordinates themselves.
    """

    def __init__(self, count: int, rows: Sequence[Row]) -> None:
        self.count = count
        self.base = 1
        self.lead = min((i for row in rows for i, _ in row.coefficients), default=count)
        self.rows = [[0, *(int(i == j) for j in range(count))] for i in range(count)]
        self.waiting = list(rows)

    def halves(self, place: int) -> tuple[_Table, _Table]:
        """Return the tables with a coordinate at most, and at least, what it is rounded."""
        row = self.rows[place]
        over = row[0] % self.base
        below = [-over, *(-value for value in row[1:])]
        above = [over - self.base, *row[1:]]
        return self._with(below), self._with(above)

    def _with(self, row: list[int]) -> _Table:
        other = _Table(0, ())
        other.count, other.base, other.lead = self.count, self.base, self.lead
        # Rows are replaced as wholes and never changed in place.
        other.rows, other.waiting = [*self.rows, row], list(self.waiting)
        return other

    def settle(self, ranks: int) -> bool:
        """Go to the least point without whole numbers; tell whether there is any.

        The first coordinates rank points: a few times the first of them that any row bounds is
        rounded up. The others may not be: where an earlier one grows, they may be less.
        """
        for _ in range(MAX_CUTS):
            if not self._settled():
                return False
            if self.lead >= ranks or not self.rows[self.lead][0] % self.base:
                return True
            row = self.rows[self.lead]
            self.rows.append([row[0] % self.base - self.base, *row[1:]])
        return self._settled()

    def _settled(self) -> bool:
        while (row := self._negative_row()) is not None:
            column = self._entering(row)
            if column is None:
                return False
            self._pivot(row, column)
        return True

    def comes_before(self, best: tuple[int, ...]) -> bool:
        """Tell whether a whole point here could come before the best one."""
        for row, known in zip(self.rows, best, strict=False):
            least = -(-row[0] // self.base)
            if least != known or row[0] % self.base:
                return least <= known
        return False

    def rank(self, ranks: int) -> tuple[int, ...]:
        return tuple(-(-self.rows[i][0] // self.base) for i in range(ranks))

    def fractional(self, whole: range) -> int | None:
        """Return the first coordinate that is whole nowhere near here."""
        return next((place for place in whole if self.rows[place][0] % self.base), None)

    def point(self) -> tuple[int, ...]:
        return tuple(-(-self.rows[i][0] // self.base) for i in range(self.count))

    def _negative_row(self) -> int | None:
        """Return a row below zero; rows that have never been violated stay outside."""
        lowest, found = 0, None
        for number, row in enumerate(self.rows):
            if row[0] < lowest:
                lowest, found = row[0], number
        if found is not None:
            return found
        worst, number = 0, -1
        for place, other in enumerate(self.waiting):
            const = other.const * self.base
            const += sum(factor * self.rows[i][0] for i, factor in other.coefficients)
            if const < worst:
                worst, number = const, place
        if number < 0:
            return None
        self.rows.append(self._expressed(self.waiting.pop(number)))
        return len(self.rows) - 1

    def _expressed(self, row: Row) -> list[int]:
        """Write a row over the coordinates in terms of the columns of now."""
        fresh = [0] * (self.count + 1)
        fresh[0] = row.const * self.base
        for i, factor in row.coefficients:
            for place, value in enumerate(self.rows[i]):
                if value:
                    fresh[place] += factor * value
        return fresh

    def _entering(self, number: int) -> int | None:
        """Return the column whose coordinates per unit of the row are least."""
        row = self.rows[number]
        best: int | None = None
        for column in range(1, self.count + 1):
            if row[column] > 0 and (best is None or self._is_less(column, best, row)):
                best = column
        return best

    def _is_less(self, one: int, other: int, row: list[int]) -> bool:
        for i in range(self.count):
            left = self.rows[i][one] * row[other]
            right = self.rows[i][other] * row[one]
            if left != right:
                return left < right
        return False

    def _pivot(self, number: int, column: int) -> None:
        """Exchange the slack of a row with a column, without fractions (Bareiss)."""
        source = self.rows[number]
        divisor, base = source[column], self.base
        for place, row in enumerate(self.rows):
            factor = row[column]
            if place == number:
                continue
            if factor:
                fresh = [
                    (a * divisor - factor * b) // base for a, b in zip(row, source, strict=True)
                ]
                fresh[column] = factor
            else:
                fresh = [a * divisor // base for a in row]
            self.rows[place] = fresh
        self.base = divisor
        self.rows[number] = [divisor if i == column else 0 for i in range(self.count + 1)]
