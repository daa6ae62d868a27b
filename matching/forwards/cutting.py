"""Rows that a mixture of prices breaks and no prices do.

If every price of a block's tenors is at least so high that their average is above its limit, the
block is not served; if every price of an offer's tenors is at most so high that a tier cannot earn
what it asks, the tier is not awarded. Each choice of such prices is a row of the model: the share
that is accepted is at most the sum, over the tenors, of the shares of prices beyond them.

Source: cover inequalities, Balas (1975), "Facets of the knapsack polytope", Mathematical
Programming 8, over the ladder's columns.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from matching.forwards.bounding import tier_gain
from matching.forwards.bundle import Bundle, Demand, Supply, Tier
from matching.forwards.ladder import Ladder
from matching.forwards.model import Layout, Terms

WHOLE = 1_000_000
WORTHWHILE = WHOLE // 50
"""By how much a row must be broken to be worth adding, in millionths."""


@dataclass(slots=True)
class Mixed:
    """Shares in millionths: of each column that may be accepted, and of the ladder's cells."""

    taken: dict[int, int]
    cells: list[list[int]]
    """By tenor the share of prices in a cell or a lower one."""

    in_use: list[list[int]] = field(init=False)
    """By tenor the cells that the mixture uses, lowest first."""

    def __post_init__(self) -> None:
        self.in_use = [
            [c for c, (less, share) in enumerate(pairwise([0, *shares])) if share - less > 100]
            for shares in self.cells
        ]

    def below(self, tenor: int, cell: int) -> int:
        return self.cells[tenor][cell - 1] if cell else 0


def cuts(
    bundle: Bundle, layout: Layout, ladder: Ladder, mixed: Mixed
) -> Iterator[tuple[Terms, int]]:
    """Yield terms and what they may add up to at most."""
    for number, demand in enumerate(bundle.demands):
        if demand.is_block and mixed.taken[layout.taken[number]] > WORTHWHILE:
            yield from _of_block(ladder, mixed, demand, layout.taken[number])
    for supply, choices in zip(bundle.supplies, layout.tiers, strict=True):
        for tier, chosen in zip(supply.tiers, choices, strict=False):
            if mixed.taken[chosen] > WORTHWHILE:
                yield from _of_tier(ladder, mixed, supply, tier, chosen)


def _of_block(
    ladder: Ladder, mixed: Mixed, demand: Demand, taken: int
) -> Iterator[tuple[Terms, int]]:
    worth = demand.limit * demand.lots
    ways = {tenor: mixed.in_use[tenor] for tenor, _ in demand.caps}
    lots = dict(demand.caps)

    def price(tenor: int) -> int:
        return ladder.bottoms[tenor][ways[tenor][0]]

    paid = sum(price(tenor) * part for tenor, part in demand.caps)
    while paid <= worth:
        further: list[tuple[int, int, int]] = []
        for tenor, cells in ways.items():
            if len(cells) > 1:
                more = mixed.below(tenor, cells[1]) - mixed.below(tenor, cells[0])
                gain = (ladder.bottoms[tenor][cells[1]] - price(tenor)) * lots[tenor]
                further.append((more * WHOLE // gain, tenor, gain))
        if not further:
            return
        _, tenor, gain = min(further)
        ways[tenor] = ways[tenor][1:]
        paid += gain
    cost = sum(mixed.below(tenor, cells[0]) for tenor, cells in ways.items())
    if mixed.taken[taken] - cost < WORTHWHILE:
        return
    spare = (paid - worth - 1) // demand.lots
    terms = [(taken, 1)]
    for tenor in ways:
        cell = bisect_left(ladder.bottoms[tenor], price(tenor) - spare)
        if cell:
            terms.append((ladder.columns[tenor][cell - 1], -1))
    yield terms, 0


def _of_tier(
    ladder: Ladder, mixed: Mixed, supply: Supply, tier: Tier, chosen: int
) -> Iterator[tuple[Terms, int]]:
    tenors = sorted({tenor for tenor, _, _ in supply.steps})
    ways = {tenor: mixed.in_use[tenor] for tenor in tenors}
    prices = [0] * len(ladder.tops)
    for tenor in tenors:
        prices[tenor] = ladder.tops[tenor][ways[tenor][-1]]
    gain = tier_gain(supply, tier, prices)
    while gain >= 0:
        further: list[tuple[int, int, int, int]] = []
        for tenor, cells in ways.items():
            if len(cells) > 1:
                more = mixed.cells[tenor][cells[-1]] - mixed.cells[tenor][cells[-2]]
                lower = ladder.tops[tenor][cells[-2]]
                left = tier_gain(supply, tier, _with(prices, tenor, lower))
                further.append((more * WHOLE // max(1, gain - left), tenor, lower, left))
        if not further:
            return
        _, tenor, prices[tenor], gain = min(further)
        ways[tenor] = ways[tenor][:-1]
    cost = sum(WHOLE - mixed.cells[tenor][ways[tenor][-1]] for tenor in tenors)
    if mixed.taken[chosen] - cost < WORTHWHILE:
        return
    spare = _spare(supply, tier, prices)
    terms, at_most = [(chosen, 1)], 0
    for tenor in tenors:
        cell = ladder.surely_at_most(tenor, prices[tenor] + spare)
        if not ladder.is_last(tenor, cell):
            terms.append((ladder.columns[tenor][cell], 1))
            at_most += 1
    yield terms, at_most


def _with(prices: Sequence[int], tenor: int, price: int) -> list[int]:
    return [*prices[:tenor], price, *prices[tenor + 1 :]]


def _spare(supply: Supply, tier: Tier, prices: Sequence[int]) -> int:
    """Return by how much all prices could rise and the tier would still not earn its asks."""
    low, high = 0, 1
    while tier_gain(supply, tier, [price + high for price in prices]) < 0:
        low, high = high, 2 * high
        if high > 2 * max(prices):
            return low
    while high - low > 1:
        middle = (low + high) // 2
        if tier_gain(supply, tier, [price + middle for price in prices]) < 0:
            low = middle
        else:
            high = middle
    return low
