"""The terms of each pool, one by one, and why a pledge is left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import filterfalse
from operator import mul, sub
from typing import NoReturn

from matching.clearing.form import GuaranteeBroken, require
from matching.clearing.pool_book import (
    Book,
    Deal,
    Law,
    Placed,
    Supply,
    column_at,
    columns_at,
    places_in,
)
from matching.clearing.pool_line import crowds_of, stops_of


def check_terms(book: Book, law: Law, deals: Sequence[Deal]) -> list[Placed]:
    """Check what holds of every pool, rationed or not, and return the pools by place.

    One goods price, the one that the total earns; everyone's own lines on top; nobody above
    his limit; similar sizes; enough owner groups; whole packs; nobody in two pools.
    """
    supply_of = {supply.id: supply for supply in book.supplies}
    firsts = [deal.pledges[0] for deal in deals]
    require(firsts == sorted(firsts), "order", "pools of a cell stand by their first member")
    placed = []
    for deal in deals:
        if deal.offer not in supply_of:
            raise GuaranteeBroken("offer", f"{deal.offer!r} is no offer in this cell")
        pool = _placed(book, supply_of[deal.offer], deal)
        _check_members(book, law, pool, deal.pledges[0])
        placed.append(pool)
    members = sum([len(deal.pledges) for deal in deals])
    require(members == len(places_in(placed)), "one_place", "somebody is in two pools, or twice")
    return placed


def _placed(book: Book, supply: Supply, deal: Deal) -> Placed:
    """Check the figures of a pool and return it by place."""
    goods, total, names, lots = deal.goods_minor, deal.lots, deal.pledges, deal.member_lots
    try:
        places = column_at(book.place, names)
    except KeyError as error:
        raise GuaranteeBroken("cell", f"{error} is no pledge of this cell") from error
    limits, nets, firm = columns_at((book.limit, book.net, book.lots), places)
    due = [goods + own for own in map(sub, limits, nets)]
    if [*names] != sorted(names):
        _refuse("order", names, "members stand by id")
    if [*deal.landed_minor] != due:
        _refuse("landed_minor", names, "each pays the goods and his own lines")
    if [*deal.amount_minor] != [*map(mul, due, lots)]:
        _refuse("amount_minor", names, "each pays his lots at his landed price")
    if goods > min(nets):
        _refuse("limit", names, f"somebody accepts no more than {min(nets)}, not {goods}")
    if len(lots) != len(names) or min(lots) < 1:
        _refuse("lots", names, "there is a member without lots")
    if sum(lots) != total:
        _refuse("lots", names, f"members take {sum(lots)}, not {total}")
    if total % supply.pack:
        _refuse("pack", names, f"{total} lots are no whole packs")
    earned = supply.earned(total)
    if earned != goods:
        _refuse("goods_minor", names, f"{total} lots earn {earned}")
    surplus = sum(map(mul, nets, lots)) - goods * total
    stretch = sorted(places)
    return Placed(supply, goods, places, tuple(lots), deal.round, firm, stretch, surplus)


def _check_members(book: Book, law: Law, pool: Placed, name: str) -> None:
    smallest, largest = book.sizes[pool.stretch[0]], book.sizes[pool.stretch[-1]]
    if largest * law.below > smallest * law.above:
        raise GuaranteeBroken("similarity", f"{smallest} and {largest} in the pool of {name}")
    groups = book.groups(pool.places)
    if groups < law.min_members:
        raise GuaranteeBroken("min_members", f"{groups} groups in the pool of {name}")


def _refuse(guarantee: str, names: Sequence[str], found: str) -> NoReturn:
    raise GuaranteeBroken(guarantee, f"in the pool of {names[0]} {found}")


def left_out(
    book: Book, law: Law, placed: Sequence[Placed], formed: Sequence[Placed]
) -> dict[str, str]:
    """Return everyone without a pool, with the first reason that is true of him."""
    left = [*filterfalse(places_in(placed).__contains__, range(len(book.ids)))]
    if not left:
        return {}
    ids = column_at(book.ids, left)
    if not book.supplies:
        return dict.fromkeys(ids, "no_offer")
    had = places_in(formed).intersection(left) if formed is not placed else set()
    prices = [price for supply in book.supplies for _, price in supply.breaks]
    # Where no break can be reached there is no price that a limit could be below.
    willing = [x for x in left if x not in had and (not prices or book.net[x] >= min(prices))]
    crowded = _crowded(book, law, willing)
    reasons = dict.fromkeys(ids, "limit_below_all_prices")
    reasons.update(dict.fromkeys([book.ids[x] for x in crowded], "break_not_reached"))
    reasons.update(dict.fromkeys([book.ids[x] for x in had], "capacity"))
    lonely = [*filterfalse(crowded.__contains__, willing)]
    near = _near_others(book, law) if lonely else ()
    for x in lonely:
        reasons[book.ids[x]] = "too_few_members" if near[x] else "no_similar_size"
    return reasons


def _crowded(book: Book, law: Law, places: Sequence[int]) -> set[int]:
    """Return the places within a stretch of similar size that has enough owner groups."""
    found: set[int] = set()
    if len(places) < law.min_members:
        return found
    crowds = crowds_of(book, law, places)
    marked = 0
    for start, stop in enumerate(stops_of(column_at(book.sizes, places), law)):
        if stop > marked and start < crowds[stop]:
            found.update(places[max(start, marked) : stop])
            marked = stop
    return found


def _near_others(book: Book, law: Law) -> list[bool]:
    """Tell for each place whether another owner group has a similar size.

    Going up, the next smaller size of another owner is the one before the run of an owner's
    own; going down, the next larger.
    """
    near = [False] * len(book.sizes)
    smaller: int | None = None
    for x, size in enumerate(book.sizes):
        if x and book.owners[x - 1] != book.owners[x]:
            smaller = book.sizes[x - 1]
        near[x] = smaller is not None and size * law.below <= smaller * law.above
    larger: int | None = None
    for x in range(len(book.sizes) - 2, -1, -1):
        if book.owners[x + 1] != book.owners[x]:
            larger = book.sizes[x + 1]
        if larger is not None and larger * law.below <= book.sizes[x] * law.above:
            near[x] = True
    return near
