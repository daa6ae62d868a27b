"""Branch and bound over boxes of prices: the best allocation that uniform prices support.

Within a box every condition on prices becomes a condition on lots that is at least as weak;
its best allocation either has supporting prices, and is the best of the box, or the box is
split at a price where that allocation breaks. A box of one price is exact, so the search
ends with the optimum, or at its limit with a bound. The box with the best bound comes first,
the older among equals.

Source: after Madani & Van Vyve (2015), "Computationally efficient MIP formulation and
algorithms for European day-ahead electricity market auctions", EJOR 242.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from matching.forwards.awarding import awarded
from matching.forwards.bundle import Allocation, Bundle, Demand, is_lawful, surplus
from matching.forwards.conditions import Condition, conditions
from matching.forwards.model import Box, Goal, Search, turns
from matching.forwards.pricing import supported
from matching.forwards.proposing import Proposal, propose
from matching.forwards.turns import served_in_turn


@dataclass(frozen=True, slots=True)
class Task:
    """What to maximise, and when to stop: after `boxes`, or within `gap_ppm` of the bound."""

    goal: Goal | None
    gap_ppm: int
    node_limit: int
    boxes: int

    def measure(self, bundle: Bundle, found: Allocation) -> int:
        if self.goal is None:
            return surplus(bundle, found)
        listed = turns(bundle, found)
        return sum(weight * listed[turn][0] for turn, weight in self.goal.weights)


def best_in_boxes(
    bundle: Bundle, task: Task, *, value: int, bound: int
) -> tuple[Allocation | None, int]:
    """Return a supported allocation above `value`, if there is one, and a bound on all."""
    boxes = _Boxes(bundle, task, value, bound)
    while boxes.is_open():
        boxes.look_into_best()
    return boxes.found, boxes.bound()


class _Boxes:
    def __init__(self, bundle: Bundle, task: Task, value: int, bound: int) -> None:
        self.bundle = bundle
        self.task = task
        self.value = value
        self.found: Allocation | None = None
        self.left = task.boxes
        self.opened = 0
        self.stuck = 0
        count = len(bundle.tenors)
        whole = Box((0,) * count, (highest_price(bundle),) * count)
        self.waiting = [(-bound, 0, whole)]

    def is_open(self) -> bool:
        if not self.waiting or not self.left:
            return False
        bound = -self.waiting[0][0]
        return 10**6 * (bound - self.value) > self.task.gap_ppm * bound

    def bound(self) -> int:
        left = max((-bound for bound, _, _ in self.waiting), default=0)
        return max(self.value, left, self.stuck)

    def look_into_best(self) -> None:
        bound, _, box = heapq.heappop(self.waiting)
        self.left -= 1
        search = Search(0, self.task.node_limit, box, self.task.goal)
        proposal = propose(self.bundle, search)
        if proposal is None or proposal.bound <= self.value:
            return
        self._weigh(box, min(-bound, proposal.bound), proposal)

    def _weigh(self, box: Box, bound: int, proposal: Proposal) -> None:
        found = self._exact(proposal)
        if found is None:
            self.stuck = max(self.stuck, bound)
            return
        value = self.task.measure(self.bundle, found)
        is_supported = supported(self.bundle, found) is not None
        if is_supported and value > self.value:
            self.found, self.value = found, value
        if not is_supported or bound > value:
            self._split(box, bound, found)

    def _exact(self, proposal: Proposal) -> Allocation | None:
        """Prefer the exact best quantities of what the box accepts, where prices allow."""
        start = proposal.start if is_lawful(self.bundle, proposal.start) else None
        if self.task.goal is not None:
            is_best = start and surplus(self.bundle, start) >= self.task.goal.surplus
            return start if is_best else None
        settled = awarded(self.bundle, proposal.choice, proposal.start)
        if settled is not None and supported(self.bundle, settled) is not None:
            return settled
        return served_in_turn(self.bundle, start, supported) if start else settled

    def _split(self, box: Box, bound: int, found: Allocation) -> None:
        cut = _cut(self.bundle, box, found)
        if cut is None:
            self.stuck = max(self.stuck, bound)
            return
        tenor, below = cut
        for low, high in ((box.lows[tenor], below), (below + self.bundle.tick, box.highs[tenor])):
            lows = (*box.lows[:tenor], low, *box.lows[tenor + 1 :])
            highs = (*box.highs[:tenor], high, *box.highs[tenor + 1 :])
            self.opened += 1
            heapq.heappush(self.waiting, (-bound, self.opened, Box(lows, highs)))


def highest_price(bundle: Bundle) -> int:
    """Return a price that no supporting price needs to exceed, on tick."""
    highest = [limit for d in bundle.demands for limit in (d.limit, _block_price(d))]
    highest += [ask for supply in bundle.supplies for _, _, ask in supply.steps]
    carry = sum(store.carry for store in bundle.stores)
    return -(-(max(highest, default=0) + carry) // bundle.tick) * bundle.tick


def _block_price(demand: Demand) -> int:
    """Return what a tenor could cost at most within a block's average."""
    if not demand.is_block:
        return 0
    return demand.limit * demand.lots // min(lots for _, lots in demand.caps)


def _cut(bundle: Bundle, box: Box, found: Allocation) -> tuple[int, int] | None:
    """Return a tenor and the price, on tick, up to which the lower half of the box goes."""
    ranges, rows = _implied(bundle, box, found)
    cuts: list[tuple[int, int, int]] = []
    for tenor, (low, high) in enumerate(ranges):
        if low > high:
            cuts += _edges(bundle, box, tenor, (low, high), 1)
    if not cuts:
        for row in rows:
            if _most(row, ranges) < 0:
                for tenor, factor in row.coefficients:
                    cuts += _edges(bundle, box, tenor, ranges[tenor], factor)
    if cuts:
        _, tenor, below = max(cuts, key=lambda cut: (cut[0], -cut[1], -cut[2]))
        return tenor, below
    return _halved(bundle, box)


def _implied(
    bundle: Bundle, box: Box, found: Allocation
) -> tuple[list[tuple[int, int]], list[Condition]]:
    """Return the range of each price within the box that the allocation leaves open."""
    ranges = list(zip(box.lows, box.highs, strict=True))
    rows: list[Condition] = []
    for condition in conditions(bundle, found):
        if len(condition.coefficients) > 1:
            rows.append(condition)
            continue
        ((tenor, factor),) = condition.coefficients
        low, high = ranges[tenor]
        ticks = condition.const // (abs(factor) * bundle.tick)
        if factor > 0:
            low = max(low, -ticks * bundle.tick)
        else:
            high = min(high, ticks * bundle.tick)
        ranges[tenor] = low, high
    return ranges, rows


def _most(row: Condition, ranges: list[tuple[int, int]]) -> int:
    """Return the greatest value of a condition over these ranges."""
    return row.const + sum(
        factor * (ranges[t][1] if factor > 0 else ranges[t][0]) for t, factor in row.coefficients
    )


def _edges(
    bundle: Bundle, box: Box, tenor: int, implied: tuple[int, int], factor: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (how much it matters, tenor, cut) at the edge that keeps a condition from holding."""
    low, high = implied
    if factor > 0 and box.lows[tenor] <= high < box.highs[tenor]:
        yield factor * (box.highs[tenor] - high), tenor, high
    if (factor < 0 or low > high) and box.lows[tenor] < low <= box.highs[tenor]:
        yield abs(factor) * (low - box.lows[tenor]), tenor, low - bundle.tick


def _halved(bundle: Bundle, box: Box) -> tuple[int, int] | None:
    widths = [high - low for low, high in zip(box.lows, box.highs, strict=True)]
    tenor = max(range(len(widths)), key=lambda t: (widths[t], -t))
    if not widths[tenor]:
        return None
    ticks = widths[tenor] // bundle.tick
    return tenor, box.lows[tenor] + ticks // 2 * bundle.tick if ticks > 1 else box.lows[tenor]
