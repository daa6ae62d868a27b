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

from matching.pools.cells import Cell, picking


class Shape(NamedTuple):
    """What makes a window lawful besides its volume: ratio of sizes, and owner groups."""

    numerator: int
    denominator: int
    min_members: int


@dataclass(slots=True)
class Line:
    """Pledges that accept a price; `reach` sums their lots with tolerance up to a boundary.

    Sums count from any base: only differences matter.
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

    def widest(self) -> tuple[int, list[tuple[int, int]]]:
        """Return the most lots of any window of similar size, and what lawful windows cover.

        The cover is the union of all lawful windows as stretches `(first, edge)`; no lawful
        window leaves its stretch. Lots include tolerance.
        """
        stops, crowds, groups = self.stops, self.crowds, self.shape.min_members
        if not stops:
            return self.reach[-1], []
        held = [*map(sub, picking(stops)(self.reach), self.reach)]
        most, least = max(held), self.least_lots
        cover: list[tuple[int, int]] = []
        if most < least:
            return most, cover
        first = edge = 0
        for start in [start for start, lots in enumerate(held) if lots >= least]:
            stop = stops[start]
            if stop > edge and (stop - groups if crowds is None else crowds[stop]) >= start:
                if start >= edge:
                    if edge:
                        cover.append((first, edge))
                    first = start
                edge = stop
        if edge:
            cover.append((first, edge))
        return most, cover

    def part(self, first: int, edge: int) -> Line:
        """Return a stretch of the line that no lawful window leaves, as a line of its own."""
        if edge - first == len(self.lots):
            return self
        crowds = self.crowds
        if crowds is not None:
            crowds = [crowd - first for crowd in crowds[first : edge + 1]]
        return Line(
            self.cell,
            self.places[first:edge],
            self.lots[first:edge],
            self.reach[first : edge + 1],
            self.shape,
            self.least_lots,
            [stop - first for stop in self.stops[first:edge]],
            crowds,
        )

    def ids(self) -> Sequence[str]:
        return picking(self.places)(self.cell.ids)

    def first_start(self, end: int) -> int:
        """Return the first start of similar size."""
        return bisect_left(self.stops, end)

    def last_start(self, end: int) -> int:
        """Return the last start with enough lots and owner groups, or a negative number."""
        last = bisect_right(self.reach, self.reach[end] - self.least_lots) - 1
        crowd = end - self.shape.min_members if self.crowds is None else self.crowds[end]
        return last if last < crowd else crowd


def line_of(cell: Cell, places: Sequence[int], least_lots: int, shape: Shape) -> Line:
    """Return the line of these places, at least one, where windows need so many lots.

    Where all of them together have too few it stays without `stops`: no window is lawful.
    """
    pick = picking(places)
    lots = pick(cell.lots)
    held: Sequence[int] = lots
    if cell.tolerances is not None:
        held = [*map(add, lots, pick(cell.tolerances))]
    whole = sum(held)
    if whole < least_lots:
        return Line(cell, places, lots, [0, whole], shape, least_lots, [], None)
    reach = [0, *accumulate(held)]
    stops = stops_of(pick(cell.sizes), shape)
    crowds = None
    if cell.owners is not None:
        crowds = _crowds(pick(cell.owners), shape.min_members)
    return Line(cell, places, lots, reach, shape, least_lots, stops, crowds)


def stops_of(sizes: Sequence[int], shape: Shape) -> list[int]:
    """Return, for each start, the last end of similar size; sizes ascend."""
    above, below = shape.numerator, shape.denominator
    stops: list[int] = []
    keep = stops.append
    ceilings = iter([size * above // below for size in sizes])
    ceiling = next(ceilings)
    for stop, size in enumerate(sizes):
        while size > ceiling:
            keep(stop)
            ceiling = next(ceilings)
    return stops + [len(sizes)] * (len(sizes) - len(stops))


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
