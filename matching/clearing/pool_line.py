"""Those who accept a price, in order: which stretches of them could be a pool at it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, compress
from operator import add, sub
from typing import NamedTuple

from matching.clearing.pool_book import Book, Law, column_at

STEP = 6


class Cover(NamedTuple):
    """What lawful windows cover, `[first, edge)`: none of them leaves it.

    They start at `starts` or between.
    """

    first: int
    edge: int
    starts: Sequence[int]


class Line(NamedTuple):
    """Those who accept a price; `reach` sums their lots, with what they would take more.

    `stops[k]` is where the ratio to the size at `k` is exceeded, `widest[k]` the lots up to
    there, `most` the largest of those; windows need `least` lots and start before `crowds[end]`,
    so that enough owner groups stand in them.
    """

    places: Sequence[int]
    lots: Sequence[int]
    reach: Sequence[int]
    stops: Sequence[int]
    crowds: Sequence[int]
    least: int
    widest: Sequence[int]
    most: int

    def starts_for(self, end: int) -> int:
        """Return how many starts, the first ones, have lots and groups enough for an end."""
        count = bisect_right(self.reach, self.reach[end] - self.least)
        return min(count, self.crowds[end])

    def is_lawful(self, start: int, end: int) -> bool:
        """Tell whether a stretch is a window, packs aside."""
        lots = self.reach[end] - self.reach[start]
        return end <= self.stops[start] and lots >= self.least and start < self.crowds[end]

    def soonest(self, start: int) -> int:
        """Return the first end by which lots and groups are enough."""
        full = bisect_left(self.reach, self.reach[start] + self.least)
        return max(full, bisect_right(self.crowds, start))

    def covers(self) -> list[Cover]:
        """Return what lawful windows cover, from left to right."""
        found: list[Cover] = []
        stops, crowds, least = self.stops, self.crowds, self.least
        if self.most < least:
            return found
        edge = 0
        starts: list[int] = []
        for start in compress(range(len(stops)), map(least.__le__, self.widest)):
            stop = stops[start]
            if start < crowds[stop]:
                if start >= edge and starts:
                    found.append(Cover(starts[0], edge, starts))
                    starts = []
                starts.append(start)
                edge = stop
        if starts:
            found.append(Cover(starts[0], edge, starts))
        return found

    def part(self, first: int, edge: int) -> Line:
        """Return a stretch that no lawful window leaves, counted from 0."""
        if edge - first == len(self.lots):
            return self
        return Line(
            self.places[first:edge],
            self.lots[first:edge],
            self.reach[first : edge + 1],
            [stop - first for stop in self.stops[first:edge]],
            [crowd - first for crowd in self.crowds[first : edge + 1]],
            self.least,
            self.widest[first:edge],
            self.most,
        )


def line_of(book: Book, law: Law, places: Sequence[int], least: int) -> Line | None:
    """Return the line of some places, or None if all their lots together are too few."""
    if not places:
        return None
    lots = column_at(book.lots, places)
    held: Sequence[int] = lots
    if book.has_spare:
        held = [*map(add, lots, column_at(book.spare, places))]
    if sum(held) < least:
        return None
    crowds = crowds_of(book, law, places)
    stops = stops_of(column_at(book.sizes, places), law)
    reach = [0, *accumulate(held)]
    widest = [*map(sub, column_at(reach, stops), reach)]
    return Line(places, lots, reach, stops, crowds, least, widest, max(widest))


def most_of(book: Book, law: Law, places: Sequence[int]) -> int:
    """Return what no window of these places exceeds in lots, found in coarse steps."""
    if not places:
        return 0
    held: Sequence[int] = column_at(book.lots, places)
    if book.has_spare:
        held = [*map(add, held, column_at(book.spare, places))]
    sizes = column_at(book.sizes, places)
    reach = [0, *accumulate(held)]
    most = 0
    for first in range(0, len(sizes), STEP):
        last = min(first + STEP, len(sizes)) - 1
        stop = bisect_right(sizes, sizes[last] * law.above // law.below, last)
        most = max(most, reach[stop] - reach[first])
    return most


def stops_of(sizes: Sequence[int], law: Law) -> list[int]:
    """Return, for each start of a window, where the next size is too large."""
    above, below = law.above, law.below
    stops: list[int] = []
    last = stop = 0
    for size in sizes:
        if size != last:
            last = size
            stop = bisect_right(sizes, size * above // below, stop)
        stops.append(stop)
    return stops


def crowds_of(book: Book, law: Law, places: Sequence[int]) -> Sequence[int]:
    """Return, for each end, how many starts have enough owner groups between; none if below 1."""
    if book.has_twins:
        return _crowds(column_at(book.owners, places), law.min_members)
    first = 1 - law.min_members
    return [*range(first, first + len(places) + 1)]


def _crowds(owners: Sequence[str], groups: int) -> list[int]:
    """Return, for each end, how many starts have enough owner groups between."""
    crowds = []
    latest: dict[str, int] = {}
    for end in range(len(owners) + 1):
        if end:
            latest.pop(owners[end - 1], None)
            latest[owners[end - 1]] = end - 1
            if len(latest) > groups:
                del latest[next(iter(latest))]
        crowds.append(next(iter(latest.values())) + 1 if len(latest) == groups else 0)
    return crowds
