"""Ways of equal worth whose windows are written out: several offers at a price, and packs.

First are the earlier offers, pool by pool in the order of size; then the smallest list of pools.
Up to `MAX_LENGTH` pledges in all the windows that serve (a few hundred pledges in a line) both
are proved; beyond that only the volume and the number of pools are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from matching.clearing.form import require
from matching.clearing.pool_book import Book, Supply
from matching.clearing.pool_line import Line
from matching.clearing.pool_packs import passing_by

MAX_LENGTH = 200_000
MAX_TRIED = 1_000_000


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
    asking = _asking(book, price)
    for start, stop in enumerate(line.stops):
        for end in range(start + 1, stop + 1):
            edge = _edge(asking, line, firm, price, start, end)
            if edge is not None:
                yield edge


def _asking(book: Book, price: int) -> list[tuple[int, Supply]]:
    return [
        (rank, supply)
        for rank, supply in enumerate(book.supplies)
        if any(goods == price for _, goods in supply.breaks)
    ]


def _edge(
    asking: Sequence[tuple[int, Supply]],
    line: Line,
    firm: Sequence[int],
    price: int,
    start: int,
    end: int,
) -> Edge | None:
    """Return the window between two boundaries of similar size, if it is lawful."""
    if start >= line.crowds[end]:
        return None
    held, most = firm[end] - firm[start], line.reach[end] - line.reach[start]
    for rank, supply in asking:
        if supply.total(price, held, most):
            return Edge(start, end, rank, price)
    return None


def check_edges(book: Book, line: Line, price: int, claims: Sequence[Edge]) -> None:
    """Check that the pools claimed are the best choice of all windows of a line, and the first."""
    costs = passing_by(book, line, price)
    count = len(line.places)
    unit = count + 1
    lots = [book.lots[x] for x in line.places]
    least, fewest = divmod(costs[-1], unit)
    passed = sum(lots) - sum(sum(lots[claim.start : claim.end]) for claim in claims)
    require(passed == least, "volume", f"{passed} lots are passed by at {price}, not {least}")
    require(len(claims) == fewest, "fewest_pools", f"{len(claims)} pools at {price}, not {fewest}")
    best, passes = _best(book, line, price, costs)
    if best is not None:
        check_ties(best, passes, count, claims, names_in(book, line))


def _best(
    book: Book, line: Line, price: int, costs: Sequence[int]
) -> tuple[list[Edge] | None, set[int]]:
    """Return the windows on ways that cost the least, and where such a way passes a pledge by.

    None where the windows are too many to be written out.
    """
    asking = _asking(book, price)
    firm = [0, *accumulate([book.lots[x] for x in line.places])]
    count = len(line.places)
    at_cost: dict[int, list[int]] = {}
    for boundary, cost in enumerate(costs):
        at_cost.setdefault(cost, []).append(boundary)
    best: list[Edge] = []
    passes: set[int] = set()
    length = tried = 0
    leading = {count}
    for end in range(count, 0, -1):
        if end not in leading:
            continue
        if costs[end - 1] + (firm[end] - firm[end - 1]) * (count + 1) == costs[end]:
            passes.add(end - 1)
            leading.add(end - 1)
        starts = at_cost.get(costs[end] - 1, [])
        for start in starts[bisect_left(starts, bisect_left(line.stops, end)) :]:
            if start >= end or tried > MAX_TRIED or length > MAX_LENGTH:
                break
            tried += 1
            edge = _edge(asking, line, firm, price, start, end)
            if edge is not None:
                best.append(edge)
                leading.add(start)
                length += end - start
    is_all = tried <= MAX_TRIED and length <= MAX_LENGTH
    return best if is_all else None, passes


def names_in(book: Book, line: Line) -> Names:
    """Return what tells the ids of a window of a line."""
    ids = [book.ids[x] for x in line.places]
    return lambda edge: sorted(ids[edge.start : edge.end])


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
