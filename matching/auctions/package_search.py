"""Good sets of package bids, found quickly and the same way every time.

Three searches, each starting from the best of the one before:
1. greedy: bids by how little they lose against the prices of the linear relaxation;
2. threshold accepting (Dueck and Scheuer 1990): put a bid in, take out what it meets,
   refill what came free; accept losses up to a threshold that falls to zero;
3. neighbourhoods (Shaw 1998): free some winners, by turns at random and by how much they
   lose against the prices, solve what then fits (nearly) exactly, and free more when it
   stops helping.

Numbers come from a fixed linear congruential sequence, limits are counts of steps and of
the solver's own iterations, so the outcome does not depend on the speed of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from matching.auctions.package_model import PRICE_UNIT, Problem, Relaxation, propose

THRESHOLD_STEPS = 120_000
FIRST_WIDTH = 200
WIDEST = 900
FAILURES_TO_WIDEN = 6
FEWEST_FREED = 8
NEIGHBOURHOOD_NODES = 40


def numbers(seed: int) -> Iterator[int]:
    """Yield 31-bit numbers (Knuth's MMIX constants)."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        yield state >> 33


@dataclass(slots=True)
class _Owners:
    """Which chosen bid uses each row."""

    problem: Problem
    of: list[int] = field(default_factory=list)
    chosen: set[int] = field(default_factory=set)
    value: int = 0

    def start(self, chosen: Iterable[int]) -> _Owners:
        self.of = [-1] * self.problem.row_count
        self.chosen, self.value = set(), 0
        for bid in chosen:
            self.put(bid)
        return self

    def fits(self, bid: int) -> bool:
        return all(self.of[row] < 0 for row in self.problem.rows[bid])

    def met_by(self, bid: int) -> set[int]:
        met = {self.of[row] for row in self.problem.rows[bid]}
        met.discard(-1)
        return met

    def put(self, bid: int) -> None:
        for row in self.problem.rows[bid]:
            self.of[row] = bid
        self.chosen.add(bid)
        self.value += self.problem.values[bid]

    def take(self, bid: int) -> None:
        for row in self.problem.rows[bid]:
            self.of[row] = -1
        self.chosen.discard(bid)
        self.value -= self.problem.values[bid]


class Search:
    """Searches one problem whose rows may all stay unused."""

    def __init__(self, problem: Problem, relaxation: Relaxation) -> None:
        self.problem = problem
        self.slacks = slacks = relaxation.slacks
        self.order = sorted(range(len(problem.values)), key=lambda bid: (slacks[bid], bid))
        self.users: list[list[int]] = [[] for _ in range(problem.row_count)]
        for bid in self.order:
            for row in problem.rows[bid]:
                self.users[row].append(bid)
        self.masks = [sum(1 << row for row in rows) for rows in problem.rows]
        # What neighbourhoods took so far, in the unit of `work`; the last of them may pass it.
        self.spent = 0

    def greedy(self) -> tuple[int, ...]:
        return self.filled(())

    def filled(self, chosen: Iterable[int]) -> tuple[int, ...]:
        """Return the set with every bid that still fits, so that none can be added."""
        owners = _Owners(self.problem).start(chosen)
        for bid in self.order:
            if bid not in owners.chosen and owners.fits(bid):
                owners.put(bid)
        return tuple(sorted(owners.chosen))

    def by_threshold(self, start: Iterable[int], steps: int, seed: int) -> tuple[int, ...]:
        problem, values = self.problem, self.problem.values
        owners = _Owners(problem).start(start)
        best, best_value = frozenset(owners.chosen), owners.value
        pool = self.order[: max(10, len(self.order) * 2 // 3)]
        first = sum(values[bid] for bid in pool) * 3 // (10 * len(pool))
        draws = numbers(seed)
        for step in range(steps):
            bid = pool[next(draws) % len(pool)]
            if bid in owners.chosen:
                continue
            met = owners.met_by(bid)
            gain = values[bid] - sum(values[rival] for rival in met)
            if gain < -(first * (steps - step) // steps):
                continue
            freed = [row for rival in met for row in problem.rows[rival]]
            for rival in met:
                owners.take(rival)
            owners.put(bid)
            self._refill(owners, freed)
            if owners.value > best_value:
                best, best_value = frozenset(owners.chosen), owners.value
        return tuple(sorted(best))

    def by_neighbourhoods(self, start: Iterable[int], work: int, seed: int) -> tuple[int, ...]:
        """Improve a set until `work` (solver iterations times rows) is used up."""
        owners = _Owners(self.problem).start(start)
        draws = numbers(seed)
        width, failures, turn = FIRST_WIDTH, 0, 0
        while work > 0:
            turn += 1
            freed, bids = self._freed(owners, draws, width, by_slack=turn % 2 == 0)
            found = propose(self.problem, bids, node_limit=NEIGHBOURHOOD_NODES, start=freed)
            cost = (found.work + len(bids)) * self.problem.row_count
            work, self.spent = work - cost, self.spent + cost
            better = found.chosen
            if better is not None and self.problem.total(better) > self.problem.total(freed):
                for bid in freed:
                    owners.take(bid)
                for bid in better:
                    owners.put(bid)
                failures = 0
                continue
            failures += 1
            if len(freed) == len(owners.chosen):
                break
            if failures % FAILURES_TO_WIDEN == 0:
                width = min(width * 11 // 10, WIDEST)
        return tuple(sorted(owners.chosen))

    def _refill(self, owners: _Owners, freed: list[int]) -> None:
        for row in sorted(freed):
            if owners.of[row] < 0:
                for bid in self.users[row]:
                    if owners.fits(bid):
                        owners.put(bid)
                        break

    def _freed(
        self, owners: _Owners, draws: Iterator[int], width: int, *, by_slack: bool
    ) -> tuple[set[int], list[int]]:
        """Return winners to free, and the bids that then fit: at least `width`, or all."""
        tickets = {bid: next(draws) for bid in sorted(owners.chosen)}
        if by_slack:
            tickets = {
                bid: -(self.slacks[bid] + PRICE_UNIT) * ticket for bid, ticket in tickets.items()
            }
        free = sum(1 << row for row, bid in enumerate(owners.of) if bid < 0)
        freed: set[int] = set()
        bids: list[int] = []
        for bid in sorted(tickets, key=lambda bid: (tickets[bid], bid)):
            freed.add(bid)
            free |= self.masks[bid]
            if len(freed) >= FEWEST_FREED:
                kept = ~free
                bids = [other for other, mask in enumerate(self.masks) if not mask & kept]
                if len(bids) >= width:
                    return freed, bids
        kept = ~free
        return freed, [other for other, mask in enumerate(self.masks) if not mask & kept]
