"""Sets of package bids dived for: the relaxation is followed down, bid by bid.

A dive solves the relaxation with its implied rows (`package_cliques`), takes what has a whole share
and of the others the bid of the largest share, bars what those meet, and solves again from there
until nothing is left to decide. The first dive goes by the amounts as they are; each later one by
amounts moved a little up or down by a fixed sequence, so that it ends elsewhere. Where a search of
neighbourhoods starts decides where it ends, and from a dive it ends higher than from a set that
was put together without the relaxation.

The shares are the solver's, and prove nothing: a set counts by the amounts of its own bids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matching.auctions.package_cliques import meeting_of, members
from matching.auctions.package_model import PRICE_UNIT, Problem
from matching.auctions.package_relaxed import Relaxed
from matching.auctions.package_search import Search, numbers

WHOLE = PRICE_UNIT - PRICE_UNIT // 1000
SPREAD = 10
DIVE_ROUNDS = 20


def by_dives(
    problem: Problem, search: Search, start: tuple[int, ...], dives: int
) -> tuple[int, ...]:
    """Search around as many dives, then around the best set of all: no worse than `start`.

    Where single neighbourhoods are so hard that they use up the work of all, there are fewer dives.
    """
    best, work = start, DIVE_ROUNDS * search.problem.area
    end = search.spent + dives * work
    for number in range(1, dives + 1):
        if search.spent >= end:
            return search.filled(best)
        found = search.by_neighbourhoods(search.filled(dived(problem, number)), work, number)
        best = max(best, search.filled(found), key=problem.total)
    return search.filled(search.by_neighbourhoods(best, work, dives + 1))


def dived(problem: Problem, number: int) -> tuple[int, ...]:
    """Return the lawful set that the dive of this number ends with; 0 is the one not moved."""
    relaxed = Relaxed(replace(problem, values=_moved(problem.values, number)))
    meeting = meeting_of(problem)
    barred = taken = 0
    while True:
        relaxed.restrict(barred, taken)
        relaxed.solve(0)
        shares = relaxed.shares()
        left = [
            bid for bid, share in enumerate(shares) if share > 0 and not (barred | taken) >> bid & 1
        ]
        if not left:
            return tuple(members(taken))
        left.sort(key=lambda bid: (-shares[bid], bid))
        for bid in left:
            if not barred >> bid & 1:
                taken |= 1 << bid
                barred |= meeting[bid]
            if shares[bid] < WHOLE:
                # One that is divided is followed at a time, then the relaxation is asked again.
                break


def _moved(values: Sequence[int], number: int) -> tuple[int, ...]:
    """Return amounts up to `SPREAD` thousandths higher or lower, other ones by each number."""
    if not number:
        return tuple(values)
    draws = numbers(number)
    return tuple(
        value + value * (next(draws) % (2 * SPREAD + 1) - SPREAD) // 1000 for value in values
    )
