"""One cell's pledges as columns, and the pools that the objective forms of them.

Rule (`stable`, the cascade). Deepest price first: among pledges still open whose net limit
reaches it, the windows with the most firm lots are closed at that price, again and again
until there are none; then the next price.

Guarantees while capacity does not bind. One goods price in a pool, the one its total earns,
within every member's net limit. After a price nobody still open can form a lawful window at
it, so no lawful group would all pay less by leaving. Who is in a window at a price depends on
limits only through "accepts this price or not", and deeper prices come first: whoever hides
that he accepts a price is left with nothing from there on, whoever pretends to accept it pays
above his limit. So no false limit gains, alone or together. Choosing by surplus would break it.

Source. `study`: top coalitions under a common ranking (Farrell and Scotchmer 1988; Banerjee,
Konishi and Sönmez 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from matching.pools.price_breaks import Level
from matching.pools.values import Pledge
from matching.pools.windows import Line, Shape, fullest

_COLUMNS = attrgetter(
    *("size", "seq", "id", "owner", "lots", "tolerance"),
    *("limit_minor", "freight_minor", "term_minor", "fee_minor"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The pledges of a cell in the order of (size, seq, id).

    `own_minor` are a pledge's own lines (freight, term, fee) and `net_minor` its limit less
    those, per lot. `tolerances` and `owners` are None where they do not matter.
    """

    sizes: Sequence[int]
    seqs: Sequence[int]
    ids: Sequence[str]
    lots: Sequence[int]
    own_minor: Sequence[int]
    net_minor: Sequence[int]
    all_owners: Sequence[str]
    tolerances: Sequence[int] | None
    owners: Sequence[str] | None

    def line(self, places: Sequence[int]) -> Line:
        """Return the columns that a choice of windows looks at, for these places."""
        if len(places) == len(self.ids):
            return Line(self.sizes, self.lots, self.ids, self.tolerances, self.owners)
        return Line(
            [self.sizes[x] for x in places],
            [self.lots[x] for x in places],
            [self.ids[x] for x in places],
            None if self.tolerances is None else [self.tolerances[x] for x in places],
            None if self.owners is None else [self.owners[x] for x in places],
        )


class Formed(NamedTuple):
    """A pool before prices are written out: the offer's rank and the members' places."""

    rank: int
    price_minor: int
    places: Sequence[int]
    round: int

    def firm_surplus_minor(self, cell: Cell) -> int:
        """Return Σ (net limit − price) × firm lots."""
        net, price = cell.net_minor, self.price_minor
        return sum((net[place] - price) * cell.lots[place] for place in self.places)


def cell_of(pledges: Sequence[Pledge]) -> Cell:
    """Return the columns of one cell's pledges."""
    rows = sorted(map(_COLUMNS, pledges))
    sizes, seqs, ids, owners, lots, tolerances, limits, freights, terms, fees = zip(
        *rows, strict=True
    )
    own = [f + t + e for f, t, e in zip(freights, terms, fees, strict=True)]
    return Cell(
        sizes,
        seqs,
        ids,
        lots,
        own,
        [limit - lines for limit, lines in zip(limits, own, strict=True)],
        owners,
        tolerances if any(tolerances) else None,
        None if len(set(owners)) == len(owners) else owners,
    )


def cascade(cell: Cell, levels: Sequence[Level], shape: Shape) -> list[Formed]:
    """Return the pools of a cell under the objective `stable`, capacities aside."""
    formed: list[Formed] = []
    still_open: Sequence[int] = range(len(cell.ids))
    net = cell.net_minor
    round_number = 0
    for level in levels:
        price = level.price_minor
        accepting = [place for place in still_open if net[place] >= price]
        while len(accepting) >= shape.min_members:
            windows = fullest(cell.line(accepting), level, shape)
            if not windows:
                break
            round_number += 1
            taken: set[int] = set()
            for start, stop, rank in windows:
                members = accepting[start:stop]
                formed.append(Formed(rank, price, members, round_number))
                taken.update(members)
            still_open = [place for place in still_open if place not in taken]
            accepting = [place for place in accepting if place not in taken]
    return formed
