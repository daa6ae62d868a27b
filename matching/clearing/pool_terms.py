"""The terms of each pool, and why a pledge was left out: checked one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matching.clearing.form import require
from matching.clearing.pool_book import Book, Deal, Law, Placed


def check_terms(book: Book, law: Law, deals: Sequence[Deal]) -> list[Placed]:
    """Check what holds of every pool, rationed or not, and return the pools by place.

    One goods price, the one that the total earns; everyone's own lines on top; nobody above
    his limit; similar sizes; enough owner groups; whole packs; nobody in two pools.
    """
    supply_of = {supply.id: supply for supply in book.supplies}
    seen: set[str] = set()
    placed = []
    place, own, limits = book.place, book.own, book.limits
    for deal in deals:
        supply, goods = supply_of[deal.offer], deal.goods
        places, lots = [], []
        names = [entry[0] for entry in deal.members]
        require(names == sorted(names), "order", f"members of {names[0]} stand by id")
        require(seen.isdisjoint(names), "one_place", f"a member of {names[0]} is in two pools")
        seen.update(names)
        require(len(set(names)) == len(names), "one_place", f"{names[0]}: a member twice")
        for name, awarded, landed, amount in deal.members:
            x = place.get(name, -1)
            if x < 0 or landed != goods + own[x] or amount != landed * awarded or awarded < 1:
                _refuse_member(book, deal, name)
            require(landed <= limits[x], "limit", f"{name} pays {landed} of {limits[x]}")
            places.append(x)
            lots.append(awarded)
        require(sum(lots) == deal.lots, "lots", f"members of {names[0]} take {sum(lots)}")
        require(deal.lots % supply.pack == 0, "pack", f"{deal.lots} lots are no whole packs")
        earned = supply.earned(deal.lots)
        require(earned == goods, "goods_minor", f"{deal.lots} lots earn {earned}")
        smallest, largest = book.sizes[min(places)], book.sizes[max(places)]
        is_similar = largest * law.below <= smallest * law.above
        require(is_similar, "similarity", f"{smallest} and {largest} in the pool of {names[0]}")
        groups = book.groups(places)
        require(groups >= law.min_members, "min_members", f"{groups} groups with {names[0]}")
        placed.append(Placed(supply, goods, places, lots, deal.round))
    return placed


def _refuse_member(book: Book, deal: Deal, name: str) -> None:
    x = book.place.get(name, -1)
    require(x >= 0, "cell", f"{name} is no pledge of the cell of {deal.offer}")
    _, lots, landed, amount = next(entry for entry in deal.members if entry[0] == name)
    require(lots >= 1, "lots", f"{name} takes {lots}")
    due = deal.goods + book.own[x]
    require(landed == due, "landed_minor", f"{name} owes {due} a lot, not {landed}")
    require(amount == landed * lots, "amount_minor", f"{name} owes {landed * lots}, not {amount}")


def check_left_out(
    book: Book,
    law: Law,
    placed: Sequence[Placed],
    formed: Sequence[Placed],
    reasons: Mapping[str, str],
) -> None:
    """Check that whoever has no pool has the first reason that is true of him."""
    pooled = {x for pool in placed for x in pool.places}
    had = {x for pool in formed for x in pool.places}
    left = [x for x in range(len(book.ids)) if x not in pooled]
    for x in left:
        require(book.ids[x] in reasons, "reason", f"{book.ids[x]} is neither in nor out")
    if not left:
        return
    prices = [price for supply in book.supplies for _, price in supply.reached()]
    deepest = min(prices, default=0)
    open_ = [x for x in left if x not in had and book.net[x] >= deepest]
    crowded = _crowded(book, law, open_)
    for x in left:
        if not book.supplies:
            expected = "no_offer"
        elif x in had:
            expected = "capacity"
        elif book.net[x] < deepest:
            expected = "limit_below_all_prices"
        elif x in crowded:
            expected = "break_not_reached"
        else:
            expected = "too_few_members" if _has_peer(book, law, x) else "no_similar_size"
        given = reasons[book.ids[x]]
        require(given == expected, "reason", f"{book.ids[x]}: {expected}, not {given}")


def _crowded(book: Book, law: Law, places: Sequence[int]) -> set[int]:
    """Return the places within a stretch of similar size that has enough owner groups."""
    found: set[int] = set()
    marked = stop = 0
    held: dict[str, int] = {}
    for k, first in enumerate(places):
        ceiling = book.sizes[first] * law.above
        while stop < len(places) and book.sizes[places[stop]] * law.below <= ceiling:
            owner = book.owners[places[stop]]
            held[owner] = held.get(owner, 0) + 1
            stop += 1
        if len(held) >= law.min_members:
            found.update(places[max(k, marked) : stop])
            marked = stop
        owner = book.owners[first]
        held[owner] -= 1
        if not held[owner]:
            del held[owner]
    return found


def _has_peer(book: Book, law: Law, x: int) -> bool:
    """Tell whether another owner group has a similar size."""
    size, owner, sizes = book.sizes[x], book.owners[x], book.sizes
    y = x + 1
    while y < len(sizes) and sizes[y] * law.below <= size * law.above:
        if book.owners[y] != owner:
            return True
        y += 1
    y = x - 1
    while y >= 0 and size * law.below <= sizes[y] * law.above:
        if book.owners[y] != owner:
            return True
        y -= 1
    return False
