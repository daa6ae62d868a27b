"""Equally good allocations: the one that serves the earlier `seq` first.

Among supported allocations of one surplus, each order in turn (by seq, then id) gets as many
lots as it can, in all and then in its earlier tenors; then each offer likewise; then each
storage. `awarding` does this for the quantities, given what is accepted. In small bundles it
is done here for what is accepted as well, several turns to a search.
"""

from __future__ import annotations

from collections.abc import Sequence

from matching.forwards.bundle import Allocation, Bundle, Demand
from matching.forwards.model import Goal
from matching.forwards.pricing import supported

MAX_WEIGHT = 10**6
"""The product of turns that share a search stays below this, so that it is exact."""


def served_in_turn(bundle: Bundle, found: Allocation) -> Allocation:
    """Exchange lots of one tenor and limit between divisible orders, earlier ones first."""
    bought = [list(lots) for lots in found.bought]
    alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, demand in enumerate(bundle.demands):
        if demand.is_divisible:
            for place, (tenor, _) in enumerate(demand.caps):
                alike.setdefault((tenor, demand.limit), []).append((number, place))
    for number, demand in enumerate(bundle.demands):
        if demand.is_divisible:
            for place, (tenor, _) in enumerate(demand.caps):
                later = [(n, p) for n, p in alike[tenor, demand.limit] if n > number]
                _take(demand, bought, (number, place), later)
    return Allocation(tuple(tuple(lots) for lots in bought), found.sold, found.tiers, found.stored)


def served_as_supported(bundle: Bundle, found: Allocation) -> Allocation:
    """Serve in turn what prices support, unless that would take their support away.

    Who gives a lot to an earlier order of the same limit may be short of it in a cheaper tenor.
    """
    turned = served_in_turn(bundle, found)
    return found if turned != found and supported(bundle, turned) is None else turned


def _take(
    demand: Demand, bought: list[list[int]], own: tuple[int, int], later: list[tuple[int, int]]
) -> None:
    number, place = own
    for other, part in later:
        room = min(demand.caps[place][1] - bought[number][place], demand.lots - sum(bought[number]))
        lots = min(room, bought[other][part])
        bought[number][place] += lots
        bought[other][part] -= lots


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
