"""Scarce lots: the awards follow from the assignment, and no assignment does better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from matching.clearing.divisions import shares_by_level
from matching.clearing.form import require
from matching.clearing.pool_book import Book, Law, Placed, Supply

ALWAYS_EXACT = 12  # The rule promises an exact assignment of so many pools of a cell.
TRIED_POOLS = 8  # For so many every other assignment is weighed here.


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
    what each member gets follows from which pools share an offer. Up to `TRIED_POOLS` no other
    assignment has more lots, then surplus, then fewer pools, then earlier offers; beyond them
    none that differs by one pool, or by two that change places. One that is not said to be
    exact is at least not improved by moving one pool, and bounded by what all pools would take.
    """
    order = sorted(formed, key=lambda pool: min(pool.places))
    is_few = len(order) <= ALWAYS_EXACT
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

    Beyond `TRIED_POOLS` only one pool is moved, or two are exchanged; where nothing exact is
    claimed, only one is moved.
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
    if not is_exact:
        most = max(map(worth_of, _moved(choice, len(book.supplies))))
    elif count > TRIED_POOLS:
        most = max(map(worth_of, _changed(choice, len(book.supplies))))
    else:
        most = _most(book, law, wishes, scale, known)
    require(most <= reached, "assignment", f"another serves more or better: {most} > {reached}")


def _changed(choice: Sequence[int | None], offers: int) -> Iterator[list[int | None]]:
    """Give the assignments where one pool goes elsewhere, or two change places."""
    yield from _moved(choice, offers)
    for first, second in combinations(range(len(choice)), 2):
        swapped = [*choice]
        swapped[first], swapped[second] = swapped[second], swapped[first]
        yield swapped


def _moved(choice: Sequence[int | None], offers: int) -> Iterator[list[int | None]]:
    """Give the assignments where one pool goes elsewhere, or to no offer."""
    for k in range(len(choice)):
        for rank in [None, *range(offers)]:
            yield [*choice[:k], rank, *choice[k + 1 :]]


def _most(book: Book, law: Law, wishes: Wishes, scale: _Scale, known: Known) -> int:
    """Return the worth of the best assignment.

    Offer by offer, the best for each set of pools that the offers so far may serve; what a set
    wishes for shows which need not be looked at.
    """
    count = len(wishes)
    best: dict[tuple[int, ...], int] = {(): 0}
    for rank, supply in enumerate(book.supplies):
        sets = [
            pools
            for size in range(1, count + 1)
            for pools in combinations([k for k in range(count) if wishes[k][rank]], size)
        ]
        hopes = [(scale.hope(rank, pools, supply.capacity), pools) for pools in sets]
        better = dict(best)
        for before, value in best.items():
            taken = set(before)
            for hope, pools in hopes:
                if not taken.isdisjoint(pools):
                    continue
                after = tuple(sorted((*before, *pools)))
                if value + hope <= better.get(after, -1):
                    continue
                served = _offered(book, law, wishes, rank, pools, known)
                if len(served) == len(pools):
                    worth = value + scale.worth(rank, served)
                    better[after] = max(worth, better.get(after, -1))
        best = better
    return max(best.values())


class _Scale:
    """Lots, surplus, fewer pools and earlier offers as one integer that adds up over offers."""

    def __init__(self, book: Book, wishes: Wishes) -> None:
        self.book, self.wishes = book, wishes
        self.base = len(book.supplies) + 1
        self.pools = len(wishes)
        self.surplus = 1 + sum(
            max((self._gain(wished) for wished in column if wished), default=0) for column in wishes
        )

    def _gain(self, served: _Served) -> int:
        net, price = self.book.net, served.price
        return sum((net[x] - price) * lots for x, lots in served.lots.items())

    def worth(self, rank: int, served: dict[int, _Served]) -> int:
        lots = sum(sum(own.lots.values()) for own in served.values())
        gain = sum(self._gain(own) for own in served.values())
        return self._sum(lots, gain, rank, served)

    def hope(self, rank: int, pools: Sequence[int], capacity: int) -> int:
        wished = [w for k in pools if (w := self.wishes[k][rank]) is not None]
        lots = sum(sum(own.lots.values()) for own in wished)
        return self._sum(min(lots, capacity), sum(map(self._gain, wished)), rank, pools)

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
    ranked = sorted(members, key=lambda x: (extra[x] - quotas[x], book.seqs[x], book.ids[x]))
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
        kept = _division(claims, supply)
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


def _division(claims: dict[int, dict[int, int]], supply: Supply) -> dict[int, dict[int, int]]:
    everyone = sorted((x, lots, k) for k, own in claims.items() for x, lots in own.items())
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
        places = sorted(own)
        shares = _equal([own[x] for x in places], totals[k])
        kept[k] = dict(zip(places, shares, strict=True))
    return kept


def _equal(wanted: Sequence[int], capacity: int) -> list[int]:
    """Return equal awards where nobody is content with nothing: the first ones are served."""
    served = wanted[: capacity if capacity < len(wanted) else len(wanted)]
    return shares_by_level(served, capacity) + [0] * (len(wanted) - len(served))
