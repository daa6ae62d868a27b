"""Prices as columns of the model: how much surplus can prices support at all?

Each tenor's price stands in one cell of a ladder; a column per cell tells whether it is in this
cell or a lower one. The conditions on prices become rows between these columns and the lots,
each a little weaker than the condition itself and exact where the cells are single prices:
- a divisible order, or a step of an offer without minimum and break, trades in a tenor only
  where the price suits it, and trades all it can where the price suits it strictly;
- a block is served only where it pays at most its limit on average;
- an offer with a minimum or a break is awarded a tier only where it could earn what it asks. What
  it can earn is convex in prices, so it is bounded, for one price of its total, tenor by tenor;
- used storage earns its carry, and storage with room left no more: the ladders of its two tenors
  are coupled cell by cell, which leaves no room for a mixture of prices.

Sources: the incremental form of a piecewise function, Croxton, Gendron & Magnanti (2003), "A
comparison of mixed-integer programming models for nonconvex piecewise linear cost minimization
problems", Management Science 49; primal and dual conditions in one model after Madani & Van Vyve
(2015), EJOR 242.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from matching.forwards.bounding import tier_gain
from matching.forwards.bundle import Bundle, Demand, Supply, Tier
from matching.forwards.model import Box, Layout, Model, Terms

FINEST = 5_000
"""Near the guess a cell is this part of it wide, and no narrower than a tick."""
NEAR_BELOW, NEAR_ABOVE = 200, 20
"""How near that is, as parts of the guess; cells above it first widen slowly."""


@dataclass(slots=True)
class Ladder:
    """Cells by tenor: the lowest and the highest price in each, and its column."""

    bottoms: list[list[int]] = field(default_factory=list)
    tops: list[list[int]] = field(default_factory=list)
    columns: list[list[int]] = field(default_factory=list)
    prices: list[int] = field(default_factory=list)
    """By tenor the column of its cell's lowest price, in ticks above that of the first cell."""
    stores: list[tuple[int, int]] = field(default_factory=list)
    """By store: whether it is used, and whether it is full."""

    def surely_at_most(self, tenor: int, price: int) -> int:
        """Return the last cell with no price above this one, or -1."""
        return bisect_right(self.tops[tenor], price) - 1

    def maybe_at_most(self, tenor: int, price: int) -> int:
        """Return the last cell with a price that is at most this one, or -1."""
        return bisect_right(self.bottoms[tenor], price) - 1

    def surely_below(self, tenor: int, price: int) -> int:
        return bisect_left(self.tops[tenor], price) - 1

    def is_last(self, tenor: int, cell: int) -> bool:
        return cell == len(self.columns[tenor]) - 1

    def expected(self, tenor: int, values: Sequence[int]) -> tuple[Terms, int]:
        """Return terms and a constant that add up to the value of the price's cell."""
        columns = self.columns[tenor]
        steps = zip(columns, values, values[1:], strict=False)
        return [(column, a - b) for column, a, b in steps if a != b], values[-1]


def with_ladder(
    model: Model, bundle: Bundle, layout: Layout, guess: Sequence[int], span: Box
) -> Ladder:
    """Add to a model what prices of the span, in cells finest near the guess, allow."""
    ladder = Ladder()
    for near, least, most in zip(guess, span.lows, span.highs, strict=True):
        edges = list(_edges(near, least, most, bundle.tick))
        ladder.bottoms.append(edges[:-1])
        ladder.tops.append([edge - bundle.tick for edge in edges[1:]])
        columns = [model.column(0, 0, 1) for _ in edges[:-2]]
        columns.append(model.column(0, 1, 1))
        for lower, upper in pairwise(columns):
            model.row([(lower, 1), (upper, -1)], None, 0)
        ladder.columns.append(columns)
        ladder.prices.append(_price(model, ladder, bundle.tick))
    _link_plain(model, ladder, layout)
    for number, demand in enumerate(bundle.demands):
        if demand.is_block:
            _link_block(model, ladder, demand, layout.taken[number], bundle.tick)
        elif number in layout.parts:
            _link_parts(model, ladder, demand, layout.parts[number])
    for number, supply in enumerate(bundle.supplies):
        if supply.is_lumpy:
            for tier, column in zip(supply.tiers, layout.tiers[number], strict=True):
                _link_tier(model, ladder, supply, tier, column, guess)
        else:
            _link_steps(model, ladder, supply, layout.steps[number][0])
    _link_stores(model, ladder, bundle, layout)
    return ladder


def _price(model: Model, ladder: Ladder, tick: int) -> int:
    tenor = len(ladder.columns) - 1
    first, *_ = bottoms = ladder.bottoms[tenor]
    ticks = [(bottom - first) // tick for bottom in bottoms]
    column = model.column(0, 0, ticks[-1])
    terms, most = ladder.expected(tenor, ticks)
    model.row([*terms, (column, -1)], -most, -most)
    return column


def _edges(near: int, lowest: int, highest: int, tick: int) -> Iterator[int]:
    """Yield where cells begin, in rising order, and where the last one ends."""
    fine = max(1, near // (FINEST * tick)) * tick
    below: list[int] = []
    away = max(fine, near // NEAR_BELOW)
    while away < near:
        below.append((near - away) // tick * tick)
        away += max(tick, away * 15 // 100)
    first = lowest // tick * tick
    edges = sorted({first, *(edge for edge in below if edge > first)})
    edge, last = edges[-1], highest // tick * tick
    yield from edges
    while edge < last:
        away = abs(edge - near)
        wide = away // 40 if away < near // NEAR_ABOVE else away * 15 // 100
        edge = min(last, edge + max(fine, wide // tick * tick))
        yield edge
    yield edge + tick


def _link_plain(model: Model, ladder: Ladder, layout: Layout) -> None:
    for (tenor, limit), column in sorted(layout.groups.items()):
        lots = model.uppers[column]
        _only_below(model, ladder, tenor, limit, (column, lots))
        cell = ladder.surely_below(tenor, limit)
        if ladder.is_last(tenor, cell):
            model.lowers[column] = lots
        elif cell >= 0:
            model.row([(column, 1), (ladder.columns[tenor][cell], -lots)], 0, None)


def _only_below(
    model: Model, ladder: Ladder, tenor: int, limit: int, bought: tuple[int, int]
) -> None:
    """Let (column, lots) be bought only where the price may be at most the limit."""
    column, lots = bought
    cell = ladder.maybe_at_most(tenor, limit)
    if cell < 0:
        model.uppers[column] = 0
    elif not ladder.is_last(tenor, cell):
        model.row([(column, 1), (ladder.columns[tenor][cell], -lots)], None, 0)


def _link_parts(model: Model, ladder: Ladder, demand: Demand, columns: Sequence[int]) -> None:
    cells = [ladder.surely_below(tenor, demand.limit) for tenor, _ in demand.caps]
    sure = sum(
        cap
        for (tenor, cap), cell in zip(demand.caps, cells, strict=True)
        if ladder.is_last(tenor, cell)
    )
    is_filled = demand.is_divisible and sure >= demand.lots
    if is_filled:
        model.row([(column, 1) for column in columns], demand.lots, None)
    for (tenor, cap), column, cell in zip(demand.caps, columns, cells, strict=True):
        _only_below(model, ladder, tenor, demand.limit, (column, cap))
        if demand.is_divisible and not is_filled and cell >= 0:
            # Below its limit it buys its part of the tenor in full, or its whole total.
            terms = _either(columns, column, cap, demand.lots)
            model.row([*terms, (ladder.columns[tenor][cell], -cap * demand.lots)], 0, None)


def _either(columns: Sequence[int], column: int, cap: int, total: int) -> Terms:
    """Return terms that reach cap × total where a part is at its cap, or the sum is the total."""
    return [(other, cap + (total - cap if other == column else 0)) for other in columns]


def _link_block(model: Model, ladder: Ladder, demand: Demand, taken: int, tick: int) -> None:
    worth = demand.limit * demand.lots
    beyond = sum(ladder.bottoms[tenor][-1] * lots for tenor, lots in demand.caps) - worth
    if beyond <= 0:
        return
    least = sum(ladder.bottoms[tenor][0] * lots for tenor, lots in demand.caps)
    if least > worth:
        model.uppers[taken] = 0
        return
    paid = [(ladder.prices[tenor], lots * tick) for tenor, lots in demand.caps]
    model.row([*paid, (taken, beyond)], None, worth + beyond - least)


def _link_steps(model: Model, ladder: Ladder, supply: Supply, columns: Sequence[int]) -> None:
    capacity = supply.capacity
    for (tenor, size, ask), column in zip(supply.steps, columns, strict=True):
        cell = ladder.surely_below(tenor, ask)
        if cell >= 0:
            model.row([(column, 1), (ladder.columns[tenor][cell], size)], None, size)
        cell, size = ladder.maybe_at_most(tenor, ask), min(size, capacity)
        if not ladder.is_last(tenor, cell):
            terms = _either(columns, column, size, capacity)
            if cell >= 0:
                terms.append((ladder.columns[tenor][cell], size * capacity))
            model.row(terms, size * capacity, None)


def _link_tier(
    model: Model,
    ladder: Ladder,
    supply: Supply,
    tier: Tier,
    chosen: int,
    guess: Sequence[int],
) -> None:
    """Award a tier only where its offer could earn what it asks for it."""
    lift = _lift_needed(ladder, supply, tier, guess)
    if lift is None:
        model.uppers[chosen] = 0
        return
    price = _price_of_total(supply, tier, [near + lift for near in guess])
    least = const = price * (tier.high if price > 0 else tier.low)
    terms: Terms = []
    for tenor, tops in enumerate(ladder.tops):
        margins = [(tier.rebate - ask - price, size) for t, size, ask in supply.steps if t == tenor]
        gains = [sum(size * max(0, top + margin) for margin, size in margins) for top in tops]
        more, most = ladder.expected(tenor, gains)
        terms += more
        const += most
        least += gains[0]
    if least < 0:
        model.row([*terms, (chosen, least)], least - const, None)


def _lift_needed(ladder: Ladder, supply: Supply, tier: Tier, guess: Sequence[int]) -> int | None:
    """Return by how much all prices of the guess must rise for the tier to earn its asks."""
    low, high = -max(guess, default=0), max(tops[-1] for tops in ladder.tops)
    if tier_gain(supply, tier, [near + high for near in guess]) < 0:
        return None
    while low < high:
        middle = (low + high) // 2
        if tier_gain(supply, tier, [near + middle for near in guess]) >= 0:
            high = middle
        else:
            low = middle + 1
    return high


def _price_of_total(supply: Supply, tier: Tier, prices: Sequence[int]) -> int:
    """Return what one more lot in all would earn the tier: below 0 where its minimum binds."""
    taken = 0
    margins = [(prices[t] - ask + tier.rebate, size) for t, size, ask in supply.steps]
    for margin, size in sorted(margins, reverse=True):
        if margin <= 0 and taken >= tier.low:
            return 0
        taken += size
        if margin <= 0 and taken >= tier.low:
            return margin
        if margin > 0 and taken > tier.high:
            return margin
    return 0


def _link_stores(model: Model, ladder: Ladder, bundle: Bundle, layout: Layout) -> None:
    for store, column in zip(bundle.stores, layout.stores, strict=True):
        is_used = model.column(0, 0, 1, whole=True)
        is_full = model.column(0, 0, 1, whole=True)
        ladder.stores.append((is_used, is_full))
        model.row([(column, 1), (is_used, -store.capacity)], None, 0)
        model.row([(column, 1), (is_full, -store.capacity)], 0, None)
        before, after = ladder.columns[store.source], ladder.columns[store.target]
        for cell, top in enumerate(ladder.tops[store.source][:-1]):
            other = ladder.maybe_at_most(store.target, top + store.carry)
            if other < 0:
                model.row([(before[cell], 1), (is_full, -1)], None, 0)
            elif not ladder.is_last(store.target, other):
                model.row([(after[other], 1), (before[cell], -1), (is_full, 1)], 0, None)
        for cell, top in enumerate(ladder.tops[store.target][:-1]):
            other = ladder.maybe_at_most(store.source, top - store.carry)
            if other < 0:
                model.row([(after[cell], 1), (is_used, 1)], None, 1)
            elif not ladder.is_last(store.source, other):
                model.row([(before[other], 1), (after[cell], -1), (is_used, -1)], -1, None)
