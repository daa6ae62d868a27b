"""The best allocation that uniform prices support.

The best allocation of all may have no supporting prices: a supplier's break may be worth
reaching only at a price that the last buyer to join does not pay. The search then looks at
boxes of prices, best bound first. Within a box every condition on prices becomes a condition
on lots that is at least as weak; its best allocation either has supporting prices and is the
best of the box, or the box is split at a price where that allocation breaks. A box of one
price is exact, so the search ends with the optimum, or at its limit with a bound.

First, a quick answer: whoever loses at the prices of least loss is left out, until prices
support the rest. Without orders and offers that have a minimum prices always do.

Source: branch and bound over continuous duals, after Madani & Van Vyve (2015).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

from matching.forwards.awarding import Accepted, awarded
from matching.forwards.bounding import dual_bound
from matching.forwards.bundle import Allocation, Bundle, Demand, is_lawful, surplus
from matching.forwards.conditions import Condition, conditions
from matching.forwards.orders import Rules
from matching.forwards.pricing import Priced, made_whole, supported
from matching.forwards.proposing import Box, Proposal, Search, propose, relaxed_prices

SMALL_BUNDLE = 3_000
"""Columns of the model up to which it is solved without a gap."""
MAX_BANS = 12


@dataclass(frozen=True, slots=True)
class Best:
    """The best allocation as it is, and what bounds it."""

    allocation: Allocation
    surplus: int
    bound: int
    dual_prices: tuple[int, ...]
    dual_bound: int


@dataclass(frozen=True, slots=True)
class Supported:
    """The best supported allocation found, its prices, and a bound on any."""

    allocation: Allocation
    priced: Priced
    surplus: int
    bound: int


def best_of_all(bundle: Bundle, rules: Rules) -> Best:
    """Return the best allocation whatever its prices."""
    proposal = propose(bundle, Search(_gap(bundle, rules), rules.node_limit))
    assert proposal is not None, "to award nothing is always possible"
    allocation = awarded(bundle, proposal.choice, proposal.start)
    if allocation is None or surplus(bundle, allocation) < 0:
        allocation = awarded(bundle, _nothing_lumpy(bundle))
    assert allocation is not None, "divisible orders alone can be left unfilled"
    found = surplus(bundle, allocation)
    prices = relaxed_prices(bundle)
    dual = dual_bound(bundle, prices)
    return Best(allocation, found, max(found, min(dual, proposal.bound)), prices, dual)


def best_supported(bundle: Bundle, rules: Rules, best: Best) -> Supported:
    """Return the best allocation found that prices support."""
    priced = supported(bundle, best.allocation)
    if priced is not None:
        return Supported(best.allocation, priced, best.surplus, best.bound)
    quick = _without_losers(bundle, rules, best.allocation)
    return _Boxes(bundle, rules, replace(quick, bound=best.bound)).searched()


def _gap(bundle: Bundle, rules: Rules) -> int:
    return 0 if _columns(bundle) <= SMALL_BUNDLE else rules.gap_ppm


def _columns(bundle: Bundle) -> int:
    plain = {(d.caps[0][0], d.limit) for d in bundle.demands if d.is_plain}
    divided = sum(len(d.caps) + 1 for d in bundle.demands if not d.is_plain)
    offered = sum((len(s.steps) + 1) * len(s.tiers) for s in bundle.supplies)
    return len(plain) + divided + offered + len(bundle.stores)


def _nothing_lumpy(bundle: Bundle) -> Accepted:
    return Accepted(
        (False,) * len(bundle.demands),
        tuple(None if supply.is_lumpy else 0 for supply in bundle.supplies),
    )


def _without_losers(bundle: Bundle, rules: Rules, allocation: Allocation) -> Supported:
    """Leave out who loses at the prices of least loss, until prices support the rest."""
    search = Search(_gap(bundle, rules), rules.node_limit)
    for _ in range(MAX_BANS):
        losers = [party for party, _ in made_whole(bundle, allocation).losses]
        orders = {number for kind, number in losers if kind == "order"}
        tiers = {(n, allocation.tiers[n] or 0) for kind, n in losers if kind == "offer"}
        search = replace(
            search,
            banned_orders=search.banned_orders | orders,
            banned_tiers=search.banned_tiers | tiers,
        )
        proposal = propose(bundle, search)
        found = proposal and awarded(bundle, proposal.choice, proposal.start)
        if not found:
            break
        allocation = found
        priced = supported(bundle, allocation)
        if priced is not None:
            return Supported(allocation, priced, surplus(bundle, allocation), 0)
    plain = awarded(bundle, _nothing_lumpy(bundle))
    assert plain is not None, "divisible orders alone can be left unfilled"
    priced = supported(bundle, plain)
    assert priced is not None, "divisible orders alone always have prices"
    return Supported(plain, priced, surplus(bundle, plain), 0)


class _Boxes:
    """Boxes of prices still to be looked into, best bound first."""

    def __init__(self, bundle: Bundle, rules: Rules, incumbent: Supported) -> None:
        self.bundle = bundle
        self.rules = rules
        self.best = incumbent
        self.nodes = min(rules.price_nodes, 100_000 // _columns(bundle))
        highest = (_highest_price(bundle),) * len(bundle.tenors)
        whole = Box((0,) * len(bundle.tenors), highest)
        self.waiting = [(-incumbent.bound, 0, whole)]
        self.opened = 0
        self.stuck = 0

    def searched(self) -> Supported:
        while self.waiting and not self._is_close(-self.waiting[0][0]) and self.nodes:
            bound, _, box = heapq.heappop(self.waiting)
            self.nodes -= 1
            self._look_into(box, -bound)
        left = max((-bound for bound, _, _ in self.waiting), default=0)
        return replace(self.best, bound=max(self.best.surplus, left, self.stuck))

    def _is_close(self, bound: int) -> bool:
        gap = _gap(self.bundle, self.rules)
        return 10**6 * (bound - self.best.surplus) <= gap * bound

    def _look_into(self, box: Box, bound: int) -> None:
        proposal = propose(self.bundle, Search(0, self.rules.node_limit, box))
        if proposal is None:
            return
        bound = min(bound, proposal.bound)
        if bound <= self.best.surplus:
            return
        found = self._exact(proposal)
        if found is None:
            self.stuck = max(self.stuck, bound)
            return
        value = surplus(self.bundle, found)
        priced = supported(self.bundle, found)
        if priced is not None and value > self.best.surplus:
            self.best = Supported(found, priced, value, self.best.bound)
        if priced is None or bound > value:
            self._split(box, bound, found)

    def _exact(self, proposal: Proposal) -> Allocation | None:
        """Prefer the exact best quantities of what the box accepts, where prices allow."""
        settled = awarded(self.bundle, proposal.choice, proposal.start)
        if settled is not None and supported(self.bundle, settled) is not None:
            return settled
        return proposal.start if is_lawful(self.bundle, proposal.start) else settled

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


def _highest_price(bundle: Bundle) -> int:
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
