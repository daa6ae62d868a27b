"""The terms of each pool, one by one, and why a pledge is left out."""

from __future__ import annotations

from collections.abc import Sequence
from operator import lt, mul

from matching.clearing.form import GuaranteeBroken, require
from matching.clearing.pool_book import Book, Deal, Law, Placed, column_at


def check_terms(book: Book, law: Law, deals: Sequence[Deal]) -> list[Placed]:
    """Check what holds of every pool, rationed or not, and return the pools by place.

    One goods price, the one that the total earns; everyone's own lines on top; nobody above
    his limit; similar sizes; enough owner groups; whole packs; nobody in two pools.
    """
    supply_of = {supply.id: supply for supply in book.supplies}
    seen: set[str] = set()
    placed = []
    firsts = [deal.names[0] for deal in deals]
    require(firsts == sorted(firsts), "order", "pools of a cell stand by their first member")
    for deal in deals:
        require(deal.offer in supply_of, "offer", f"{deal.offer!r} is no offer in this cell")
        supply, goods, names, lots = supply_of[deal.offer], deal.goods, deal.names, deal.member_lots
        try:
            places = [*column_at(book.place, names)]
        except KeyError as error:
            raise GuaranteeBroken("cell", f"{error} is no pledge of this cell") from error
        who = f"the pool of {names[0]}"
        require(all(map(lt, names, names[1:])), "order", f"members in {who} stand by id, once")
        require(seen.isdisjoint(names), "one_place", f"a member of {who} is in two pools")
        seen.update(names)
        due = tuple([goods + own for own in column_at(book.own, places)])
        require(tuple(deal.landed) == due, "landed_minor", f"goods and own lines in {who}")
        require(tuple(deal.amounts) == tuple(map(mul, due, lots)), "amount_minor", f"in {who}")
        nets = column_at(book.net, places)
        require(goods <= min(nets), "limit", f"in {who}")
        require(min(lots) >= 1, "lots", f"a member without lots in {who}")
        require(sum(lots) == deal.lots, "lots", f"members in {who} take {sum(lots)}")
        require(deal.lots % supply.pack == 0, "pack", f"{deal.lots} lots are no whole packs")
        earned = supply.earned(deal.lots)
        require(earned == goods, "goods_minor", f"{deal.lots} lots earn {earned}")
        smallest, largest = book.sizes[min(places)], book.sizes[max(places)]
        is_similar = largest * law.below <= smallest * law.above
        require(is_similar, "similarity", f"{smallest} and {largest} in {who}")
        groups = book.groups(places)
        require(groups >= law.min_members, "min_members", f"{groups} groups in {who}")
        surplus = sum(map(mul, nets, lots)) - goods * deal.lots
        placed.append(Placed(supply, goods, places, [*lots], deal.round, surplus))
    return placed


def left_out(
    book: Book, law: Law, placed: Sequence[Placed], formed: Sequence[Placed]
) -> list[tuple[str, str]]:
    """Return everyone without a pool with the first reason that is true of him, by id."""
    pooled: set[int] = set()
    pooled.update(*[pool.places for pool in placed])
    left = [x for x in range(len(book.ids)) if x not in pooled]
    if not book.supplies:
        return sorted([(book.ids[x], "no_offer") for x in left])
    had: set[int] = set()
    if formed is not placed:
        had.update(*[pool.places for pool in formed])
        had.intersection_update(left)
    deepest = min([price for supply in book.supplies for _, price in supply.breaks], default=0)
    willing = [x for x in left if book.net[x] >= deepest and x not in had]
    crowded = _crowded(book, law, willing)
    reasons = dict.fromkeys(left, "limit_below_all_prices")
    for x in willing:
        if x in crowded:
            reasons[x] = "break_not_reached"
        else:
            reasons[x] = "too_few_members" if _has_peer(book, law, x) else "no_similar_size"
    reasons.update(dict.fromkeys(had, "capacity"))
    return sorted([(book.ids[x], reason) for x, reason in reasons.items()])


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
