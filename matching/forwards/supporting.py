"""The best allocation that uniform prices support, in bundles too large for boxes of prices.

Branch and bound over the model with a price ladder (`ladder`): the best bound comes first, the
older among equals. What is undecided is settled in this order: the tiers of offers, which storage
is used or full, the price of the tenor whose ladder mixes prices most, and blocks. From some nodes
a dive settles all prices one after the other, the most mixed first, each near its mean; the exact
best quantities at these prices are an answer where prices support them.

The bound is that of the nodes left open, and of those not worth opening at the gap asked for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matching.forwards.awarding import Accepted, Bars, quantities
from matching.forwards.bounding import highest_prices, lowest_prices
from matching.forwards.boxes import highest_price
from matching.forwards.branching import Solved
from matching.forwards.bundle import Allocation, Bundle, surplus
from matching.forwards.cutting import Mixed, cuts
from matching.forwards.ladder import with_ladder
from matching.forwards.model import Box, Model, Search, Terms, laid_out
from matching.forwards.orders import Rules
from matching.forwards.pricing import supported
from matching.forwards.proposing import Pruned, in_millionths, whole_bound

WHOLE = 1_000_000
WORK = 60 * 10**9
"""A model is solved in about the square of its columns; so much is spent on all together."""
COLUMNS_A_MODEL = 140
"""Small models, which are solved in no time, are not worth many answers."""
MAX_CUTS, CUTS_AT_NODE = 8, 1
MAX_DIVES, NODES_A_DIVE = 6, 8
LIFTS = 3
"""Ticks by which all prices of a dive are lifted until they support its quantities."""


@dataclass(frozen=True, slots=True)
class Supported:
    allocation: Allocation
    surplus: int
    bars: Bars


def best_on_ladder(
    bundle: Bundle,
    rules: Rules,
    guess: Sequence[int],
    *,
    value: int,
    bound: int,
    solves: int | None = None,
) -> tuple[Supported | None, int]:
    """Return a supported allocation above `value`, if one is found, and a bound on all.

    The guess at prices by tenor decides where the ladder is finest. So many models are solved at
    most, by default as many as suit their size.
    """
    climb = _Climb(bundle, rules, guess, value, bound)
    if solves is not None:
        climb.solves = solves
    while climb.is_open():
        climb.look_into_best()
    return climb.found, climb.bound()


class _Climb:
    def __init__(
        self, bundle: Bundle, rules: Rules, guess: Sequence[int], value: int, bound: int
    ) -> None:
        self.bundle, self.gap_ppm, self.value = bundle, rules.gap_ppm, value
        self.model = Model()
        self.layout = laid_out(self.model, bundle, Search(0, rules.node_limit))
        highest = highest_prices(bundle, guess, value, highest_price(bundle))
        lowest = lowest_prices(bundle, guess, value)
        span = Box(tuple(lowest), tuple(highest))
        self.ladder = with_ladder(self.model, bundle, self.layout, guess, span)
        self.relaxed = Pruned(self.model, Search(0, rules.node_limit))
        self.found: Supported | None = None
        columns = len(self.model.costs)
        self.solves = min(columns // COLUMNS_A_MODEL, WORK // columns**2)
        self.dives = MAX_DIVES
        self.passed = self.opened = 0
        self.given_up = 0
        self.waiting: list[tuple[int, int, dict[int, int], Any]] = [(-bound, 0, {}, None)]
        demands = enumerate(bundle.demands)
        blocks = {number for number, demand in demands if demand.is_block}
        taken = self.layout.taken.items()
        self.choices = [column for choices in self.layout.tiers for column in choices]
        self.choices += [column for number, column in taken if number not in blocks]
        self.stores = [column for pair in self.ladder.stores for column in pair]
        self.blocks = [column for number, column in taken if number in blocks]
        self._cut()

    def _cut(self) -> None:
        """Add rows broken by the mixtures of prices that what looks best would be served at."""
        root = self._solved({}, self._enough())
        if root is None:
            return
        bound, opened, fixed, _ = self.waiting[0]
        self.waiting[0] = bound, opened, fixed, self.relaxed.stand()
        self._settled(self._rounded(root), self.value, MAX_CUTS)

    def _settled(self, fixed: Mapping[int, int], wanted: int, rounds: int) -> Solved | None:
        """Solve, and add the rows that the answer breaks, a few times over."""
        solved = self._solved(fixed, wanted)
        for _ in range(rounds):
            found = list(self._broken(solved)) if solved else []
            for terms, at_most in found:
                self.relaxed.add(terms, at_most)
            if not found:
                break
            solved = self._solved(fixed, wanted)
        return solved

    def _broken(self, solved: Solved) -> Iterator[tuple[Terms, int]]:
        columns = [*self.choices, *self.blocks]
        taken = in_millionths(solved.values[column] for column in columns)
        cells = [
            in_millionths(solved.values[column] for column in ladder)
            for ladder in self.ladder.columns
        ]
        mixed = Mixed(dict(zip(columns, taken, strict=True)), cells)
        yield from cuts(self.bundle, self.layout, self.ladder, mixed)

    def is_open(self) -> bool:
        return bool(self.waiting) and self.solves > 0 and self._enough() < -self.waiting[0][0]

    def bound(self) -> int:
        return max(self.value, self.given_up, *(-bound for bound, *_ in self.waiting), 0)

    def look_into_best(self) -> None:
        bound, _, fixed, stand = heapq.heappop(self.waiting)
        wanted = self._enough()
        self.relaxed.stand_at(stand)
        solved = self._settled(fixed, wanted, CUTS_AT_NODE)
        if solved is None:
            self.given_up = max(self.given_up, -bound if self.relaxed.has_stalled else wanted)
            return
        reached = min(-bound, whole_bound(self.model, solved.objective))
        column, stand = self._undecided(solved), self.relaxed.stand()
        if self.dives and self._is_worth_diving(column):
            self.dives -= 1
            self._dive(fixed, solved)
        if column is None:
            self.given_up = max(self.given_up, reached)
            return
        for decided in (0, 1):
            self.opened += 1
            further = fixed | {column: decided}
            heapq.heappush(self.waiting, (-reached, self.opened, further, stand))

    def _is_worth_diving(self, column: int | None) -> bool:
        """Dive from the first node, and from some of those where only prices are undecided."""
        if self.dives == MAX_DIVES:
            return True
        if column in self.choices or column in self.stores:
            return False
        self.passed += 1
        return self.passed % NODES_A_DIVE == 1

    def _enough(self) -> int:
        """Return the bound at which the search may stop."""
        return self.value + self.value * self.gap_ppm // WHOLE

    def _solved(self, fixed: Mapping[int, int], wanted: int) -> Solved | None:
        self.solves -= 1
        self.relaxed.want(wanted)
        return self.relaxed.solved(fixed)

    def _undecided(self, solved: Solved) -> int | None:
        for columns in (self.choices, self.stores):
            column = self._farthest(solved, columns)
            if column is not None:
                return column
        spread, tenor, mean = max(self._mixtures(solved, range(len(self.bundle.tenors))))
        if spread:
            # The mean lies between two prices of the mixture, so this cell parts them.
            cell = max(0, self.ladder.surely_at_most(tenor, mean))
            return self.ladder.columns[tenor][cell]
        return self._farthest(solved, self.blocks)

    def _farthest(self, solved: Solved, columns: Sequence[int]) -> int | None:
        """Return the column farthest from yes and no, the first among equals."""
        shares = in_millionths(solved.values[column] for column in columns)
        away, place = max(
            ((min(share, WHOLE - share), -place) for place, share in enumerate(shares)),
            default=(0, 0),
        )
        return columns[-place] if away > 0 else None

    def _mixtures(self, solved: Solved, tenors: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Yield (spread, tenor, mean) of the ladders, in minor units."""
        for tenor in tenors:
            columns, tops = self.ladder.columns[tenor], self.ladder.tops[tenor]
            shares = in_millionths(solved.values[column] for column in columns)
            parts = [share - less for share, less in zip(shares, [0, *shares], strict=False)]
            mean = sum(part * top for part, top in zip(parts, tops, strict=True)) // WHOLE
            spread = sum(part * abs(top - mean) for part, top in zip(parts, tops, strict=True))
            yield spread // WHOLE, tenor, mean

    def _dive(self, fixed: Mapping[int, int], solved: Solved) -> None:
        """Settle everything, the most mixed price first, and weigh what comes of it."""
        fixed = {**fixed, **self._rounded(solved)}
        settled: Solved | None = self._solved(fixed, self.value)
        left = list(range(len(self.bundle.tenors)))
        prices = [0] * len(left)
        while settled is not None and left:
            spread, tenor, mean = max(self._mixtures(settled, left))
            left.remove(tenor)
            tried = 2 if spread else 1
            settled, fixed, prices[tenor] = self._at_price(fixed, tenor, mean, tried)
        if settled is not None:
            self._weigh(settled, prices)

    def _at_price(
        self, fixed: Mapping[int, int], tenor: int, mean: int, tried: int
    ) -> tuple[Solved | None, Mapping[int, int], int]:
        columns = self.ladder.columns[tenor]
        near = max(0, self.ladder.surely_at_most(tenor, mean))
        best: tuple[Solved | None, Mapping[int, int], int] = (None, fixed, 0)
        for cell in range(near, near + tried):
            if cell < len(columns):
                trial = {**fixed, columns[cell]: 1}
                if cell:
                    trial[columns[cell - 1]] = 0
                settled = self._solved(trial, self.value)
                if settled and (best[0] is None or settled.objective > best[0].objective):
                    best = settled, trial, self.ladder.bottoms[tenor][cell]
        return best

    def _rounded(self, solved: Solved) -> dict[int, int]:
        shares = in_millionths(solved.values[column] for column in self.choices)
        rounded = {
            column: 1 if 2 * share > WHOLE else 0
            for column, share in zip(self.choices, shares, strict=True)
        }
        held = in_millionths(solved.values[column] for column in self.layout.stores)
        for store, lots, (is_used, is_full) in zip(
            self.bundle.stores, held, self.ladder.stores, strict=True
        ):
            rounded[is_used] = 1 if 2 * lots > WHOLE else 0
            rounded[is_full] = 1 if 2 * lots > (2 * store.capacity - 1) * WHOLE else 0
        return rounded

    def _weigh(self, settled: Solved, prices: Sequence[int]) -> None:
        values = [(2 * value + WHOLE) // (2 * WHOLE) for value in in_millionths(settled.values)]
        shares = in_millionths(settled.values[column] for column in self.layout.taken.values())
        choice, start = self.layout.read(self.bundle, values)
        taken = dict(zip(self.layout.taken, shares, strict=True))
        accepted = tuple(
            2 * taken.get(number, 0) > WHOLE
            and (
                not demand.is_block
                or sum(prices[t] * lots for t, lots in demand.caps) <= demand.limit * demand.lots
            )
            for number, demand in enumerate(self.bundle.demands)
        )
        closed = {
            number
            for number, (is_used, _) in enumerate(self.ladder.stores)
            if 2 * values[is_used] < 1
        }
        for lift in range(LIFTS):
            floor = tuple(price + lift * self.bundle.tick for price in prices)
            bars = Bars(floor, frozenset(closed))
            found = quantities(self.bundle, Accepted(accepted, choice.tiers), start, (), bars)
            if found is None or surplus(self.bundle, found) <= self.value:
                return
            if supported(self.bundle, found) is not None:
                self.value = surplus(self.bundle, found)
                self.found = Supported(found, self.value, bars)
                return
