"""The lexicographically least whole-number point of a polyhedron, exactly.

Given rows const + coefficients · x ≥ 0 over whole x ≥ 0, find the x that is least in its
first coordinate, then in its second, and so on. Dual simplex in a dictionary whose columns
stay lexicographically positive, with Gomory cuts from the first fractional coordinate; all
numbers are integers over one common denominator, so the answer is the same everywhere.

Sources: Gomory (1963), "An algorithm for integer solutions to linear programs"; Feautrier
(1988), "Parametric integer programming", RAIRO 22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_PIVOTS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """`const` + Σ coefficient × x ≥ 0; absent coordinates have coefficient 0."""

    coefficients: tuple[tuple[int, int], ...]
    const: int


class PivotLimit(Exception):
    """The search took more pivots than allowed."""


def lexmin(count: int, rows: Sequence[Row], *, max_pivots: int = MAX_PIVOTS) -> list[int] | None:
    """Return the least point of `count` coordinates, or nothing where there is none.

    Raises:
        PivotLimit: not found within `max_pivots`.

    """
    table = _Table(count, rows)
    for _ in range(max_pivots):
        row = table.negative_row()
        if row is None:
            fractional = table.fractional_row()
            if fractional is None:
                return table.point()
            table.cut(fractional)
            continue
        column = table.entering(row)
        if column is None:
            return None
        table.pivot(row, column)
    raise PivotLimit


class _Table:
    """Each row is const, then one coefficient a column, all over `base`.

    The first `count` rows are the coordinates themselves.
    """

    def __init__(self, count: int, rows: Sequence[Row]) -> None:
        self.count = count
        self.base = 1
        self.rows = [[0, *(int(i == j) for j in range(count))] for i in range(count)]
        self.waiting = list(rows)

    def negative_row(self) -> int | None:
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

    def fractional_row(self) -> int | None:
        return next((i for i in range(self.count) if self.rows[i][0] % self.base), None)

    def cut(self, number: int) -> None:
        """Add: the coordinate is a whole number."""
        row = self.rows[number]
        const = row[0] % self.base - self.base
        self.rows.append([const, *(value % self.base for value in row[1:])])

    def entering(self, number: int) -> int | None:
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

    def pivot(self, number: int, column: int) -> None:
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

    def point(self) -> list[int]:
        return [self.rows[i][0] // self.base for i in range(self.count)]
