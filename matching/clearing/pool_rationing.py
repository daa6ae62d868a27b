"""Scarce lots: the awards follow from the assignment, and no assignment does better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from matching.clearing.divisions import shares_by_level
from matching.clearing.form import require
from matching.clearing.pool_book import Book, Law, Placed, Supply

ALWAYS_EXACT = 10  # The rule promises an exact assignment of so many pools of a cell.
MAX_TRIALS = 4_000


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
) -> int:
    """Check the awards of a cell where a capacity binds and return its lots.

    Every pool is (part of) one that was formed, with one offer; nobody in it was replaced;
    what each member gets follows from which pools share an offer. Where pools and offers are
    few every other assignment is tried.
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
    if is_exact is True:
        _check_best(book, law, wishes, outcome, known)
    return sum(sum(pool.lots) for pool in placed)


def _check_best(
    book: Book,
    law: Law,
    wishes: Wishes,
    outcome: Sequence[_Served | None],
    known: Known,
) -> None:
    options = [[None, *(rank for rank, wished in enumerate(column) if wished)] for column in wishes]
    trials = 1
    for column in options:
        trials *= len(column)
    if trials > MAX_TRIALS:
        return
    reached = _merit(book, outcome)
    for choice in product(*options):
        found = _outcome(book, law, wishes, choice, known)
        if any(rank is not None and not served for rank, served in zip(choice, found, strict=True)):
            continue
        other = _merit(book, found)
        require(other <= reached, "assignment", f"{other} (lots, surplus) exceeds {reached}")


def _merit(book: Book, outcome: Sequence[_Served | None]) -> tuple[int, int, int]:
    lots = surplus = pools = 0
    for served in outcome:
        if served is not None:
            pools += 1
            lots += sum(served.lots.values())
            surplus += sum((book.net[x] - served.price) * n for x, n in served.lots.items())
    return lots, surplus, -pools


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
    for rank, supply in enumerate(book.supplies):
        pools = tuple(k for k, chosen in enumerate(choice) if chosen == rank)
        if (rank, pools) not in known:
            wanted = {k: wished for k in pools if (wished := wishes[k][rank]) is not None}
            lots = sum(sum(served.lots.values()) for served in wanted.values())
            if lots > supply.capacity:
                wanted = dict(_shared(book, law, wanted, supply))
            known[rank, pools] = wanted
        for k, served in known[rank, pools].items():
            found[k] = served
    return found


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
