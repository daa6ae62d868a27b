"""That no disjoint stretches have a larger Σ (net limit − price) × firm lots.

Among equals the most firm lots and the fewest pools; and as long as the windows that serve hold
`MAX_LENGTH` pledges at most in all, the earlier offers and the smallest list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate
from typing import NamedTuple

from matching.clearing.form import require
from matching.clearing.pool_book import Book, Law, Placed, column_at
from matching.clearing.pool_edges import MAX_LENGTH, Edge, check_ties, edges_of
from matching.clearing.pool_line import Line, line_of


class _Goal(NamedTuple):
    """Surplus, lots and fewer pools as one integer."""

    lots: int
    pools: int

    def worth(self, surplus: int, lots: int) -> int:
        return (surplus * self.lots + lots) * self.pools


def check_most_surplus(book: Book, law: Law, placed: Sequence[Placed]) -> int:
    """Check that the pools are those of the largest sum; return it."""
    goal = _Goal(sum(book.lots) + 1, len(book.ids) + 1)
    surplus = reached = 0
    for pool in placed:
        require(pool.round == 1, "round", "the largest sum is found in one round")
        own = sum((book.net[x] - pool.price) * book.lots[x] for x in pool.places)
        surplus += own
        reached += goal.worth(own, sum(book.lots[x] for x in pool.places)) - 1
    tracks = [*_tracks(book, law, goal)]
    claims = [_claim_of(book, pool) for pool in placed]
    value = _best(book, tracks)
    require(reached == value[-1], "surplus_optimal", f"{surplus} is not the largest sum and lots")
    _check_first(book, tracks, value, claims)
    return surplus


def _claim_of(book: Book, pool: Placed) -> Edge:
    """Return where a pool stands in the order; it leaves out nobody between who accepts."""
    places = sorted(pool.places)
    first, last = places[0], places[-1]
    accepting = [x for x in range(first, last + 1) if book.net[x] >= pool.price]
    name = book.ids[pool.places[0]]
    require(accepting == places, "window", f"the pool of {name} leaves out a neighbour")
    firm = sum(book.lots[x] for x in places)
    most = firm + sum(book.spare[x] for x in places)
    earliest = next((s for s in book.supplies if s.total(pool.price, firm, most)), None)
    require(earliest == pool.supply, "offer", f"the pool of {name} is not with the earliest offer")
    return Edge(first, last + 1, book.supplies.index(pool.supply), pool.price)


def _tracks(book: Book, law: Law, goal: _Goal) -> Iterator[_Track]:
    at_price: dict[int, int] = {}
    for supply in book.supplies:
        for least, price in supply.breaks:
            at_price[price] = min(least, at_price.get(price, least))
    for price, least in sorted(at_price.items()):
        asks_less = [p for p, other in at_price.items() if p < price and other <= least]
        if asks_less and not book.has_packs:
            continue  # Whoever accepts this price would pay less for no more lots.
        places = [x for x, net in enumerate(book.net) if net >= price]
        line = line_of(book, law, places, least)
        if line is not None:
            yield _Track(book, line, price, goal)


class _Track:
    """The windows of one price, end by end."""

    def __init__(self, book: Book, line: Line, price: int, goal: _Goal) -> None:
        self.line, self.price = line, price
        lots = column_at(book.lots, line.places)
        net = column_at(book.net, line.places)
        gains = [goal.worth((n - price) * q, q) for n, q in zip(net, lots, strict=True)]
        self.gain = [0, *accumulate(gains)]
        self.into: dict[int, list[int]] | None = None
        if book.has_packs:
            self.into = {}
            for start, end, *_ in edges_of(book, line, price):
                self.into.setdefault(end, []).append(start)
        self.coming = self.end = 0
        self.ready: list[tuple[int, int]] = []

    def advance(self, value: Sequence[int]) -> int | None:
        """Return the best value of a window that ends with the next place, if there is one."""
        self.end += 1
        end, gain, line = self.end, self.gain, self.line
        if self.into is not None:
            starts = self.into.get(end, ())
            worth = [value[line.places[start]] - gain[start] for start in starts]
            return gain[end] + max(worth) - 1 if worth else None
        while self.coming < line.starts_for(end):
            start = self.coming
            heappush(self.ready, (gain[start] - value[line.places[start]], start))
            self.coming += 1
        while self.ready and line.stops[self.ready[0][1]] < end:
            heappop(self.ready)
        return gain[end] - self.ready[0][0] - 1 if self.ready else None


def _best(book: Book, tracks: Sequence[_Track]) -> list[int]:
    """Return the best value up to each boundary: a longest path over the order."""
    ending: list[list[_Track]] = [[] for _ in book.ids]
    for track in tracks:
        for x in track.line.places:
            ending[x].append(track)
    value = [0]
    for here in ending:
        found = [track.advance(value) for track in here]
        value.append(max([value[-1], *[best for best in found if best is not None]]))
    return value


def _check_first(
    book: Book, tracks: Sequence[_Track], value: Sequence[int], claims: Sequence[Edge]
) -> None:
    """Check the ties, where the windows are few."""
    count = len(book.ids)
    best: list[Edge] = []
    tried = 0
    for track in tracks:
        line, gain = track.line, track.gain
        for start, end, rank, price in edges_of(book, line, track.price):
            tried += 1
            first, edge = line.places[start], line.places[end - 1] + 1
            if value[first] + gain[end] - gain[start] - 1 == value[edge]:
                best.append(Edge(first, edge, rank, price))
            if tried > MAX_LENGTH:
                return
    passes = {k for k in range(count) if value[k] == value[k + 1]}
    leading = _leading(best, passes, count)
    kept = [edge for edge in best if edge.end in leading]

    def names_of(edge: Edge) -> list[str]:
        members = [x for x in range(edge.start, edge.end) if book.net[x] >= edge.price]
        return sorted([book.ids[x] for x in members])

    check_ties(kept, {k for k in passes if k + 1 in leading}, count, claims, names_of)


def _leading(best: Sequence[Edge], passes: set[int], end: int) -> set[int]:
    """Return the boundaries from which a best way leads to the end."""
    leading = {end}
    out: dict[int, list[int]] = {}
    for edge in best:
        out.setdefault(edge.start, []).append(edge.end)
    for k in range(end - 1, -1, -1):
        if (k in passes and k + 1 in leading) or not leading.isdisjoint(out.get(k, ())):
            leading.add(k)
    return leading
