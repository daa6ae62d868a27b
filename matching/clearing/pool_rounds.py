"""That pools were formed as the rule says: replayed price by price from the instance.

`stable`: at each round the pools are stretches of those still open who accept the price, no
other stretches hold more firm lots, or as many in fewer pools; and when a price is done nobody
left could form a lawful pool at it (core-stable) or fits into one that was formed (no envy).
`surplus`: no disjoint stretches have a larger sum.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from itertools import accumulate, groupby
from operator import add, sub
from typing import NamedTuple

from matching.clearing.form import GuaranteeBroken, require
from matching.clearing.pool_book import Book, Deal, Law, Placed


def check_formation(book: Book, law: Law, deals: Sequence[Deal], placed: Sequence[Placed]) -> None:
    """Check that the pools are what the objective forms when lots are ample."""
    for deal, pool in zip(deals, placed, strict=True):
        _check_lots(book, deal, pool)
    if law.objective == "stable":
        _check_cascade(book, law, placed)
    else:
        for pool in placed:
            require(pool.round == 1, "round", "the largest sum is found in one round")
            _check_stretch(book, pool, [x for x, net in enumerate(book.net) if net >= pool.price])


def check_most_surplus(book: Book, law: Law, placed: Sequence[Placed]) -> int:
    """Check that no stretches have a larger Σ (net limit − price) × firm lots; return it."""
    found = sum((book.net[x] - pool.price) * book.lots[x] for pool in placed for x in pool.places)
    best = _most_surplus(book, law)
    require(found == best, "surplus_optimal", f"{found} is not the largest sum, {best} is")
    return found


def _check_lots(book: Book, deal: Deal, pool: Placed) -> None:
    """Check that tolerance fills packs and breaks: the least of it, pro rata, largest remainder."""
    places = pool.places
    firm = [book.lots[x] for x in places]
    held = sum(firm)
    spare = [book.spare[x] for x in places] if book.has_spare else []
    total = pool.supply.total(pool.price, held, held + sum(spare))
    require(total == deal.lots, "tolerance", f"{deal.lots} lots are not the least, {total}")
    if pool.lots == firm:
        return
    taken = total - held
    over: list[tuple[tuple[Fraction, int], str]] = []
    under: list[tuple[tuple[Fraction, int], str]] = []
    for x, more, lots, own in zip(places, spare, pool.lots, firm, strict=True):
        quota = Fraction(taken * more, sum(spare))
        extra = lots - own
        require(abs(extra - quota) < 1, "tolerance", f"{book.ids[x]} takes {extra} of {quota}")
        rank = (quota - quota.__floor__(), -book.seqs[x])
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
    accepting: Sequence[int] = range(len(book.ids))
    number = 1
    most = sum(book.lots) + sum(book.spare)
    for price, least in _prices(book, placed):
        if least > most:
            continue
        accepting = [x for x in accepting if book.net[x] >= price]
        closed: list[Placed] = []
        while number in rounds and rounds[number][0].price == price:
            pools = rounds[number]
            require(all(p.price == price for p in pools), "round", "one price in a round")
            _check_round(book, law, pools, accepting, price)
            closed += pools
            taken = {x for pool in pools for x in pool.places}
            accepting = [x for x in accepting if x not in taken]
            number += 1
        if accepting:
            most, is_blocked = _widest(book, law, accepting, price, least)
            require(not is_blocked, "core_stable", f"those left could form a pool at {price}")
            _check_envy(book, law, closed, accepting)
    require(number > len(rounds), "round", f"round {number} is at no price, or out of order")


def _prices(book: Book, placed: Sequence[Placed]) -> Iterator[tuple[int, int]]:
    """Give every price at which a pool could form, with the least lots, deepest first.

    Without packs a price that asks for no less than a deeper one adds nothing.
    """
    at_price: dict[int, int] = {}
    for supply in book.supplies:
        for lots, price in supply.breaks:
            at_price[price] = min(lots, at_price.get(price, lots))
    used = {pool.price for pool in placed}
    seen: int | None = None
    for price in sorted(at_price):
        least = at_price[price]
        is_new = seen is None or least < seen
        if price in used or book.has_packs or is_new:
            yield price, least
        seen = least if seen is None else min(seen, least)


def _round_of(pool: Placed) -> int:
    return pool.round


def _check_stretch(book: Book, pool: Placed, accepting: Sequence[int]) -> int:
    """Check that a pool leaves out nobody between its members; return its firm lots."""
    places = sorted(pool.places)
    first = bisect_left(accepting, places[0])
    stop = first + len(places)
    name = book.ids[places[0]]
    require(accepting[first:stop] == places, "window", f"the pool of {name} leaves out a neighbour")
    firm = sum([book.lots[x] for x in places])
    most = firm + sum([book.spare[x] for x in places]) if book.has_spare else firm
    earliest = next((s for s in book.supplies if s.total(pool.price, firm, most)), None)
    require(earliest == pool.supply, "offer", f"the pool of {name} is not with the earliest offer")
    return firm


def _check_round(
    book: Book, law: Law, pools: Sequence[Placed], accepting: list[int], price: int
) -> None:
    taken = sum([_check_stretch(book, pool, accepting) for pool in pools])
    stops = _stops([book.sizes[x] for x in accepting], law)
    line = _Line(accepting, _reach(book, accepting), stops, _least_at(book, price))
    if not book.has_packs and _is_plainly_best(book, law, line, taken, len(pools)):
        return
    passed = sum([book.lots[x] for x in accepting]) - taken
    least, fewest = _least_passed(book, law, line, price)
    require(passed == least, "volume", f"{passed} lots are passed by at {price}, not {least}")
    require(len(pools) == fewest, "fewest_pools", f"{len(pools)} pools at {price}, not {fewest}")


class _Line(NamedTuple):
    """Those who accept a price, with sums of their lots and where the ratio is exceeded."""

    places: Sequence[int]
    reach: Sequence[int]
    stops: Sequence[int]
    least: int


def _is_plainly_best(book: Book, law: Law, line: _Line, taken: int, pools: int) -> bool:
    """Tell whether bounds alone show that these pools are the fullest and the fewest.

    Nobody can be pooled outside the widest windows that have lots and groups enough; and to
    cover everybody inside takes at least one pool for each step of the ratio.
    """
    places, reach, stops, least = line
    ends = [reach[stop] - least for stop in stops]
    covered = jumps = edge = jump = 0
    for start in [k for k, spare in enumerate(map(sub, ends, reach)) if spare >= 0]:
        stop = stops[start]
        if stop > edge and book.groups(places[start:stop]) >= law.min_members:
            first = start if start > edge else edge
            covered += sum([book.lots[x] for x in places[first:stop]])
            while jump < stop:
                jump = stops[first if first > jump else jump]
                jumps += 1
            edge = stop
    return covered == taken and jumps == pools


def _stops(sizes: Sequence[int], law: Law) -> list[int]:
    """Return, for each start of a window, where the next size is too large."""
    above, below = law.above, law.below
    return [bisect_right(sizes, size * above // below) for size in sizes]


def _reach(book: Book, places: Sequence[int]) -> list[int]:
    lots = [book.lots[x] for x in places]
    if book.has_spare:
        lots = [*map(add, lots, [book.spare[x] for x in places])]
    return [0, *accumulate(lots)]


def _least_passed(book: Book, law: Law, line: _Line, price: int) -> tuple[int, int]:
    """Return the fewest lots that windows must pass by, and the fewest windows for it."""
    places, stops = line.places, line.stops
    unit = len(places) + 1
    best = [0]
    found = coming = 0
    ready: list[int] = []  # The cost of a start, then the start, in one integer.
    starts = [] if book.has_packs else _counts_of_starts(book, law, line)
    for end, x in enumerate(places, 1):
        found += book.lots[x] * unit
        if book.has_packs:
            lawful = _lawful_starts(book, law, places, end, price)
            found = min([found, *(best[start] + 1 for start in lawful)])
        else:
            while coming < starts[end]:
                heappush(ready, best[coming] * unit + coming)
                coming += 1
            while ready and stops[ready[0] % unit] < end:
                heappop(ready)
            if ready and ready[0] // unit < found:
                found = ready[0] // unit + 1
        best.append(found)
    return divmod(found, unit)


def _least_at(book: Book, price: int) -> int:
    return min([least for s in book.supplies for least, goods in s.breaks if goods == price])


def _lawful_starts(book: Book, law: Law, places: Sequence[int], end: int, price: int) -> list[int]:
    """Return the starts of lawful windows with this end, tried one by one."""
    return [a for a in range(end) if _is_lawful(book, law, places[a:end], price)]


def _counts_of_starts(book: Book, law: Law, line: _Line) -> list[int]:
    """Return, for each end, how many starts (the first ones) have the lots and the groups."""
    places, reach, least = line.places, line.reach, line.least
    counts = [bisect_right(reach, held - least) for held in reach]
    if book.has_twins:
        crowds = _crowds([book.owners[x] for x in places], law.min_members)
    else:
        crowds = [*range(1 - law.min_members, len(places) + 2 - law.min_members)]
    return [*map(min, counts, crowds)]


def _crowds(owners: Sequence[str], groups: int) -> list[int]:
    """Return, for each end, how many starts have enough owner groups between."""
    crowds = []
    latest: dict[str, int] = {}
    for end in range(len(owners) + 1):
        if end:
            latest.pop(owners[end - 1], None)
            latest[owners[end - 1]] = end - 1
            if len(latest) > groups:
                del latest[next(iter(latest))]
        crowds.append(next(iter(latest.values())) + 1 if len(latest) == groups else 0)
    return crowds


def _is_lawful(book: Book, law: Law, members: Sequence[int], price: int) -> bool:
    if not members or book.groups(members) < law.min_members:
        return False
    if book.sizes[members[-1]] * law.below > book.sizes[members[0]] * law.above:
        return False
    firm = sum([book.lots[x] for x in members])
    most = firm + sum([book.spare[x] for x in members])
    return any(supply.total(price, firm, most) for supply in book.supplies)


def _widest(
    book: Book, law: Law, places: Sequence[int], price: int, least: int
) -> tuple[int, bool]:
    """Return the most lots of a window of similar size, and whether one is lawful at a price.

    The line of those who accept only shrinks as prices rise, and with it the most lots.
    """
    reach = _reach(book, places)
    if reach[-1] < least:
        return reach[-1], False
    stops = _stops([book.sizes[x] for x in places], law)
    held = [*map(sub, [reach[stop] for stop in stops], reach)]
    for start in [k for k, lots in enumerate(held) if lots >= least]:
        stop = stops[start]
        if not book.has_packs:
            if book.groups(places[start:stop]) >= law.min_members:
                return max(held), True
        elif any(_is_lawful(book, law, places[start:end], price) for end in range(start, stop + 1)):
            return max(held), True
    return max(held), False


def _check_envy(book: Book, law: Law, closed: Sequence[Placed], left: Sequence[int]) -> None:
    """Check that nobody left at a price is of a size that fits a pool closed at it."""
    if book.has_packs:
        return
    sizes = [book.sizes[x] for x in left]
    for pool in closed:
        smallest, largest = book.sizes[min(pool.places)], book.sizes[max(pool.places)]
        first = bisect_left(sizes, -(-largest * law.below // law.above))
        stop = bisect_right(sizes, smallest * law.above // law.below)
        if first < stop:
            name = book.ids[left[first]]
            raise GuaranteeBroken("no_envy", f"{name} fits a pool at {pool.price}")


def _most_surplus(book: Book, law: Law) -> int:
    """Return the largest sum: a longest path over the boundaries of the order."""
    value = [0]
    tracks = [_Track(book, law, price) for price in sorted(_all_prices(book))]
    for x in range(len(book.ids)):
        best = value[-1]
        for track in tracks:
            if book.net[x] >= track.price:
                best = max(best, track.advance(value))
        value.append(best)
    return value[-1]


def _all_prices(book: Book) -> set[int]:
    """Return the prices that a best sum may use: not those that ask for more and cost more."""
    at_price: dict[int, int] = {}
    for supply in book.supplies:
        for least, price in supply.breaks:
            at_price[price] = min(least, at_price.get(price, least))
    if book.has_packs:
        return set(at_price)
    return {
        price
        for price, least in at_price.items()
        if not any(other < price and at_price[other] <= least for other in at_price)
    }


class _Track:
    """The windows of one price, end by end."""

    def __init__(self, book: Book, law: Law, price: int) -> None:
        self.price = price
        self.places = [x for x, net in enumerate(book.net) if net >= price]
        gains = [(book.net[x] - price) * book.lots[x] for x in self.places]
        self.gain = [0, *accumulate(gains)]
        self.stops = _stops([book.sizes[x] for x in self.places], law)
        self.book, self.law = book, law
        line = _Line(self.places, _reach(book, self.places), self.stops, _least_at(book, price))
        self.counts = [] if book.has_packs else _counts_of_starts(book, law, line)
        self.coming = 0
        self.ready: list[tuple[int, int]] = []
        self.end = 0

    def advance(self, value: Sequence[int]) -> int:
        """Return the best value of a window that ends with the next place, or 0."""
        self.end += 1
        end, gain = self.end, self.gain
        if self.book.has_packs:
            lawful = _lawful_starts(self.book, self.law, self.places, end, self.price)
            worth = [value[self.places[start]] - gain[start] for start in lawful]
            return gain[end] + max(worth) if worth else 0
        while self.coming < self.counts[end]:
            start = self.coming
            heappush(self.ready, (gain[start] - value[self.places[start]], start))
            self.coming += 1
        while self.ready and self.stops[self.ready[0][1]] < end:
            heappop(self.ready)
        return gain[end] - self.ready[0][0] if self.ready else 0
