"""One cell as the checker of group buys sees it: rows in order, supplies, and deals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from matching.clearing.form import GuaranteeBroken, require


class Law(NamedTuple):
    """The rules of an instance: sizes may differ by `above` ÷ `below` at most."""

    above: int
    below: int
    min_members: int
    objective: str


class Supply(NamedTuple):
    """An offer with the breaks that its capacity can reach; supplies are ordered by (seq, id)."""

    seq: int
    id: str
    capacity: int
    pack: int
    breaks: Sequence[tuple[int, int]]

    def earned(self, lots: int) -> int:
        """Return the price that a total within the capacity earns, or 0."""
        price = 0
        for least, goods in self.breaks:
            if least > lots:
                break
            price = goods
        return price

    def total(self, price: int, firm: int, most: int) -> int:
        """Return the least total of whole packs between `firm` and `most` at a price, or 0."""
        for least, goods in self.breaks:
            if goods == price:
                total = firm if firm > least else least
                total += -total % self.pack
                return total if total <= most and self.earned(total) == price else 0
        return 0


def supply_of(offer: Any) -> Supply:
    """Return an offer, the fields as attributes, without the breaks that no capacity reaches.

    The most that it can sell are the whole packs within its capacity.
    """
    most = offer.capacity - offer.capacity % offer.pack
    breaks = [(lots, price) for lots, price in offer.breaks if lots <= most]
    return Supply(offer.seq, offer.id, offer.capacity, offer.pack, breaks)


class Deal(NamedTuple):
    """A pool as a result states it, its members as columns; the market's own pools will do too."""

    offer: str
    goods_minor: int
    lots: int
    pledges: Sequence[str]
    member_lots: Sequence[int]
    landed_minor: Sequence[int]
    amount_minor: Sequence[int]
    round: int


class Placed(NamedTuple):
    """A deal whose terms were checked: its supply, and its members' places in the order.

    `firm` are the lots that members pledged; `stretch` are the places, ascending.
    """

    supply: Supply
    price: int
    places: Sequence[int]
    lots: Sequence[int]
    round: int
    firm: Sequence[int] = ()
    stretch: Sequence[int] = ()
    surplus: int = 0


class Book(NamedTuple):
    """The pledges of a cell in the order of (size, seq, id), as columns."""

    sizes: Sequence[int]
    seqs: Sequence[int]
    tiers: Sequence[int]  # Empty, where nobody is above the first.
    ids: Sequence[str]
    owners: Sequence[str]  # The ids, where all owners differ.
    lots: Sequence[int]
    spare: Sequence[int]
    limit: Sequence[int]
    net: Sequence[int]
    place: dict[str, int]
    supplies: list[Supply]
    has_twins: bool
    has_packs: bool
    has_spare: bool
    has_shared: bool  # Several breaks ask the same price.

    def require_ample(self, deals: Sequence[Deal]) -> None:
        for supply, used in self._used(deals):
            if used > supply.capacity:
                raise GuaranteeBroken("capacity", f"{supply.id} sells {used} of {supply.capacity}")

    def require_short(self, deals: Sequence[Deal]) -> None:
        is_short = any(used > supply.capacity for supply, used in self._used(deals))
        require(is_short, "capacity", "rationed though there is enough")

    def turn(self, place: int) -> tuple[int, int]:
        """Return who goes first among equals: the higher tier, then the earlier place."""
        return (-self.tiers[place] if self.tiers else 0), place

    def groups(self, places: Sequence[int]) -> int:
        if not self.has_twins:
            return len(places)
        return len({self.owners[place] for place in places})

    def most_lots(self, formed: Sequence[Placed]) -> int:
        """Return what no assignment can exceed: all that members would take, or all capacity."""
        wanted = sum(self.lots[x] + self.spare[x] for pool in formed for x in pool.places)
        return min(wanted, sum(supply.capacity for supply in self.supplies))

    def _used(self, deals: Sequence[Deal]) -> list[tuple[Supply, int]]:
        lots: dict[str, int] = {}
        for deal in deals:
            lots[deal.offer] = lots.get(deal.offer, 0) + deal.lots
        return [(supply, lots.get(supply.id, 0)) for supply in self.supplies]


def column_at(column: Any, places: Sequence[Any]) -> tuple[Any, ...]:
    """Return what a column (or a table) has at these places, at least one."""
    found = itemgetter(*places)(column)
    return found if len(places) > 1 else (found,)


def columns_at(columns: Iterable[Any], places: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return what each column has at these places, at least one."""
    if len(places) == 1:
        return [(column[places[0]],) for column in columns]
    return [*map(itemgetter(*places), columns)]


def places_in(pools: Iterable[Placed]) -> set[int]:
    """Return the places of all members of some pools."""
    found: set[int] = set()
    found.update(*[pool.places for pool in pools])
    return found


_ORDER = attrgetter("size", "seq", "id")
_SIZE = attrgetter("size")


def book_of(
    pledges: Sequence[Any], supplies: Sequence[Supply], *, as_arrived: bool = False
) -> Book:
    """Return the book of a cell; a pledge has the fields of the instance as attributes.

    Pledges that come as they arrived, by `seq`, need to be sorted by size only.
    """
    rows = sorted(pledges, key=_SIZE if as_arrived else _ORDER)
    ids = [row.id for row in rows]
    has_twins = len({row.owner for row in rows}) < len(rows)
    spare = [row.tolerance for row in rows]
    has_spare = any(spare)
    tiers = [row.tier for row in rows]
    prices = [price for supply in supplies for _, price in supply.breaks]
    return Book(
        sizes=[row.size for row in rows],
        seqs=[row.seq for row in rows] if has_spare else (),
        tiers=tiers if any(tiers) else (),
        ids=ids,
        owners=[row.owner for row in rows] if has_twins else ids,
        lots=[row.lots for row in rows],
        spare=spare,
        limit=[row.limit_minor for row in rows],
        net=[row.limit_minor - row.freight_minor - row.term_minor - row.fee_minor for row in rows],
        place=dict(zip(ids, range(len(ids)), strict=True)),
        supplies=sorted(supplies),
        has_twins=has_twins,
        has_packs=max([supply.pack for supply in supplies], default=1) > 1,
        has_spare=has_spare,
        has_shared=len(set(prices)) < len(prices),
    )
