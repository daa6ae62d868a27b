"""That pools were formed as the cascade says: replayed price by price from the instance.

At each round the pools are stretches of those still open who accept the price; no other
stretches hold more firm lots, or as many in fewer pools; among equals they are the first
(`pool_ties`); and when a price is done nobody left could form a lawful pool at it (core-stable)
or fits into one that was formed (no envy).

Without packs lawful windows cover stretches of the line that none of them leaves, so that each
stretch is checked alone. Whoever is passed by can only be in a later round with others passed by
inside: a window that reaches over pledges closed or outside would, with them, have been lawful.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import filterfalse, groupby

from matching.clearing.form import GuaranteeBroken, require
from matching.clearing.pool_book import Book, Deal, Law, Placed, column_at, places_in
from matching.clearing.pool_line import Cover, Line, line_of, most_of
from matching.clearing.pool_stretches import Claim, check_stretch, is_any_lawful


def check_formation(book: Book, law: Law, deals: Sequence[Deal], placed: Sequence[Placed]) -> None:
    """Check that pools take the least tolerance, and that the cascade forms them."""
    for deal, pool in zip(deals, placed, strict=True):
        _check_lots(book, deal, pool)
    if law.objective == "stable":
        _check_cascade(book, law, placed)


def _check_lots(book: Book, deal: Deal, pool: Placed) -> None:
    """Check that tolerance fills packs and breaks: the least of it, pro rata, largest remainder."""
    if pool.lots == pool.firm:
        return  # Whole packs that earn the price: nothing needs be taken.
    held = sum(pool.firm)
    spare = column_at(book.spare, pool.places) if book.has_spare else ()
    willing = sum(spare)
    total = pool.supply.total(pool.price, held, held + willing)
    if total != deal.lots:
        raise GuaranteeBroken("tolerance", f"{deal.lots} lots are not the least, {total}")
    taken = total - held
    require(taken, "tolerance", f"members take other lots than they pledged, {held} in all")
    over: list[tuple[tuple[Fraction, int, int], str]] = []
    under: list[tuple[tuple[Fraction, int, int], str]] = []
    for x, more, lots, own in zip(pool.places, spare, pool.lots, pool.firm, strict=True):
        quota = Fraction(taken * more, willing)
        extra = lots - own
        require(abs(extra - quota) < 1, "tolerance", f"{book.ids[x]} takes {extra} of {quota}")
        rank = (quota - quota.__floor__(), -book.turn(x)[0], -book.seqs[x])
        if quota.denominator > 1:
            (over if extra > quota else under).append((rank, book.ids[x]))
    if over and under:
        least, most = min(over)[0], max(under)[0]
        require(least >= most, "tolerance", "a smaller remainder was rounded up")
        if least == most:
            last = max(name for rank, name in over if rank == least)
            first = min(name for rank, name in under if rank == most)
            require(last < first, "tolerance", "equal remainders favour the earlier")


def _check_cascade(book: Book, law: Law, placed: Sequence[Placed]) -> None:
    rounds = {
        number: list(pools)
        for number, pools in groupby(sorted(placed, key=_round_of), key=_round_of)
    }
    require(list(rounds) == list(range(1, len(rounds) + 1)), "round", "rounds count from 1")
    net = book.net
    accepting = [*range(len(book.ids))]
    number = 1
    most = 1 + sum(book.lots) + sum(book.spare)
    for price, least in _prices(book, placed):
        is_used = number in rounds and rounds[number][0].price == price
        if least > most and not is_used:
            continue  # As prices rise the line only shrinks, and so does its widest stretch.
        accepting = [x for x in accepting if net[x] >= price]
        if not is_used:
            most = min(most, most_of(book, law, accepting))
            if least > most:
                continue
        closed: list[Placed] = []
        standing = accepting
        line = line_of(book, law, accepting, least)
        most = least - 1 if line is None else line.most
        while number in rounds and rounds[number][0].price == price:
            pools = rounds[number]
            require({p.price for p in pools} == {price}, "round", "one price in a round")
            standing = _check_round(book, line, pools, standing)
            line = line_of(book, law, standing, least)
            closed += pools
            number += 1
        is_blocked = line is not None and bool(line.covers())
        if book.has_packs and line is not None:
            is_blocked = is_any_lawful(book, line, price)
        require(not is_blocked, "core_stable", f"those left could form a pool at {price}")
        if closed:
            accepting = [*filterfalse(places_in(closed).__contains__, accepting)]
            _check_envy(book, law, closed, accepting)
    require(number > len(rounds), "round", f"round {number} is at no price, or out of order")


def _round_of(pool: Placed) -> int:
    return pool.round


def _prices(book: Book, placed: Sequence[Placed]) -> Iterator[tuple[int, int]]:
    """Give every price at which a pool could form, with the least lots, deepest first.

    Without packs a price that asks for no less than a deeper one adds nothing.
    """
    steps = [(price, lots) for supply in book.supplies for lots, price in supply.breaks]
    used = {pool.price for pool in placed}
    seen: int | None = None
    last: int | None = None
    for price, least in sorted(steps):
        if price == last:
            continue
        last = price
        is_new = seen is None or least < seen
        if is_new or price in used or book.has_packs:
            yield price, least
        if is_new:
            seen = least


def _check_round(
    book: Book, line: Line | None, pools: Sequence[Placed], accepting: Sequence[int]
) -> list[int]:
    """Check a round and return who may be in the next one."""
    price = pools[0].price
    if line is None:
        raise GuaranteeBroken("window", f"those who accept {price} reach no break")
    claims = sorted([_claim_of(book, pool, accepting) for pool in pools])
    covers = line.covers()
    if book.has_packs:
        covers = [Cover(0, len(accepting), ())]
    passed: list[int] = []
    seen = 0
    for cover in covers:
        done = cover.first
        inside = []
        while seen < len(claims) and claims[seen].start < cover.edge:
            claim = claims[seen]
            if claim.start < cover.first or claim.stop > cover.edge:
                raise GuaranteeBroken("window", f"a pool at {price} is no lawful window")
            inside.append(claim)
            passed += accepting[done : claim.start]
            done = claim.stop
            seen += 1
        passed += accepting[done : cover.edge]
        check_stretch(book, line, cover, price, inside)
    require(seen == len(claims), "window", "a pool is no lawful window")
    return passed


def _claim_of(book: Book, pool: Placed, accepting: Sequence[int]) -> Claim:
    """Return where a pool stands among those who accept; it leaves out nobody between."""
    start = bisect_left(accepting, pool.stretch[0])
    stop = start + len(pool.stretch)
    if accepting[start:stop] != pool.stretch:
        name = book.ids[pool.places[0]]
        raise GuaranteeBroken("window", f"the pool of {name} leaves out a neighbour")
    firm = sum(pool.firm)
    rank = book.supplies.index(pool.supply)
    if rank and book.has_shared:
        most = firm + sum(column_at(book.spare, pool.places)) if book.has_spare else firm
        if max([supply.total(pool.price, firm, most) for supply in book.supplies[:rank]]):
            name = book.ids[pool.places[0]]
            raise GuaranteeBroken("offer", f"the pool of {name} is not with the earliest offer")
    return Claim(start, stop, rank, firm, pool)


def _check_envy(book: Book, law: Law, closed: Sequence[Placed], left: Sequence[int]) -> None:
    """Check that nobody left at a price is of a size that fits a pool closed at it."""
    if book.has_packs:
        return
    sizes = book.sizes
    for pool in closed:
        smallest, largest = sizes[pool.stretch[0]], sizes[pool.stretch[-1]]
        first = bisect_left(sizes, -(-largest * law.below // law.above))
        stop = bisect_right(sizes, smallest * law.above // law.below)
        at = bisect_left(left, first)
        if at < len(left) and left[at] < stop:
            raise GuaranteeBroken("no_envy", f"{book.ids[left[at]]} fits a pool at {pool.price}")
