"""Equally good allocations: the one that serves the earlier `seq` first.

Among supported allocations of one surplus, each order in turn (by seq, then id) gets as many
lots as it can, in all and then in its earlier tenors; then each offer likewise; then each
storage. `awarding` does this for the quantities, given what is accepted. In small bundles it
is done here for what is accepted as well, several turns to a search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matching.forwards.bundle import Allocation, Bundle, Demand
from matching.forwards.model import Goal
from matching.forwards.pricing import Priced

Pricing = Callable[[Bundle, Allocation], Priced | None]

MAX_PASSES = 20
"""What is exchanged may move the prices, and these may bear another exchange."""
MAX_WEIGHT = 10**6
"""The product of turns that share a search stays below this, so that it is exact."""


def served_in_turn(bundle: Bundle, found: Allocation, pricing: Pricing) -> Allocation:
    """Exchange lots of one tenor and limit between divisible orders, earlier ones first.

    Only as far as the prices bear it: who gives a lot to an equal must not be left short of one
    in a tenor where it is strictly in the money. What has no prices stays as it is.
    """
    for _ in range(MAX_PASSES):
        priced = pricing(bundle, found)
        if priced is None:
            return found
        turned = _exchanged(bundle, found, priced.prices)
        if turned == found:
            return found
        found = turned
    return found


def _exchanged(bundle: Bundle, found: Allocation, prices: Sequence[int]) -> Allocation:
    bought = [list(lots) for lots in found.bought]
    alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, demand in enumerate(bundle.demands):
        if demand.is_divisible:
            for place, (tenor, _) in enumerate(demand.caps):
                alike.setdefault((tenor, demand.limit), []).append((number, place))
    for number, demand in enumerate(bundle.demands):
        if demand.is_divisible:
            for place, (tenor, _) in enumerate(demand.caps):
                for other, part in alike[tenor, demand.limit]:
                    room = _room(demand, bought[number], place)
                    if not room:
                        break
                    lots = min(room, bought[other][part]) if other > number else 0
                    if lots and _may_give(bundle.demands[other], bought[other], part, prices):
                        bought[number][place] += lots
                        bought[other][part] -= lots
    return Allocation(tuple(tuple(lots) for lots in bought), found.sold, found.tiers, found.stored)


def _may_give(demand: Demand, lots: Sequence[int], part: int, prices: Sequence[int]) -> bool:
    """Say whether an order that gives lots of one tenor is in the money in none it has room in."""
    return all(
        prices[tenor] >= demand.limit
        for place, (tenor, cap) in enumerate(demand.caps)
        if place == part or lots[place] < cap
    )


def _room(demand: Demand, lots: Sequence[int], place: int) -> int:
    return min(demand.caps[place][1] - lots[place], demand.lots - sum(lots))


def next_goal(
    surplus: int, fixed: Sequence[tuple[int, int]], listed: Sequence[tuple[int, int]]
) -> Goal:
    """Return the goal of the next search: (lots, most possible) of all turns are `listed`.

    The first turns that already have the most possible are only fixed. Those that follow
    share a search, each weighing more than all after it together.
    """
    settled = list(fixed)
    while len(settled) < len(listed) and listed[len(settled)][0] == listed[len(settled)][1]:
        settled.append((len(settled), listed[len(settled)][0]))
    together: list[int] = []
    product = 1
    for turn in range(len(settled), len(listed)):
        product *= listed[turn][1] + 1
        if together and product > MAX_WEIGHT:
            break
        together.append(turn)
    weights: list[tuple[int, int]] = []
    weight = 1
    for turn in reversed(together):
        weights.append((turn, weight))
        weight *= listed[turn][1] + 1
    return Goal(surplus, tuple(settled), tuple(reversed(weights)))
