"""Which supplier serves which pool where a capacity binds.

Rule. Every formed pool goes to one offer of its cell or to none, and not to one where no lawful
pool would be left of it. Of all assignments the one with the most lots wins; then the largest
Σ (net limit − price) × lots; then fewer pools; then the earlier offer pool by pool, in the
order of size, an unserved pool last. Within an offer scarce lots are rationed by the uniform
rule.

Guarantees. Exact up to `EXACT_POOLS` pools of a cell, by a dynamic programme over sets of
pools, offer by offer. Beyond that a search that stops after `MAX_STEPS`; if it had to stop,
the result says so and gives its bound. Limits buy no priority, but where capacity binds they
are not promised to be safe to tell.

Source. The generalised assignment problem; the uniform rule is Sprumont's (1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matching.pools.awarding import Awarded, rationed, wish
from matching.pools.cells import Cell, Formed
from matching.pools.values import Offer

EXACT_POOLS = 10
MAX_STEPS = 50_000


class Assigned(NamedTuple):
    """The pools that are served, in the order of size; see `Rationed`."""

    pools: list[Awarded]
    is_exact: bool
    bound_lots: int


def assign(
    cell: Cell, offers: Sequence[Offer], formed: Sequence[Formed], min_members: int
) -> Assigned:
    """Return the best assignment of a cell's pools to its offers (by rank)."""
    formed = sorted(formed, key=lambda pool: pool.places[0])
    market = _Market(cell, offers, formed, min_members)
    if len(formed) <= EXACT_POOLS:
        sets, is_exact = _by_sets(market), True
    else:
        sets, is_exact = _by_search(market)
    pools: list[tuple[int, Awarded]] = []
    for rank, chosen in enumerate(sets):
        served = market.served(rank, chosen)
        pools += [(k, pool) for k, pool in served.items() if pool is not None]
    found = [pool for _, pool in sorted(pools, key=lambda pair: pair[0])]
    lots = sum(pool.total for pool in found)
    return Assigned(found, is_exact, lots if is_exact else market.bound_lots())


class _Market:
    """One cell's pools and offers, and what sets of pools (as bits) are worth at an offer."""

    def __init__(
        self, cell: Cell, offers: Sequence[Offer], formed: Sequence[Formed], min_members: int
    ) -> None:
        self.cell = cell
        self.offers = offers
        self.count = len(formed)
        self.min_members = min_members
        self.wishes = [
            [wish(cell, pool, rank, offer, min_members) for pool in formed]
            for rank, offer in enumerate(offers)
        ]
        self._most_surplus = 1 + sum(
            max((w.surplus_minor(cell) for w in column if w), default=0)
            for column in zip(*self.wishes, strict=True)
        )
        self._served: dict[tuple[int, int], dict[int, Awarded | None]] = {}
        self._worth: dict[tuple[int, int], int | None] = {}

    def served(self, rank: int, chosen: int) -> dict[int, Awarded | None]:
        """Return what each pool of a set gets of this offer; None is nothing."""
        key = (rank, chosen)
        if key not in self._served:
            wanted = {k: w for k, w in enumerate(self.wishes[rank]) if w and chosen >> k & 1}
            offer = self.offers[rank]
            lots: Sequence[Awarded | None] = list(wanted.values())
            if sum(pool.total for pool in wanted.values()) > offer.capacity:
                lots = rationed(self.cell, list(wanted.values()), offer, self.min_members)
            self._served[key] = dict(zip(wanted, lots, strict=True))
        return self._served[key]

    def worth(self, rank: int, chosen: int) -> int | None:
        """Return one integer that adds up over offers and orders assignments by the rule.

        None: a pool of the set would be left with nobody.
        """
        key = (rank, chosen)
        if key not in self._worth:
            self._worth[key] = self._merit(rank, chosen)
        return self._worth[key]

    def _merit(self, rank: int, chosen: int) -> int | None:
        base = len(self.offers) + 1
        lots = surplus = pools = early = 0
        for k, pool in self.served(rank, chosen).items():
            if pool is None:
                return None
            lots += pool.total
            surplus += pool.surplus_minor(self.cell)
            pools += 1
            early += (base - 1 - rank) * _power(base, self.count - 1 - k)
        value = (lots * self._most_surplus + surplus) * (self.count + 1) - pools
        return value * _power(base, self.count) + early

    def worth_of_a_lot(self) -> int:
        """Return what one more lot adds at least, which no other merit outweighs."""
        base = len(self.offers) + 1
        return self._most_surplus * (self.count + 1) * _power(base, self.count)

    def usable(self, rank: int) -> int:
        """Return the set of pools that this offer could serve at all."""
        return sum(1 << k for k, pool in enumerate(self.wishes[rank]) if pool)

    def bound_lots(self) -> int:
        """Return what no assignment can exceed: all wishes, or all capacity."""
        columns = zip(*self.wishes, strict=True)
        wished = sum(max((w.total for w in column if w), default=0) for column in columns)
        return min(wished, sum(offer.capacity for offer in self.offers))


def _power(base: int, exponent: int) -> int:
    return int(pow(base, exponent))


def _by_sets(market: _Market) -> list[int]:
    """Return the set of pools of each offer: the best over all assignments."""
    full = (1 << market.count) - 1
    best = [0] * (full + 1)
    choices: list[list[int]] = []
    for rank in range(len(market.offers) - 1, -1, -1):
        usable = market.usable(rank)
        better: list[int] = []
        choice: list[int] = []
        for left in range(full + 1):
            value, chosen = best[left], 0
            part = left & usable
            while part:
                worth = market.worth(rank, part)
                if worth is not None and worth + best[left ^ part] > value:
                    value, chosen = worth + best[left ^ part], part
                part = (part - 1) & left & usable
            better.append(value)
            choice.append(chosen)
        best = better
        choices.append(choice)
    sets = []
    left = full
    for choice in reversed(choices):
        sets.append(choice[left])
        left ^= choice[left]
    return sets


def _by_search(market: _Market) -> tuple[list[int], bool]:
    """Return the best sets that a bounded search over the pools finds, and whether it ended.

    A pool is tried at every offer and at none; a branch is cut when even serving all pools to
    come in full, within all capacity, would not beat the best.
    """
    best: list[int] = []
    best_value = -1
    ceiling = sum(offer.capacity for offer in market.offers)
    columns = list(zip(*market.wishes, strict=True))
    coming = [0]
    for column in reversed(columns):
        coming.append(coming[-1] + max((w.total for w in column if w), default=0))
    unit = market.worth_of_a_lot()
    stack = [(0, [0] * len(market.offers), 0)]
    steps = 0
    while stack and steps < MAX_STEPS:
        steps += 1
        k, sets, wished = stack.pop()
        if (min(ceiling, wished + coming[market.count - k]) + 1) * unit <= best_value:
            continue
        if k == market.count:
            worths = [market.worth(rank, chosen) for rank, chosen in enumerate(sets)]
            known = [worth for worth in worths if worth is not None]
            if len(known) == len(worths) and sum(known) > best_value:
                best, best_value = sets, sum(known)
            continue
        stack.append((k + 1, sets, wished))
        for rank in range(len(market.offers) - 1, -1, -1):
            pool = market.wishes[rank][k]
            if pool:
                chosen = [*sets]
                chosen[rank] |= 1 << k
                stack.append((k + 1, chosen, wished + pool.total))
    return best, not stack
