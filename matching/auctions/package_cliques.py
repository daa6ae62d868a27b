"""Rows that package bids imply: of bids that meet each other, two by two, at most one can win.

A relaxation may still give such bids shares that add up to more than one, each pair of them on
another item. The rows that forbid it (clique inequalities, Padberg 1973) bound the best set closer
than the items alone, so that a search ends after fewer branches. They are found where the
relaxation breaks them: from each bid with a share, by falling shares, those that meet all so far;
then grown until no bid meets all of it. Equal shares go by number, so the rows are always the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matching.auctions.package_model import PRICE_UNIT, Problem, tightened

MOST_BIDS = 4000
CLEARLY = PRICE_UNIT // 1000
Clique = tuple[int, ...]


def strengthened(problem: Problem) -> Problem:
    """Return the problem with implied rows behind its own; too large a one as it is."""
    if len(problem.values) > MOST_BIDS:
        return problem
    meeting = meeting_of(problem)
    return tightened(problem, lambda shares: broken(meeting, shares))


def meeting_of(problem: Problem) -> list[int]:
    """Return for each bid, as a mask, the bids that it shares a row with."""
    users = [0] * problem.row_count
    for bid, rows in enumerate(problem.rows):
        for row in rows:
            users[row] |= 1 << bid
    meeting = []
    for bid, rows in enumerate(problem.rows):
        mask = 0
        for row in rows:
            mask |= users[row]
        meeting.append(mask & ~(1 << bid))
    return meeting


def broken(meeting: Sequence[int], shares: Sequence[int]) -> Iterator[Clique]:
    """Yield bids of which at most one can win though their shares add up to more."""
    some = sorted((bid for bid, share in enumerate(shares) if share), key=lambda b: (-shares[b], b))
    found: dict[Clique, int] = {}
    for first in some:
        clique, total, left = [first], shares[first], meeting[first]
        for bid in some:
            if left >> bid & 1:
                clique.append(bid)
                total += shares[bid]
                left &= meeting[bid]
        if total > PRICE_UNIT + CLEARLY:
            found[tuple(sorted(clique))] = left
    for core, left in found.items():
        yield tuple(sorted([*core, *_grown(meeting, left)]))


def _grown(meeting: Sequence[int], left: int) -> Iterator[int]:
    """Yield bids out of those left that meet each other, the one that leaves most of them first."""
    able = list(members(left))
    while able:
        bid = max(able, key=lambda bid: ((left & meeting[bid]).bit_count(), -bid))
        yield bid
        left &= meeting[bid]
        able = [other for other in able if left >> other & 1]


def members(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
