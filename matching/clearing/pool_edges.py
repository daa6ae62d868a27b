"""Ways of equal worth whose windows are written out: several offers at a price, and packs.

First are the earlier offers, pool by pool in the order of size; then the smallest list of pools.
Up to `MAX_LENGTH` pledges in all the windows that serve (a few hundred pledges in a line) both
are proved; beyond that only the volume and the number of pools are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from matching.clearing.form import require
from matching.clearing.pool_book import Book
from matching.clearing.pool_line import Line

MAX_LENGTH = 200_000


class Edge(NamedTuple):
    """A lawful window between two boundaries, the place of the earliest offer, and its price."""

    start: int
    end: int
    rank: int
    price: int


Names = Callable[[Edge], list[str]]  # The ids of a window's members, in order.


def edges_of(book: Book, line: Line, price: int) -> Iterator[Edge]:
    """Give every lawful window of a line, packs and all."""
    firm = [0, *accumulate([book.lots[x] for x in line.places])]
    asking = [
        (rank, supply)
        for rank, supply in enumerate(book.supplies)
        if any(goods == price for _, goods in supply.breaks)
    ]
    for start, stop in enumerate(line.stops):
        for end in range(start + 1, stop + 1):
            if start >= line.crowds[end]:
                continue
            held, most = firm[end] - firm[start], line.reach[end] - line.reach[start]
            for rank, supply in asking:
                if supply.total(price, held, most):
                    yield Edge(start, end, rank, price)
                    break


def check_edges(book: Book, line: Line, price: int, claims: Sequence[Edge]) -> None:
    """Check that the pools claimed are the best choice of all windows of a line, and the first."""
    edges = [*edges_of(book, line, price)]
    count = len(line.places)
    unit = count + 1
    lots = [book.lots[x] for x in line.places]
    before, after = _least(edges, [passed * unit for passed in lots])
    whole = after[0]
    least, fewest = divmod(whole, unit)
    passed = sum(lots) - sum(sum(lots[claim.start : claim.end]) for claim in claims)
    require(passed == least, "volume", f"{passed} lots are passed by at {price}, not {least}")
    require(len(claims) == fewest, "fewest_pools", f"{len(claims)} pools at {price}, not {fewest}")
    best = [e for e in edges if before[e.start] + 1 + after[e.end] == whole]
    passes = {k for k in range(count) if before[k] + lots[k] * unit + after[k + 1] == whole}
    check_ties(best, passes, count, claims, names_in(book, line))


def names_in(book: Book, line: Line) -> Names:
    """Return what tells the ids of a window of a line."""
    ids = [book.ids[x] for x in line.places]
    return lambda edge: sorted(ids[edge.start : edge.end])


def _least(edges: Sequence[Edge], passing: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the least cost from the left to each boundary, and from it to the right."""
    count = len(passing)
    into: list[list[int]] = [[] for _ in range(count + 1)]
    out: list[list[int]] = [[] for _ in range(count + 1)]
    for start, end, *_ in edges:
        into[end].append(start)
        out[start].append(end)
    before, after = [0], [0] * (count + 1)
    for k in range(count):
        before.append(min([before[k] + passing[k], *[before[x] + 1 for x in into[k + 1]]]))
    for k in range(count - 1, -1, -1):
        after[k] = min([after[k + 1] + passing[k], *[after[x] + 1 for x in out[k]]])
    return before, after


def check_ties(
    best: Sequence[Edge], passes: set[int], count: int, claims: Sequence[Edge], names_of: Names
) -> None:
    """Check the earlier offers, then the smallest list, among ways that are equally good.

    All edges lie on such ways from 0 to `count`; `passes` are the boundaries from which one
    goes on to the next without a window.
    """
    if sum(edge.end - edge.start for edge in best) + len(claims) * count > MAX_LENGTH:
        return
    ranks: dict[int, tuple[int, ...]] = {count: ()}
    out: dict[int, list[Edge]] = {}
    for edge in best:
        out.setdefault(edge.start, []).append(edge)
    for k in range(count - 1, -1, -1):
        found = [(e.rank, *ranks[e.end]) for e in out.get(k, ()) if e.end in ranks]
        if k in passes and k + 1 in ranks:
            found.append(ranks[k + 1])
        if found:
            ranks[k] = min(found)
    told = tuple(claim.rank for claim in sorted(claims))
    require(told == ranks[0], "offer", f"offers {told} are not the earliest, {ranks[0]}")
    kept = [e for e in best if e.end in ranks and ranks.get(e.start) == (e.rank, *ranks[e.end])]
    still = {k for k in passes if k + 1 in ranks and ranks.get(k) == ranks[k + 1]}
    fixed = [0, count]
    for names, claim in sorted([(names_of(claim), claim) for claim in claims]):
        low = max([k for k in fixed if k <= claim.start])
        high = min([k for k in fixed if k >= claim.end])
        least = min([names_of(edge) for edge in _inside(kept, still, low, high)])
        require(names == least, "first_list", f"the pool of {names[0]} comes after {least}")
        fixed += [claim.start, claim.end]


def _inside(kept: Sequence[Edge], passes: set[int], low: int, high: int) -> list[Edge]:
    """Return the windows on ways from one boundary to another."""
    here = [edge for edge in kept if low <= edge.start and edge.end <= high]
    out: dict[int, list[int]] = {}
    for edge in here:
        out.setdefault(edge.start, []).append(edge.end)
    reached, leading = {low}, {high}
    for k in range(low, high):
        if k in reached:
            reached.update(out.get(k, ()))
            if k in passes:
                reached.add(k + 1)
    for k in range(high - 1, low - 1, -1):
        if not leading.isdisjoint(out.get(k, ())) or (k in passes and k + 1 in leading):
            leading.add(k)
    return [edge for edge in here if edge.start in reached and edge.end in leading]
