"""The relaxation of one branch after another: solved from where the last one ended.

A branch takes some bids and bars others, given as masks. Rows for bids that meet two by two can be
added; those that bound a branch are part of where it ended. The solver proposes prices; what they
prove of a branch follows in integers by weak duality (`package_model`), whatever its arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matching import solver as highspy
from matching.auctions.package_cliques import Clique, members
from matching.auctions.package_model import PRICE_UNIT, Problem, new_solver

NO_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a relaxation ended: the solver's states of bids, of own rows, and of cliques."""

    bids: list[Any]
    rows: list[Any]
    cliques: dict[Clique, Any]


@dataclass(frozen=True, slots=True)
class Bounded:
    """A solved relaxation: its exact bound, what it bars, and each bid's gain and share."""

    bound: int
    barred: int
    gains: list[int]
    shares: list[int]


class Relaxed:
    """One relaxation whose limits and cliques change from branch to branch."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.count = len(problem.values)
        self.members: list[list[int]] = [[] for _ in range(problem.row_count)]
        for bid, rows in enumerate(problem.rows):
            for row in rows:
                self.members[row].append(bid)
        self.cliques: list[Clique] = []
        self.work = 0
        self._barred = self._taken = 0
        self._solver = new_solver(problem, range(self.count))
        self._solver.setOptionValue("presolve", "off")

    def restrict(self, barred: int, taken: int) -> None:
        changed = list(members(barred ^ self._barred | taken ^ self._taken))
        low = [taken >> bid & 1 for bid in changed]
        high = [1 - (barred >> bid & 1) for bid in changed]
        if changed:
            self._solver.changeColsBounds(len(changed), changed, low, high)
        self._barred, self._taken = barred, taken

    def start_from(self, basis: Basis) -> None:
        """Have the cliques that the basis rests on, and no others, and begin there."""
        gone = [place for place, one in enumerate(self.cliques) if one not in basis.cliques]
        if gone:
            first = self.problem.row_count
            self._solver.deleteRows(len(gone), [first + place for place in gone])
            self.cliques = [one for one in self.cliques if one in basis.cliques]
        kept = set(self.cliques)
        self.add([one for one in basis.cliques if one not in kept])
        wanted = highspy.HighsBasis()
        wanted.valid = True
        wanted.col_status = basis.bids
        wanted.row_status = [*basis.rows, *(basis.cliques[one] for one in self.cliques)]
        self._solver.setBasis(wanted)

    def add(self, cliques: Sequence[Clique]) -> None:
        for one in cliques:
            self._solver.addRow(-highspy.kHighsInf, 1, len(one), one, [1] * len(one))
        self.cliques += cliques

    def basis(self) -> Basis:
        """Return where the relaxation ended, without the cliques that do not bind."""
        found = self._solver.getBasis()
        states = list(found.row_status)
        own = self.problem.row_count
        binding = {
            one: state
            for one, state in zip(self.cliques, states[own:], strict=True)
            if state != highspy.HighsBasisStatus.kBasic
        }
        return Basis(list(found.col_status), states[:own], binding)

    def solve(self, beyond: int, steps: int = NO_LIMIT) -> None:
        """Solve until the bound is known to be no better than `beyond`, or for so many steps."""
        self._solver.setOptionValue("objective_bound", -beyond)
        self._solver.setOptionValue("simplex_iteration_limit", steps)
        self._solver.run()
        self.work += int(self._solver.getInfo().simplex_iteration_count)

    def estimate(self) -> int:
        """Return what the solver says of the bound: it orders branches, and proves nothing."""
        return int(-round(self._solver.getInfo().objective_function_value))

    def shares(self) -> list[int]:
        """Return what share of `PRICE_UNIT` the solver gives each bid."""
        return [round(share * PRICE_UNIT) for share in self._solver.getSolution().col_value]

    def bounded(self, barred: int, taken: int, value: int) -> Bounded:
        """Return what the solver's prices prove of the branch, in integers."""
        solution = self._solver.getSolution()
        prices = [max(0, round(-price * PRICE_UNIT)) for price in solution.row_dual]
        costs = [0] * self.count
        bound = 0
        for price, row in zip(prices, (*self.members, *self.cliques), strict=True):
            if price:
                bound += price
                for bid in row:
                    costs[bid] += price
        gains = [
            worth * PRICE_UNIT - cost
            for worth, cost in zip(self.problem.values, costs, strict=True)
        ]
        for bid, gain in enumerate(gains):
            if taken >> bid & 1 or (gain > 0 and not barred >> bid & 1):
                bound += gain
        least = (value + 1) * PRICE_UNIT
        fixed = sum(
            1 << bid
            for bid, gain in enumerate(gains)
            if gain < 0 and bound + gain < least and not taken >> bid & 1
        )
        return Bounded(bound // PRICE_UNIT, barred | fixed, gains, self.shares())
