"""Which supplier serves which pool where a capacity binds.

Rule. Every formed pool goes to one offer of its cell or to none, and not to one where no lawful
pool would be left of it. Of all assignments the one with the most lots wins; then the largest
Σ (net limit − price) × lots; then fewer pools; then the earlier offer pool by pool, in the
order of size, an unserved pool last. Within an offer scarce lots are rationed by the uniform
rule.

Guarantees. Exact up to `EXACT_POOLS` pools of a cell, by a dynamic programme over sets of
pools, offer by offer. Beyond that branch and bound, which is exact where it ends within
`MAX_STEPS`; if it had to stop, the result says so, moving one pool would not improve it, and
the bound is what all pools would take. Limits buy no priority, but where capacity binds they are
not promised to be safe to tell.

How. A pool gets of an offer that it shares no more lots, and no lower price, than it would
alone. So what pools wish for, their lots cut to the capacity, is worth at least what they get:
only sets that could win by that are rationed at all.

Source. The generalised assignment problem; the uniform rule is Sprumont's (1991).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matching.pools.awarding import Awarded, rationed, wish
from matching.pools.cells import Cell, Formed
from matching.pools.values import Offer

EXACT_POOLS = 12
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
    bound: int | None
    if len(formed) <= EXACT_POOLS:
        sets, bound = _by_sets(market), None
    else:
        sets, bound = _by_branching(market)
    pools: list[tuple[int, Awarded]] = []
    for rank, chosen in enumerate(sets):
        served = market.served(rank, chosen)
        pools += [(k, pool) for k, pool in served.items() if pool is not None]
    found = [pool for _, pool in sorted(pools, key=lambda pair: pair[0])]
    lots = sum(pool.total for pool in found)
    return Assigned(found, bound is None, lots if bound is None else max(bound, lots))


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
        lots = surplus = pools = early = 0
        for k, pool in self.served(rank, chosen).items():
            if pool is None:
                return None
            lots += pool.total
            surplus += pool.surplus_minor(self.cell)
            pools += 1
            early += self.earliness(rank, k)
        return self.weighed(lots, surplus, pools) + early

    def weighed(self, lots: int, surplus: int, pools: int) -> int:
        """Return lots, then surplus, then fewer pools as one integer, above all earliness."""
        value = (lots * self._most_surplus + surplus) * (self.count + 1) - pools
        return value * _power(len(self.offers) + 1, self.count)

    def earliness(self, rank: int, k: int) -> int:
        """Return what it counts that a pool, in the order of size, goes to this offer."""
        base = len(self.offers) + 1
        return (base - 1 - rank) * _power(base, self.count - 1 - k)

    def usable(self, rank: int) -> int:
        """Return the set of pools that this offer could serve at all."""
        return sum(1 << k for k, pool in enumerate(self.wishes[rank]) if pool)

    def hopes(self, rank: int) -> list[int]:
        """Return, for each set of pools, what this offer serving them is worth at most."""
        capacity = self.offers[rank].capacity
        sums = [(0, 0, 0, 0)]
        for k, pool in enumerate(self.wishes[rank]):
            own = (0, 0, 0, 0)
            if pool is not None:
                own = (pool.total, pool.surplus_minor(self.cell), 1, self.earliness(rank, k))
            sums += [(a + own[0], b + own[1], c + own[2], d + own[3]) for a, b, c, d in sums]
        return [
            self.weighed(min(lots, capacity), surplus, pools) + early
            for lots, surplus, pools, early in sums
        ]


def _power(base: int, exponent: int) -> int:
    return int(pow(base, exponent))


def _by_sets(market: _Market) -> list[int]:
    """Return the set of pools of each offer: the best over all assignments."""
    full = (1 << market.count) - 1
    best = [0] * (full + 1)
    choices: list[list[int]] = []
    for rank in range(len(market.offers) - 1, -1, -1):
        usable, hopes = market.usable(rank), market.hopes(rank)
        better: list[int] = []
        choice: list[int] = []
        for left in range(full + 1):
            value, chosen = best[left], 0
            whole = part = left & usable
            while part:
                rest = best[left ^ part]
                if hopes[part] + rest > value:
                    worth = market.worth(rank, part)
                    if worth is not None and worth + rest > value:
                        value, chosen = worth + rest, part
                part = (part - 1) & whole
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


class _Branch(NamedTuple):
    """Pools assigned so far: the sets of offers, the lots wished of each, the surplus hoped."""

    done: int
    sets: tuple[int, ...]
    wished: tuple[int, ...]
    surplus: int


def _by_branching(market: _Market) -> tuple[list[int], int | None]:
    """Return the best sets found, and None or, if it had to stop, the lots that bound all.

    Pools with the most lots come first; each is tried at every offer, where it hopes for most
    first, and at none. A branch is cut when what it hopes for would not beat the best.
    """
    columns = list(zip(*market.wishes, strict=True))
    most = [max((w.total for w in column if w), default=0) for column in columns]
    order = sorted(range(market.count), key=lambda k: (-most[k], k))
    gains = [[w.surplus_minor(market.cell) if w else 0 for w in columns[k]] for k in order]
    lots_left, gain_left = [0], [0]
    for k, gain in zip(reversed(order), reversed(gains), strict=True):
        lots_left.insert(0, lots_left[0] + most[k])
        gain_left.insert(0, gain_left[0] + max(gain))
    capacities = [offer.capacity for offer in market.offers]

    def hoped_lots(branch: _Branch) -> int:
        used = [*map(min, capacities, branch.wished)]
        spare = sum(capacities) - sum(used)
        return sum(used) + min(spare, lots_left[branch.done])

    nothing = (0,) * len(capacities)
    best, best_value = _improved(market, nothing)
    stack = [_Branch(0, nothing, nothing, 0)]
    for _ in range(MAX_STEPS):
        if not stack:
            return [*best], None
        branch = stack.pop()
        hope = branch.surplus + gain_left[branch.done]
        if market.weighed(hoped_lots(branch), hope, -1) <= best_value:
            continue
        if branch.done == market.count:
            worths = [market.worth(rank, chosen) for rank, chosen in enumerate(branch.sets)]
            known = [worth for worth in worths if worth is not None]
            if len(known) == len(worths) and sum(known) > best_value:
                best, best_value = branch.sets, sum(known)
            continue
        stack += _grown(branch, order[branch.done], market)
    best, _ = _improved(market, best)
    return [*best], min(sum(capacities), lots_left[0])


def _improved(market: _Market, start: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Return these sets improved, and their worth: each pool in turn goes where it adds most.

    Turns are taken until none adds anything.
    """
    sets = [*start]
    worths = [market.worth(rank, chosen) or 0 for rank, chosen in enumerate(sets)]
    has_moved = True
    while has_moved:
        has_moved = False
        for k in range(market.count):
            moves = [*_moves(market, sets, worths, k)]
            gain, places = max(moves, default=(0, []))
            if gain > 0:
                has_moved = True
                for rank, chosen, worth in places:
                    sets[rank], worths[rank] = chosen, worth
    return tuple(sets), sum(worths)


def _moves(
    market: _Market, sets: Sequence[int], worths: Sequence[int], k: int
) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
    """Give what a pool's going to each offer, or to none, adds, and the sets that change."""
    bit = 1 << k
    home = next((rank for rank, chosen in enumerate(sets) if chosen & bit), None)
    leaving: list[tuple[int, int, int]] = []
    lost = 0
    if home is not None:
        worth = market.worth(home, sets[home] ^ bit)
        if worth is None:
            return
        leaving = [(home, sets[home] ^ bit, worth)]
        lost = worths[home] - worth
        yield -lost, leaving
    for rank, column in enumerate(market.wishes):
        if rank != home and column[k]:
            worth = market.worth(rank, sets[rank] | bit)
            if worth is not None:
                yield worth - worths[rank] - lost, [*leaving, (rank, sets[rank] | bit, worth)]


def _grown(branch: _Branch, k: int, market: _Market) -> list[_Branch]:
    """Return the branches with one pool more, the most hopeful last."""
    done, sets, wished, surplus = branch
    found = [(-1, 0, 0, _Branch(done + 1, sets, wished, surplus))]
    for rank, column in enumerate(market.wishes):
        pool = column[k]
        if pool is not None:
            lots, gain = pool.total, pool.surplus_minor(market.cell)
            room = max(0, market.offers[rank].capacity - wished[rank])
            grown = _Branch(
                done + 1,
                (*sets[:rank], sets[rank] | 1 << k, *sets[rank + 1 :]),
                (*wished[:rank], wished[rank] + lots, *wished[rank + 1 :]),
                surplus + gain,
            )
            found.append((min(lots, room), gain, -rank, grown))
    return [grown for *_, grown in sorted(found)]
