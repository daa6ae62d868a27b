"""One stretch of a line at one price: its pools hold the most, are the fewest and the first.

With one offer and no packs the fewest lots to pass by follow from bounds where everybody is
covered or only one window has room, else from a shortest path. What else would be as good is
then said by the boundaries that the ways as good as the best pass, and `pool_ties` looks among
them for a smaller list. Several offers at one price, and packs, are tried window by window.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from matching.clearing.form import GuaranteeBroken, require
from matching.clearing.pool_book import Book, Placed, column_at
from matching.clearing.pool_edges import (
    MAX_LENGTH,
    Edge,
    check_edges,
    check_ties,
    names_in,
)
from matching.clearing.pool_line import Cover, Line
from matching.clearing.pool_packs import passing_by
from matching.clearing.pool_ties import (
    Choices,
    Levels,
    Named,
    Pair,
    Ways,
    check_first,
    furthest_ends,
)


class Claim(NamedTuple):
    """A pool as a window of a line: its firm lots, and the place of its offer."""

    start: int
    stop: int
    rank: int
    firm: int
    pool: Placed


def check_stretch(
    book: Book, line: Line, cover: Cover, price: int, claims: Sequence[Claim]
) -> None:
    """Check the pools of a stretch that no lawful window leaves."""
    first, edge = cover.first, cover.edge
    if book.has_packs:
        check_edges(book, line, price, [Edge(*claim[:3], price) for claim in claims])
        return
    if len(claims) == 1 and claims[0].start == first and claims[0].stop == edge:
        return  # Everybody in one pool: nothing holds more, or as much in another way.
    for claim in claims:
        if not line.is_lawful(claim.start, claim.stop):
            name = book.ids[claim.pool.places[0]]
            raise GuaranteeBroken("window", f"the pool of {name} is no lawful window")
    is_full = _is_full(line, cover, claims)
    if not is_full and _is_only(book, line, cover, claims):
        return
    part = line.part(first, edge)
    if is_full:
        ways: Ways = Tilings(part)
    else:
        ways = paths = Paths(part, column_at(book.lots, part.places))
        passed = sum(paths.lots) - sum(claim.firm for claim in claims)
        least, fewest = divmod(paths.cost[-1], paths.unit)
        require(passed == least, "volume", f"{passed} lots are passed by at {price}, not {least}")
        is_few = len(claims) == fewest
        require(is_few, "fewest_pools", f"{len(claims)} pools at {price}, not {fewest}")
        if paths.is_single():
            return
    if _is_mixed(book, price):
        edges = [Edge(c.start - first, c.stop - first, c.rank, price) for c in claims]
        _check_mixed(book, part, edges, ways)
    else:
        ids = column_at(book.ids, part.places)
        check_first(part, ids, [_named(book, claim, first) for claim in claims], ways)


def _named(book: Book, claim: Claim, first: int) -> Named:
    names = column_at(book.ids, claim.pool.places)
    return Named(names, claim.start - first, claim.stop - first)


def is_any_lawful(book: Book, line: Line, price: int) -> bool:
    """Tell whether some window of a line is lawful where packs matter."""
    passed: int = sum(column_at(book.lots, line.places)) * (len(line.places) + 1)
    return passing_by(book, line, price)[-1] < passed


def _is_mixed(book: Book, price: int) -> bool:
    """Tell whether which offer is the earliest depends on the window: later ones ask for less."""
    asked = [lots for supply in book.supplies for lots, goods in supply.breaks if goods == price]
    return min(asked) < asked[0]


def _check_mixed(book: Book, line: Line, claims: Sequence[Edge], ways: Ways) -> None:
    """Check the ties of windows that go to several offers: the first that asks for no more."""
    count, price = len(line.places), claims[0].price
    asked = [
        (lots, rank)
        for rank, supply in enumerate(book.supplies)
        for lots, goods in supply.breaks
        if goods == price
    ]
    levels, _ = ways.between(0, count, len(claims))
    reach, crowds = line.reach, line.crowds
    best: list[Edge] = []
    size = 0
    for number, starts in levels.items():
        ends = levels.get(number + 1, [])
        for start in starts:
            stop = bisect_right(ends, line.stops[start]) if start < count else 0
            for end in ends[:stop]:
                most = reach[end] - reach[start]
                if start < end and most >= line.least and start < crowds[end]:
                    rank = next(rank for lots, rank in asked if most >= lots)
                    best.append(Edge(start, end, rank, price))
            size += stop
            if size > MAX_LENGTH:
                return
    passes = ways.passes(levels) if isinstance(ways, Paths) else set()
    check_ties(best, passes, count, claims, names_in(book, line))


def _is_full(line: Line, cover: Cover, claims: Sequence[Claim]) -> bool:
    """Tell whether pools hold everybody, and are as few as the ratio of sizes allows."""
    edge = cover.first
    for claim in claims:
        if claim.start != edge:
            return False
        edge = claim.stop
    jumps, jump = 0, cover.first
    while jump < cover.edge:
        jump = line.stops[jump]
        jumps += 1
    return edge == cover.edge and jumps == len(claims)


def _is_only(book: Book, line: Line, cover: Cover, claims: Sequence[Claim]) -> bool:
    """Tell whether there is room for one window only, and that claimed is the fullest alone."""
    if book.has_spare or len(claims) != 1 or line.soonest(cover.first) <= cover.starts[-1]:
        return False
    widest = column_at(line.widest, cover.starts)
    most = max(widest)
    return claims[0].firm == most and widest.count(most) == 1


class Tilings:
    """The ways to cover a line by the fewest windows, everybody in one."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def between(self, start: int, end: int, pools: int) -> Choices:
        """Return the boundaries after so many windows, from 0 to `pools`."""
        stops = self.line.stops
        lows = [end]
        while len(lows) <= pools:
            lows.append(bisect_left(stops, lows[-1], start))
        lows.reverse()
        reached: list[Sequence[int]] = [range(start, start + 1)]
        for number in range(1, pools):
            reached.append(self._after(reached[-1], lows[number], end))
        levels: Levels = {pools: range(end, end + 1)}
        windows: list[Pair] = []
        for number in range(pools - 1, -1, -1):
            found = furthest_ends(self.line, reached[number], levels[number + 1])
            levels[number] = [bound for bound, _ in found]
            windows += found
        return Choices(levels, windows)

    def _after(self, before: Sequence[int], low: int, end: int) -> Sequence[int]:
        """Return the boundaries from `low` to `end` to which a window leads from one before."""
        _, _, reach, stops, crowds, least, *_ = self.line
        first, last = before[0], before[-1]
        furthest = min(stops[last], end)
        if len(before) == last - first + 1 and self.line.soonest(last) <= stops[first]:
            # Each of them leads to everything from its soonest end to its stop: they overlap.
            return range(max(low, self.line.soonest(first)), furthest + 1)
        here: list[int] = []
        starts = [*before, end]
        at = 0  # How many of those before, the first ones, may start a window.
        for bound in range(low, furthest + 1):
            enough, crowd = reach[bound] - least, crowds[bound]
            while starts[at] < crowd and reach[starts[at]] <= enough:
                at += 1
            if at and bound <= stops[starts[at - 1]]:
                here.append(bound)
        return here


PASSED, SEVERAL = -1, -2


class Paths:
    """The ways to pass the fewest lots by with the fewest windows.

    `cost` is the least up to each boundary: lots passed × `unit`, plus one for each window.
    `via` is how: from a start, by passing a pledge by, or in several ways.
    """

    def __init__(self, line: Line, lots: Sequence[int]) -> None:
        self.line, self.lots = line, lots
        _, _, reach, stops, crowds, least, *_ = line
        unit = self.unit = len(lots) + 1
        cost = self.cost = [0]
        self.via = [PASSED]
        ready: list[int] = []  # The cost of a start, then the start, in one integer.
        found = coming = 0
        for end, passed in enumerate(lots, 1):
            found += passed * unit
            via = PASSED
            enough, crowd = reach[end] - least, crowds[end]
            while coming < crowd and reach[coming] <= enough:
                heappush(ready, cost[coming] * unit + coming)
                coming += 1
            while ready and stops[ready[0] % unit] < end:
                heappop(ready)
            if ready and ready[0] // unit < found:
                found, via = ready[0] // unit + 1, ready[0] % unit
                via = SEVERAL if found == cost[-1] + passed * unit else via
                # Perhaps of no use any more, but another as good can only be next in the heap.
                if any(other // unit + 1 == found for other in ready[1:3]):
                    via = SEVERAL
            cost.append(found)
            self.via.append(via)

    def is_single(self) -> bool:
        """Tell whether there is certainly one best way only."""
        end = len(self.lots)
        while end:
            via = self.via[end]
            if via == SEVERAL:
                return False
            end = end - 1 if via == PASSED else via
        return True

    def between(self, start: int, end: int, pools: int) -> Choices:
        """Return the boundaries of all best ways between two boundaries, by their cost."""
        found = (self.cost[end] - self.cost[start]) % self.unit
        require(found == pools, "fewest_pools", f"{pools} pools where the best ways have {found}")
        reached: dict[int, list[int]] = {}
        seen: set[int] = set()
        for bound in range(start, end + 1):
            if bound == start or self._is_reached(bound, reached):
                reached.setdefault(self.cost[bound], []).append(bound)
                seen.add(bound)
        leading: dict[int, list[int]] = {}  # Negative, so that they ascend.
        for bound in range(end, start - 1, -1):
            if bound in seen and (bound == end or self._is_leading(bound, leading)):
                leading.setdefault(self.cost[bound], []).append(-bound)
        levels: Levels = {
            cost: [-bound for bound in reversed(held)] for cost, held in leading.items()
        }
        windows: list[Pair] = []
        for cost, starts in levels.items():
            if cost + 1 in levels:
                windows += furthest_ends(self.line, starts, levels[cost + 1])
        return Choices(levels, windows)

    def passes(self, levels: Levels) -> set[int]:
        """Return the boundaries of these from which a pledge is passed by to the next."""
        held = {bound for bounds in levels.values() for bound in bounds}
        return {bound for bound in held if bound + 1 in held and self._passes(bound + 1)}

    def _passes(self, end: int) -> bool:
        return self.cost[end - 1] + self.lots[end - 1] * self.unit == self.cost[end]

    def _is_reached(self, bound: int, reached: Mapping[int, list[int]]) -> bool:
        """Tell whether a best way leads to a boundary from those reached before it."""
        before = reached.get(self.cost[bound - 1], ())
        if before and before[-1] == bound - 1 and self._passes(bound):
            return True
        before = reached.get(self.cost[bound] - 1, ())
        at = bisect_left(before, self.line.starts_for(bound)) - 1
        return at >= 0 and bound <= self.line.stops[before[at]]

    def _is_leading(self, bound: int, leading: Mapping[int, list[int]]) -> bool:
        """Tell whether a best way leads from a boundary to those kept after it."""
        after = leading.get(self.cost[bound + 1], ())
        if after and after[-1] == -(bound + 1) and self._passes(bound + 1):
            return True
        after = leading.get(self.cost[bound] + 1, ())
        at = bisect_left(after, -self.line.stops[bound])
        return at < len(after) and bound < self.line.starts_for(-after[at])
