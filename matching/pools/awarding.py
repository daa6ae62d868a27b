"""From a set of members to a pool: its total, who takes how much, and the price it earns."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

from matching.money import split
from matching.pools.cells import Cell, Formed, picking
from matching.pools.price_breaks import Option, price_of, reachable
from matching.pools.sharing import equal_awards
from matching.pools.values import Offer, Pool


class Awarded(NamedTuple):
    """A pool with lots: `places` in the order of (size, seq, id) and the lots of each."""

    rank: int
    price_minor: int
    places: Sequence[int]
    lots: Sequence[int]
    round: int

    @property
    def total(self) -> int:
        return sum(self.lots)

    def surplus_minor(self, cell: Cell) -> int:
        """Return Σ (net limit − price) × lots."""
        worth: int = sum(map(mul, picking(self.places)(cell.net_minor), self.lots))
        return worth - self.price_minor * self.total


def awarded(cell: Cell, formed: Formed, offer: Offer) -> Awarded:
    """Return a formed pool with the least tolerance that its break and pack need."""
    rank, price, places, number = formed
    lots: Sequence[int] = picking(places)(cell.lots)
    if cell.tolerances is not None or offer.pack > 1:
        more = total_at(cell, places, offer, price) - sum(lots)
        if more:
            lots = _with_tolerance(cell, places, lots, more)
    return Awarded(rank, price, places, lots, number)


def total_at(cell: Cell, places: Sequence[int], offer: Offer, price_minor: int) -> int:
    """Return the least lawful total of these members at this price of the offer, or 0."""
    firm = sum(cell.lots[place] for place in places)
    most = 0 if cell.tolerances is None else sum(cell.tolerances[place] for place in places)
    for from_lots, price, below in reachable(offer):
        if price == price_minor:
            return Option(0, from_lots, below, offer.pack).total(firm, most)
    return 0


def wish(cell: Cell, formed: Formed, rank: int, offer: Offer, min_members: int) -> Awarded | None:
    """Return what a pool gets of an offer that it need not share: its deepest lawful price."""
    for _, price, _ in sorted(reachable(offer), key=lambda found: found[1]):
        places = [place for place in formed.places if cell.net_minor[place] >= price]
        if groups(cell, places) >= min_members and total_at(cell, places, offer, price):
            return awarded(cell, Formed(rank, price, places, formed.round), offer)
    return None


def rationed(
    cell: Cell, wishes: Sequence[Awarded], offer: Offer, min_members: int
) -> list[Awarded | None]:
    """Divide an offer's capacity among the pools that wish for more than there is.

    All members claim under the uniform rule, odd lots go to higher tiers first; a pool's lots are
    cut to whole packs and spare packs go to the first pools below their wish. A pool pays what
    its lots earn: members who do not accept that drop out, as does a pool of too few, and the
    division starts again.
    A pool left with nobody is None.
    """
    standing = [dict(zip(pool.places, pool.lots, strict=True)) for pool in wishes]
    while True:
        lots = _divided(cell, standing, offer)
        lost = False
        for members, shares in zip(standing, lots, strict=True):
            price = price_of(offer, sum(shares.values()))
            accepting = {
                place
                for place, share in shares.items()
                if share and price is not None and cell.net_minor[place] >= price
            }
            if groups(cell, accepting) < min_members:
                accepting = set()
            for place in list(members):
                if place not in accepting:
                    del members[place]
                    lost = True
        if not lost:
            return [_priced(*pair, offer) for pair in zip(wishes, lots, strict=True)]


def groups(cell: Cell, places: Sequence[int] | set[int]) -> int:
    """Return how many owner groups stand behind these places."""
    if cell.owners is None:
        return len(places)
    return len({cell.owners[place] for place in places})


def written(cell: Cell, pool: Awarded, offer: Offer) -> Pool:
    """Return a pool with each member's landed price and amount, members by id."""
    price = pool.price_minor
    pick = picking(pool.places)
    names = pick(cell.ids)
    sort = picking(sorted(range(len(names)), key=names.__getitem__))
    ids, lots = sort(names), sort(pool.lots)
    landed = tuple([price + own for own in sort(pick(cell.own_minor))])
    amounts = tuple(map(mul, lots, landed))
    return Pool(offer.id, price, sum(lots), ids, lots, landed, amounts, pool.round)


def _with_tolerance(cell: Cell, places: Sequence[int], lots: Sequence[int], more: int) -> list[int]:
    """Add tolerance lots pro rata to tolerance.

    Equal remainders favour the higher tier, then the earlier `seq`.
    """
    assert cell.tolerances is not None
    spare = cell.tolerances

    def turn(k: int) -> tuple[int, int, str]:
        place = places[k]
        return cell.order_of_tier(place), cell.seqs[place], cell.ids[place]

    order = sorted(range(len(places)), key=turn)
    extra = split(more, [spare[places[k]] for k in order])
    filled = list(lots)
    for k, added in zip(order, extra, strict=True):
        filled[k] += added
    return filled


def _divided(cell: Cell, standing: Sequence[dict[int, int]], offer: Offer) -> list[dict[int, int]]:
    claims = {place: lots for members in standing for place, lots in members.items()}
    share_of = _shared(cell, claims, offer.capacity)
    if offer.pack == 1:
        return [{place: share_of[place] for place in sorted(members)} for members in standing]
    totals = _whole_packs(standing, share_of, offer)
    divided = []
    for members, total in zip(standing, totals, strict=True):
        own = _shared(cell, members, total)
        divided.append({place: own[place] for place in sorted(members)})
    return divided


def _shared(cell: Cell, claims: dict[int, int], capacity: int) -> dict[int, int]:
    """Return equal awards, the odd lots to the first in turn."""
    turn = cell.in_turn(claims)
    return dict(zip(turn, equal_awards([claims[place] for place in turn], capacity), strict=True))


def _whole_packs(
    standing: Sequence[dict[int, int]], share_of: dict[int, int], offer: Offer
) -> list[int]:
    """Return each pool's lots in whole packs, spare packs going to the first pools in need."""
    pack = offer.pack
    totals = [sum(share_of[x] for x in members) // pack * pack for members in standing]
    spare = (offer.capacity - sum(totals)) // pack
    for k, members in enumerate(standing):
        wanted = min(spare, (sum(members.values()) - totals[k]) // pack)
        totals[k] += wanted * pack
        spare -= wanted
    return totals


def _priced(pool: Awarded, shares: dict[int, int], offer: Offer) -> Awarded | None:
    price = price_of(offer, sum(shares.values()))
    if price is None:
        return None
    return pool._replace(price_minor=price, places=list(shares), lots=list(shares.values()))
