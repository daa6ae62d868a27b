"""Scarce lots: the awards follow from the assignment, and no assignment does better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from matching.clearing.divisions import shares_by_level
from matching.clearing.form import require
from matching.clearing.pool_book import Book, Law, Placed, Supply

TRIED_POOLS = 12  # For so many every other assignment is weighed here: they are always exact.
MAX_BRANCHES = 50_000


class _Served(NamedTuple):
    """What one pool gets of an offer."""

    price: int
    lots: dict[int, int]


Wishes = Sequence[Sequence[_Served | None]]
Known = dict[tuple[int, tuple[int, ...]], dict[int, _Served]]


def check_rationed(
    book: Book,
    law: Law,
    formed: Sequence[Placed],
    placed: Sequence[Placed],
    is_exact: object,
    bound_lots: int,
) -> int:
    """Check the awards of a cell where a capacity binds and return its lots.

    Every pool is (part of) one that was formed, with one offer; nobody in it was replaced;
    what each member gets follows from which pools share an offer. If the assignment is said to
    be exact, no other has more lots, then surplus, then fewer pools, then earlier offers; one
    that is not is at least not improved by moving one pool, and bounded by what all pools would
    take. Up to `TRIED_POOLS` it has to be exact.
    """
    order = sorted(formed, key=lambda pool: min(pool.places))
    is_few = len(order) <= TRIED_POOLS
    require(
        is_exact is True or not is_few, "assignment", f"{len(order)} pools are assigned exactly"
    )
    home = {x: k for k, pool in enumerate(order) for x in pool.places}
    choice: list[int | None] = [None] * len(order)
    for pool in placed:
        homes = {home.get(x, -1) for x in pool.places}
        require(len(homes) == 1 and homes != {-1}, "capacity", "a pool that was not formed")
        k = homes.pop()
        require(choice[k] is None, "capacity", "one formed pool is served twice")
        require(pool.round == order[k].round, "round", "is that of the pool as formed")
        choice[k] = book.supplies.index(pool.supply)
    wishes = [[_wish(book, law, pool, s) for s in book.supplies] for pool in order]
    known: Known = {}
    outcome = _outcome(book, law, wishes, choice, known)
    given = {home[pool.places[0]]: pool for pool in placed}
    for k, served in enumerate(outcome):
        want = {} if served is None else served.lots
        have = dict(zip(given[k].places, given[k].lots, strict=True)) if k in given else {}
        require(have == want, "uniform_rule", "the awards are not those of equal awards")
    _check_best(book, law, wishes, choice, known, is_exact=is_exact is True)
    if is_exact is not True:
        most = _most_lots(book, wishes)
        require(bound_lots == most, "bound", f"is {most}, as all that was not tried counts")
    return sum(sum(pool.lots) for pool in placed)


def _most_lots(book: Book, wishes: Wishes) -> int:
    """Return the lots of all pools if each got what it wished for, within all capacity."""
    wished = [max((sum(w.lots.values()) for w in row if w), default=0) for row in wishes]
    return min(sum(wished), sum(supply.capacity for supply in book.supplies))


def _check_best(
    book: Book,
    law: Law,
    wishes: Wishes,
    choice: Sequence[int | None],
    known: Known,
    *,
    is_exact: bool,
) -> None:
    """Check that no other way to share the pools out among the offers is better.

    Where nothing exact is claimed, only one pool is moved.
    """
    count = len(wishes)
    scale = _Scale(book, wishes)

    def worth_of(tried: Sequence[int | None]) -> int:
        total = 0
        for rank in range(len(book.supplies)):
            pools = tuple(k for k, chosen in enumerate(tried) if chosen == rank)
            served = _offered(book, law, wishes, rank, pools, known)
            if len(served) < len(pools):
                return -1
            total += scale.worth(rank, served)
        return total

    reached = worth_of(choice)
    tried: Iterable[int]
    if not is_exact:
        tried = map(worth_of, _moved(choice, len(book.supplies)))
    elif count <= TRIED_POOLS:
        tried = [_most(book, law, wishes, scale, known)]
    else:
        tried = map(worth_of, _hopeful(book, wishes, scale, reached))
    for worth in tried:
        better = f"another serves more or better: {worth} > {reached}"
        require(worth <= reached, "assignment", better)


def _hopeful(book: Book, wishes: Wishes, scale: _Scale, reached: int) -> Iterator[list[int | None]]:
    """Give every assignment that could be worth more than what was reached.

    Pools are given out one by one, those that wish for most first. A beginning is dropped as
    soon as what its offers may serve of the wishes, all that the rest wish for, and the surplus
    of all that, would not be better: so many beginnings are never left that the search of who
    claims to have found the best could have ended sooner.
    """
    offers = range(len(book.supplies))
    lots = [[0 if w is None else sum(w.lots.values()) for w in row] for row in wishes]
    gains = [[0 if w is None else scale.gain(w) for w in row] for row in wishes]
    order = sorted(range(len(wishes)), key=lambda k: (-max(lots[k]), k))
    lots_after = [sum(max(lots[k]) for k in order[done:]) for done in range(len(order) + 1)]
    gain_after = [sum(max(gains[k]) for k in order[done:]) for done in range(len(order) + 1)]
    capacities = [supply.capacity for supply in book.supplies]
    beginnings: list[tuple[tuple[int | None, ...], int]] = [((), 0)]
    looked = 0
    while beginnings:
        chosen, gain = beginnings.pop()
        looked += 1
        is_in_reach = looked <= MAX_BRANCHES
        require(is_in_reach, "assignment", f"nothing proves {len(order)} pools' to be exact")
        held = [0] * len(capacities)
        for k, rank in zip(order, chosen, strict=False):
            if rank is not None:
                held[rank] += lots[k][rank]
        served = sum(map(min, held, capacities))
        most = min(served + lots_after[len(chosen)], sum(capacities))
        if scale.beyond(most, gain + gain_after[len(chosen)]) <= reached:
            continue
        if len(chosen) == len(order):
            yield [rank for _, rank in sorted(zip(order, chosen, strict=True))]
            continue
        k = order[len(chosen)]
        ranks = [rank for rank in offers if wishes[k][rank]]
        beginnings.append(((*chosen, None), gain))
        beginnings += [((*chosen, rank), gain + gains[k][rank]) for rank in ranks]


def _moved(choice: Sequence[int | None], offers: int) -> Iterator[list[int | None]]:
    """Give the assignments where one pool goes elsewhere, or to no offer."""
    for k in range(len(choice)):
        for rank in [None, *range(offers)]:
            yield [*choice[:k], rank, *choice[k + 1 :]]


def _most(book: Book, law: Law, wishes: Wishes, scale: _Scale, known: Known) -> int:
    """Return the worth of the best assignment.

    Offer by offer, the best for each set of pools (as bits) that the offers so far may serve;
    what a set wishes for shows which need not be looked at.
    """
    count = len(wishes)
    best = [0] + [-1] * ((1 << count) - 1)
    for rank, supply in enumerate(book.supplies):
        able = [k for k in range(count) if wishes[k][rank]]
        hopes = {
            sum(1 << k for k in pools): (scale.hope(rank, pools, supply.capacity), pools)
            for size in range(1, len(able) + 1)
            for pools in combinations(able, size)
        }
        better = [*best]
        for before, value in enumerate(best):
            room = bits = sum(1 << k for k in able) & ~before if value >= 0 else 0
            while bits:
                hope, pools = hopes[bits]
                after = before | bits
                if value + hope > better[after]:
                    served = _offered(book, law, wishes, rank, pools, known)
                    if len(served) == len(pools):
                        better[after] = max(value + scale.worth(rank, served), better[after])
                bits = (bits - 1) & room
        best = better
    return max(best)


class _Scale:
    """Lots, surplus, fewer pools and earlier offers as one integer that adds up over offers."""

    def __init__(self, book: Book, wishes: Wishes) -> None:
        self.book, self.wishes = book, wishes
        self.base = len(book.supplies) + 1
        self.pools = len(wishes)
        self.surplus = 1 + sum(
            max((self.gain(wished) for wished in column if wished), default=0) for column in wishes
        )

    def gain(self, served: _Served) -> int:
        net, price = self.book.net, served.price
        return sum((net[x] - price) * lots for x, lots in served.lots.items())

    def worth(self, rank: int, served: dict[int, _Served]) -> int:
        lots = sum(sum(own.lots.values()) for own in served.values())
        gain = sum(self.gain(own) for own in served.values())
        return self._sum(lots, gain, rank, served)

    def hope(self, rank: int, pools: Sequence[int], capacity: int) -> int:
        wished = [w for k in pools if (w := self.wishes[k][rank]) is not None]
        lots = sum(sum(own.lots.values()) for own in wished)
        return self._sum(min(lots, capacity), sum(map(self.gain, wished)), rank, pools)

    def beyond(self, lots: int, gain: int) -> int:
        """Return more than any assignment of so many lots and so much surplus is worth."""
        value = (lots * self.surplus + gain) * (self.pools + 1) + 1
        return int(value * self.base**self.pools)

    def _sum(self, lots: int, gain: int, rank: int, pools: Iterable[int]) -> int:
        places = [*pools]
        value = (lots * self.surplus + gain) * (self.pools + 1) - len(places)
        early = sum(self.base ** (self.pools - 1 - k) for k in places)
        return int(value * self.base**self.pools + (self.base - 1 - rank) * early)


def _wish(book: Book, law: Law, pool: Placed, supply: Supply) -> _Served | None:
    """Return what the pool would get of an offer with nobody else there."""
    for _, price in sorted(supply.breaks, key=lambda step: step[1]):
        members = sorted(x for x in pool.places if book.net[x] >= price)
        firm = sum(book.lots[x] for x in members)
        spare = sum(book.spare[x] for x in members)
        total = supply.total(price, firm, firm + spare)
        if total and book.groups(members) >= law.min_members:
            return _Served(price, _filled(book, members, spare, total - firm))
    return None


def _filled(book: Book, members: Sequence[int], spare: int, taken: int) -> dict[int, int]:
    if not taken:
        return {x: book.lots[x] for x in members}
    quotas = {x: Fraction(taken * book.spare[x], spare) for x in members}
    extra = {x: quota.__floor__() for x, quota in quotas.items()}

    def turn(x: int) -> tuple[Fraction, int, int, str]:
        return extra[x] - quotas[x], book.turn(x)[0], book.seqs[x], book.ids[x]

    ranked = sorted(members, key=turn)
    for x in ranked[: taken - sum(extra.values())]:
        extra[x] += 1
    return {x: book.lots[x] + extra[x] for x in members}


def _outcome(
    book: Book, law: Law, wishes: Wishes, choice: Sequence[int | None], known: Known
) -> list[_Served | None]:
    """Return what each pool gets under an assignment; `known` keeps what offers give to sets."""
    found: list[_Served | None] = [None] * len(wishes)
    for rank in range(len(book.supplies)):
        pools = tuple(k for k, chosen in enumerate(choice) if chosen == rank)
        for k, served in _offered(book, law, wishes, rank, pools, known).items():
            found[k] = served
    return found


def _offered(
    book: Book, law: Law, wishes: Wishes, rank: int, pools: tuple[int, ...], known: Known
) -> dict[int, _Served]:
    """Return what the pools that go to one offer get of it, without those left with nothing."""
    if (rank, pools) not in known:
        supply = book.supplies[rank]
        wanted = {k: wished for k in pools if (wished := wishes[k][rank]) is not None}
        lots = sum(sum(served.lots.values()) for served in wanted.values())
        if lots > supply.capacity:
            wanted = dict(_shared(book, law, wanted, supply))
        known[rank, pools] = wanted
    return known[rank, pools]


def _shared(
    book: Book, law: Law, wanted: dict[int, _Served], supply: Supply
) -> Iterator[tuple[int, _Served]]:
    """Give what each pool keeps when all members of these pools share an offer's capacity."""
    claims = {k: dict(served.lots) for k, served in wanted.items()}
    while True:
        kept = _division(book, claims, supply)
        prices = {k: supply.earned(sum(lots.values())) for k, lots in kept.items()}
        still: dict[int, dict[int, int]] = {}
        for k, lots in kept.items():
            price = prices[k]
            members = [x for x, n in lots.items() if n and price and book.net[x] >= price]
            if members and book.groups(members) >= law.min_members:
                still[k] = {x: claims[k][x] for x in members}
        if still == claims:
            yield from ((k, _Served(prices[k], kept[k])) for k in kept)
            return
        claims = still


def _division(
    book: Book, claims: dict[int, dict[int, int]], supply: Supply
) -> dict[int, dict[int, int]]:
    everyone = [(x, lots, k) for k, own in claims.items() for x, lots in own.items()]
    everyone.sort(key=lambda claim: book.turn(claim[0]))
    shares = _equal([lots for _, lots, _ in everyone], supply.capacity)
    if supply.pack == 1:
        whole: dict[int, dict[int, int]] = {k: {} for k in claims}
        for (x, _, k), share in zip(everyone, shares, strict=True):
            whole[k][x] = share
        return whole
    totals = dict.fromkeys(claims, 0)
    for (_, _, k), share in zip(everyone, shares, strict=True):
        totals[k] += share
    totals = {k: total - total % supply.pack for k, total in totals.items()}
    packs = (supply.capacity - sum(totals.values())) // supply.pack
    for k, own in claims.items():
        wanted = (sum(own.values()) - totals[k]) // supply.pack
        totals[k] += min(packs, wanted) * supply.pack
        packs -= min(packs, wanted)
    kept = {}
    for k, own in claims.items():
        places = sorted(own, key=book.turn)
        shares = _equal([own[x] for x in places], totals[k])
        kept[k] = dict(zip(places, shares, strict=True))
    return kept


def _equal(wanted: Sequence[int], capacity: int) -> list[int]:
    """Return equal awards where nobody is content with nothing: the first ones are served."""
    served = wanted[: capacity if capacity < len(wanted) else len(wanted)]
    return shares_by_level(served, capacity) + [0] * (len(wanted) - len(served))
