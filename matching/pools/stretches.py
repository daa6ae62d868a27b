"""The lawful windows of a line of pledges at one price, said by bounds instead of lists.

A line is the pledges that accept a price, in the order of (size, seq, id). A window `(x, y)`
holds the pledges from boundary `x` up to boundary `y`. Its sizes are similar while `y` is at
most `stops[x]`; it has volume enough while `x` is at most `last_start(y)`. Both bounds rise.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add, sub
from typing import NamedTuple

from matching.pools.cells import Cell


class Shape(NamedTuple):
    """What makes a window lawful besides its volume: ratio of sizes, and owner groups."""

    numerator: int
    denominator: int
    min_members: int


@dataclass(slots=True)
class Line:
    """Pledges that accept a price; `reach` sums their lots with tolerance up to a boundary.

    `crowds[y]` is the last start from which enough owner groups stand before `y`; None when
    all owners differ, so that counting suffices.
    """

    cell: Cell
    places: Sequence[int]
    lots: Sequence[int]
    reach: list[int]
    shape: Shape
    least_lots: int
    stops: list[int]
    crowds: list[int] | None

    def first_end(self, start: int) -> int:
        """Return the first end with enough lots and owner groups; there may be none."""
        end = bisect_left(self.reach, self.reach[start] + self.least_lots)
        if self.crowds is None:
            return max(end, start + self.shape.min_members)
        return max(end, bisect_left(self.crowds, start))

    def most_lots(self) -> int:
        """Return the most lots, tolerance included, that any window of similar size holds."""
        most: int = max(map(sub, map(self.reach.__getitem__, self.stops), self.reach))
        return most

    def ids(self) -> list[str]:
        return [*map(self.cell.ids.__getitem__, self.places)]

    def first_start(self, end: int) -> int:
        """Return the first start of similar size."""
        return bisect_left(self.stops, end)

    def last_start(self, end: int) -> int:
        """Return the last start with enough lots and owner groups, or a negative number."""
        last = bisect_right(self.reach, self.reach[end] - self.least_lots) - 1
        crowd = end - self.shape.min_members if self.crowds is None else self.crowds[end]
        return last if last < crowd else crowd


def line_of(cell: Cell, places: Sequence[int], least_lots: int, shape: Shape) -> Line:
    """Return the line of these places where windows need so many lots."""
    lots = [*map(cell.lots.__getitem__, places)]
    if cell.tolerances is None:
        reach = [0, *accumulate(lots)]
    else:
        more = map(cell.tolerances.__getitem__, places)
        reach = [0, *accumulate(map(add, lots, more))]
    stops = stops_of([*map(cell.sizes.__getitem__, places)], shape)
    crowds = None
    if cell.owners is not None:
        crowds = _crowds([*map(cell.owners.__getitem__, places)], shape.min_members)
    return Line(cell, places, lots, reach, shape, least_lots, stops, crowds)


def stops_of(sizes: Sequence[int], shape: Shape) -> list[int]:
    """Return, for each start, the last end of similar size; sizes ascend."""
    above, below = shape.numerator, shape.denominator
    if below == 1:
        return [bisect_right(sizes, size * above) for size in sizes]
    return [bisect_right(sizes, size * above // below) for size in sizes]


def _crowds(owners: Sequence[str], min_members: int) -> list[int]:
    """Return, for each end, the last start from which so many owner groups stand, or -1."""
    crowds = [-1]
    held: dict[str, int] = {}
    start = 0
    for owner in owners:
        held[owner] = held.get(owner, 0) + 1
        while len(held) - (held[owners[start]] == 1) >= min_members:
            held[owners[start]] -= 1
            if not held[owners[start]]:
                del held[owners[start]]
            start += 1
        crowds.append(start if len(held) >= min_members else -1)
    return crowds
