"""Branch and bound over package bids, each branch closed by prices in whole numbers.

A branch takes some bids and bars others. Its relaxation is solved from where its parent's ended;
rows for bids that meet two by two (`package_cliques`) are added where it breaks them, and only
those that bound a branch stay in it, so that its relaxation remains as quick as the first one.
Branches go on the bid that moves the bound most both ways: tried for a few of the solver's steps
(strong branching, Applegate et al. 1995), and after some trials judged by what they showed
(pseudo-costs, Achterberg, Koch and Martin 2005). The most promising branch is next.

The solver proposes prices; a branch's bound, which bids cannot be in a better set, and that it is
done with follow from them in integers by weak duality (`package_relaxed`). So a search that ends
has proved its answer, whatever the solver's arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import isqrt

from matching.auctions.package_cliques import CLEARLY, Clique, broken, meeting_of
from matching.auctions.package_model import NEAR, NEARING, PRICE_UNIT, Problem, Proposal
from matching.auctions.package_relaxed import Basis, Bounded, Relaxed
from matching.auctions.package_search import Search

CANDIDATES = 8
TRIAL_STEPS = 20
TRIALS = 2
ROUNDS = 40


@dataclass(frozen=True, slots=True)
class _Branch:
    """Masks of the bids barred and taken; `bound` is proved for every set within."""

    barred: int
    taken: int
    bound: int
    basis: Basis


def by_tree(tree: Tree, search: Search, limit: int, hopeless_after: int | None) -> Proposal:
    """Search by branches, from a better set once the first of them are done."""
    if hopeless_after is None:
        return tree.search(limit)
    found = tree.search(hopeless_after // 40)
    if not found.is_complete:
        rounds = ROUNDS * search.problem.area
        tree.improve(search.by_neighbourhoods(tree.best, rounds, 3))
        found = tree.search(hopeless_after // 4)
    if tree.is_near(NEARING):
        found = tree.search(hopeless_after)
    return tree.search(limit) if tree.is_near(NEAR) else found


class Tree:
    """A search of one problem whose rows may all stay unused, from a known set on."""

    def __init__(self, problem: Problem, start: tuple[int, ...]) -> None:
        self.problem = problem
        self.best, self.value = start, problem.total(start)
        self.nodes = 0
        self._meeting = meeting_of(problem)
        self._relaxed = Relaxed(problem)
        self._open: list[tuple[int, int, _Branch]] = []
        self._count = 0
        # The bound of branches in which nothing was left to divide.
        self._left = self.value
        self._pool: dict[Clique, int] = {}
        # What was lost of the bound per whole share, either way, in how many trials.
        self._shown: dict[int, tuple[list[int], list[int]]] = {}

    def search(self, node_limit: int) -> Proposal:
        """Search on until nothing better is left, or `node_limit` branches were looked at."""
        if not self._count:
            self._relaxed.solve(self.value)
            bound = self._relaxed.bounded(0, 0, self.value).bound
            self._push(_Branch(0, 0, bound, self._relaxed.basis()), bound)
        while self._open and self.nodes < node_limit:
            self.nodes += 1
            self._look(heappop(self._open)[2])
        gap = self._gap()
        return Proposal(self.best, self.value + gap, not gap, self.nodes, self._relaxed.work)

    def improve(self, best: tuple[int, ...]) -> None:
        """Go on from a better set that was found elsewhere."""
        if self.problem.total(best) > self.value:
            self.best, self.value = best, self.problem.total(best)

    def is_near(self, parts: int) -> bool:
        """Say whether no set is better by more than one part in so many."""
        return self._gap() * parts <= self.value

    def _gap(self) -> int:
        """Return by how much a set in the open branches may pass the best one."""
        bounds = [self._left, *(branch.bound for _, _, branch in self._open)]
        return max(0, max(bounds) - self.value)

    def _push(self, branch: _Branch, promise: int) -> None:
        self._count += 1
        heappush(self._open, (-min(promise, branch.bound), self._count, branch))

    def _look(self, branch: _Branch) -> None:
        """Close a branch, or divide it in two."""
        relaxed, barred, taken = self._relaxed, branch.barred, branch.taken
        relaxed.start_from(branch.basis)
        relaxed.restrict(barred, taken)
        relaxed.solve(self.value)
        found = relaxed.bounded(barred, taken, self.value)
        if found.bound > self.value:
            broken_here = list(self._broken(found.shares))
            if broken_here:
                relaxed.add(broken_here)
                relaxed.solve(self.value)
                found = relaxed.bounded(barred, taken, self.value)
        if found.bound <= self.value:
            return
        self._round(found)
        if found.bound > self.value:
            bound = min(branch.bound, found.bound)
            self._divide(_Branch(found.barred, taken, bound, relaxed.basis()), found.shares)

    def _broken(self, shares: Sequence[int]) -> Iterator[Clique]:
        """Yield the cliques, those found before first, that the shares break."""
        there = set(self._relaxed.cliques)
        some = sum(1 << bid for bid, share in enumerate(shares) if share > 0)
        for one, mask in self._pool.items():
            is_reached = (mask & some).bit_count() > 1 and one not in there
            if is_reached and sum(shares[bid] for bid in one) > PRICE_UNIT + CLEARLY:
                there.add(one)
                yield one
        for one in broken(self._meeting, shares):
            if one not in there:
                there.add(one)
                self._pool.setdefault(one, sum(1 << bid for bid in one))
                yield one

    def _round(self, found: Bounded) -> None:
        """Make a set of the shares, the largest first, and keep it if it is the best."""
        order = sorted(
            range(len(found.shares)), key=lambda bid: (-found.shares[bid], -found.gains[bid], bid)
        )
        free, chosen = -1, []
        for bid in order:
            if free >> bid & 1:
                chosen.append(bid)
                free &= ~(self._meeting[bid] | 1 << bid)
        total = self.problem.total(chosen)
        if total > self.value and self.problem.is_lawful(chosen):
            self.best, self.value = tuple(sorted(chosen)), total

    def _divide(self, branch: _Branch, shares: Sequence[int]) -> None:
        """Divide a branch on the bid that moves its bound most both ways."""
        values = self.problem.values
        open_bids = [bid for bid, share in enumerate(shares) if 0 < share < PRICE_UNIT]
        if not open_bids:
            self._left = max(self._left, branch.bound)
            return
        chosen, most, promises = -1, -1, (0, 0)
        tried = sorted(
            open_bids,
            key=lambda bid: (-min(shares[bid], PRICE_UNIT - shares[bid]) * isqrt(values[bid]), bid),
        )
        for bid in tried[:CANDIDATES]:
            ways = (self._without(branch, bid), self._with(branch, bid))
            ends = self._judged(branch, bid, shares[bid], ways)
            is_open = [end > self.value for end in ends]
            if not all(is_open):
                for way, end, goes_on in zip(ways, ends, is_open, strict=True):
                    if goes_on:
                        self._push(way, end)
                return
            moved = max(1, branch.bound - ends[0]) * max(1, branch.bound - ends[1])
            if moved > most:
                chosen, most, promises = bid, moved, ends
        self._push(self._without(branch, chosen), promises[0])
        self._push(self._with(branch, chosen), promises[1])

    def _judged(
        self, branch: _Branch, bid: int, share: int, ways: tuple[_Branch, _Branch]
    ) -> tuple[int, int]:
        """Return what the bound of either way would be; `value` where it is closed for certain."""
        parts = (share, PRICE_UNIT - share)
        shown = self._shown.setdefault(bid, ([0, 0], [0]))
        lost, trials = shown
        if trials[0] >= TRIALS:
            first, second = (
                branch.bound - all_lost * part // (trials[0] * PRICE_UNIT)
                for all_lost, part in zip(lost, parts, strict=True)
            )
            return max(first, self.value + 1), max(second, self.value + 1)
        trials[0] += 1
        ends = self._tried(ways[0]), self._tried(ways[1])
        for place, (end, part) in enumerate(zip(ends, parts, strict=True)):
            lost[place] += max(0, branch.bound - end) * PRICE_UNIT // part
        return ends

    def _tried(self, way: _Branch) -> int:
        relaxed = self._relaxed
        relaxed.start_from(way.basis)
        relaxed.restrict(way.barred, way.taken)
        relaxed.solve(self.value, TRIAL_STEPS)
        estimate = min(way.bound, relaxed.estimate())
        if estimate > self.value:
            return estimate
        exact = relaxed.bounded(way.barred, way.taken, self.value).bound
        return max(self.value + 1, estimate) if exact > self.value else self.value

    def _without(self, branch: _Branch, bid: int) -> _Branch:
        return replace(branch, barred=branch.barred | 1 << bid)

    def _with(self, branch: _Branch, bid: int) -> _Branch:
        return replace(
            branch, barred=branch.barred | self._meeting[bid], taken=branch.taken | 1 << bid
        )
