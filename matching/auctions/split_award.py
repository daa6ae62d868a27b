"""Buying a volume from several suppliers whose price falls with the volume each is awarded.

Rule: each offer names prices from given volumes on (all lots at the price that the
*awarded* volume earns), a least and a largest volume. Of all ways to buy exactly `lots`
from at most `max_winners` suppliers, the cheapest is taken. Only with `surplus_lots` may
more be bought, where reaching a break makes the whole cheaper.

Guarantees: exact over all whole-lot splits; no supplier below his minimum, above his
capacity, or at a price that his volume does not earn.
Ties: the least volume bought, then the fewest suppliers, then the most lots to the
earlier offer, offer by offer.

Method: dynamic programming over offers, suppliers left and lots; each price range is a
sliding minimum, so the work is offers × ranges × winners × lots. The problem for one good
of Goossens, Maas, Spieksma and van de Klundert 2007.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from matching.auctions.refusals import BadRule
from matching.errors import RuleViolation

MAX_WORK = 200_000_000
NEVER = 10**18

Costs = list[int]


@dataclass(frozen=True, slots=True)
class VolumeOffer:
    """`breaks` are (from_lots, price_minor), rising; the first says the least volume."""

    id: str
    breaks: tuple[tuple[int, int], ...]
    capacity: int


@dataclass(frozen=True, slots=True)
class VolumeAward:
    offer: str
    lots: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class SplitAward:
    awards: tuple[VolumeAward, ...]
    lots: int
    total_minor: int


@dataclass(eq=False)
class VolumeNotReached(RuleViolation):
    """No lawful split of the offers makes up the volume."""

    code: ClassVar[str] = "volume_not_reached"
    lots: int
    offered_lots: int


def split_award(
    offers: Sequence[VolumeOffer], lots: int, *, max_winners: int, surplus_lots: int = 0
) -> SplitAward:
    """Buy `lots` as cheaply as the offers allow; offers come in the order of their seq.

    Raises:
        BadRule: the problem is too large to be solved exactly.
        VolumeNotReached: no split of the offers gives the volume.

    """
    most = lots + surplus_lots
    winners = min(max_winners, len(offers))
    ranges = [_ranges(offer, most) for offer in offers]
    work = sum(map(len, ranges)) * winners * (most + 1)
    if work > MAX_WORK:
        raise BadRule("lots", f"offers × ranges × winners × lots must stay below {MAX_WORK}", work)
    tables = _tables(ranges, winners, most)
    found = [
        (tables[0][count][volume], volume, count)
        for volume in range(lots, most + 1)
        for count in range(winners + 1)
    ]
    cost, volume, count = min(found, default=(NEVER, 0, 0))
    if cost >= NEVER:
        raise VolumeNotReached(lots, sum(offer.capacity for offer in offers))
    return SplitAward(_taken(offers, ranges, tables, volume, count), volume, cost)


def _ranges(offer: VolumeOffer, most: int) -> list[tuple[int, int, int]]:
    """Return (from, to, price) by falling volume; empty where nothing can be bought."""
    ends = [low - 1 for low, _ in offer.breaks[1:]] + [offer.capacity]
    found = [
        (max(1, low), min(end, offer.capacity, most), price)
        for (low, price), end in zip(offer.breaks, ends, strict=True)
    ]
    return [piece for piece in reversed(found) if piece[0] <= piece[1]]


def _tables(ranges: list[list[tuple[int, int, int]]], winners: int, most: int) -> list[list[Costs]]:
    """Return by offer, winners left and volume the least cost from that offer on."""
    nothing = [0] + [NEVER] * most
    tables = [[nothing] * (winners + 1)]
    for pieces in reversed(ranges):
        after = tables[-1]
        now = [after[0]]
        for count in range(1, winners + 1):
            best = list(after[count])
            for low, high, price in pieces:
                _slide(best, after[count - 1], low, high, price)
            now.append(best)
        tables.append(now)
    tables.reverse()
    return tables


def _slide(best: Costs, rest: Costs, low: int, high: int, price: int) -> None:
    """Lower `best` by buying low to high lots at the price and the rest from later offers."""
    window: deque[tuple[int, int]] = deque()
    for volume in range(low, len(best)):
        entering = volume - low
        if rest[entering] < NEVER:
            reduced = rest[entering] - price * entering
            while window and window[-1][0] >= reduced:
                window.pop()
            window.append((reduced, entering))
        while window and window[0][1] < volume - high:
            window.popleft()
        if window:
            cost = window[0][0] + price * volume
            if cost < best[volume]:
                best[volume] = cost


def _taken(
    offers: Sequence[VolumeOffer],
    ranges: list[list[tuple[int, int, int]]],
    tables: list[list[Costs]],
    volume: int,
    count: int,
) -> tuple[VolumeAward, ...]:
    awards: list[VolumeAward] = []
    for place, offer in enumerate(offers):
        taken = _most_lots(ranges[place], tables, place, volume, count)
        if taken is not None:
            awards.append(VolumeAward(offer.id, *taken))
            volume, count = volume - taken[0], count - 1
    return tuple(awards)


def _most_lots(
    pieces: list[tuple[int, int, int]],
    tables: list[list[Costs]],
    place: int,
    volume: int,
    count: int,
) -> tuple[int, int] | None:
    """Return the most lots, and their price, that this offer gives in a cheapest split."""
    if count == 0:
        return None
    cost, rest = tables[place][count][volume], tables[place + 1][count - 1]
    for low, high, price in pieces:
        for lots in range(min(high, volume), low - 1, -1):
            if rest[volume - lots] + price * lots == cost:
                return lots, price
    return None
