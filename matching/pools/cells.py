"""One cell's pledges as columns, in the order of (size, seq, id)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter, sub
from typing import Any, NamedTuple

from matching.pools.values import Pledge

_SIZE = attrgetter("size")
_PLACE = attrgetter("size", "seq", "id")


@dataclass(frozen=True, slots=True)
class Cell:
    """The pledges of a cell; a place is an index into its columns.

    `own_minor` are a pledge's own lines (freight, term, fee) and `net_minor` its limit less
    those, per lot. `tolerances` is None when nobody has any, and then `seqs` is empty;
    `owners` is None when all of them differ, `tiers` when none is above the first.
    """

    sizes: list[int]
    seqs: list[int]
    ids: list[str]
    lots: list[int]
    own_minor: list[int]
    net_minor: list[int]
    all_owners: list[str]
    tolerances: list[int] | None
    owners: list[str] | None
    tiers: list[int] | None

    def insert(self, place: int, pledge: Pledge) -> None:
        """Put a pledge in; its tolerance, owner and tier must not ask for columns that lack."""
        own = pledge.freight_minor + pledge.term_minor + pledge.fee_minor
        self.sizes.insert(place, pledge.size)
        self.ids.insert(place, pledge.id)
        self.lots.insert(place, pledge.lots)
        self.own_minor.insert(place, own)
        self.net_minor.insert(place, pledge.limit_minor - own)
        self.all_owners.insert(place, pledge.owner)  # `owners`, if any, is the same column.
        if self.tolerances is not None:
            self.seqs.insert(place, pledge.seq)
            self.tolerances.insert(place, pledge.tolerance)
        if self.tiers is not None:
            self.tiers.insert(place, pledge.tier)

    def remove(self, place: int) -> None:
        """Take a pledge out."""
        for column in (self.sizes, self.ids, self.lots, self.own_minor, self.net_minor):
            del column[place]
        del self.all_owners[place]
        if self.tolerances is not None:
            del self.seqs[place]
            del self.tolerances[place]
        if self.tiers is not None:
            del self.tiers[place]

    def in_turn(self, places: Iterable[int]) -> list[int]:
        """Return places in the order in which odd lots go to equals: tier, then the list's."""
        return sorted(places, key=lambda place: (self.order_of_tier(place), place))

    def order_of_tier(self, place: int) -> int:
        """Return what is less for who goes first among equals by his tier."""
        return 0 if self.tiers is None else -self.tiers[place]


def picking(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what takes these places, at least one, of any column: the fastest way there is."""
    if len(places) == 1:
        place = places[0]
        return lambda column: (column[place],)
    return itemgetter(*places)


class Formed(NamedTuple):
    """A pool before it is written out: the offer's rank and the members' places, ascending."""

    rank: int
    price_minor: int
    places: Sequence[int]
    round: int

    def firm_surplus_minor(self, cell: Cell) -> int:
        """Return Σ (net limit − price) × firm lots."""
        net, price = cell.net_minor, self.price_minor
        return sum((net[place] - price) * cell.lots[place] for place in self.places)


def cell_of(pledges: Sequence[Pledge], *, as_arrived: bool = False) -> Cell:
    """Return the columns of one cell's pledges.

    Pledges that come as they arrived, by `seq`, need to be sorted by size only.
    """
    ordered = sorted(pledges, key=_SIZE if as_arrived else _PLACE)
    owners = [pledge.owner for pledge in ordered]
    tolerances = [pledge.tolerance for pledge in ordered]
    own = [pledge.freight_minor + pledge.term_minor + pledge.fee_minor for pledge in ordered]
    tiers = [pledge.tier for pledge in ordered]
    return Cell(
        [pledge.size for pledge in ordered],
        [pledge.seq for pledge in ordered] if any(tolerances) else [],
        [pledge.id for pledge in ordered],
        [pledge.lots for pledge in ordered],
        own,
        [*map(sub, [pledge.limit_minor for pledge in ordered], own)],
        owners,
        tolerances if any(tolerances) else None,
        None if len(set(owners)) == len(owners) else owners,
        tiers if any(tiers) else None,
    )
