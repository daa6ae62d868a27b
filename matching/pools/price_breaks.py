"""The prices of a cell, deepest first: the lower envelope of its suppliers' schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matching.pools.values import Offer

NEVER = 1 << 62


class Option(NamedTuple):
    """One offer's break at a level's price: lawful for totals in `[from_lots, below_lots)`.

    `rank` is the offer's place by (seq, id); totals are multiples of `pack`.
    """

    rank: int
    from_lots: int
    below_lots: int
    pack: int

    def total(self, firm: int, tolerance: int) -> int:
        """Return the least lawful total of so many firm lots, or 0 where there is none."""
        wanted = firm if firm > self.from_lots else self.from_lots
        total = -(-wanted // self.pack) * self.pack
        return total if total <= firm + tolerance and total < self.below_lots else 0


class Level(NamedTuple):
    """One price and the offers that may give it, by rank."""

    price_minor: int
    options: tuple[Option, ...]
    is_plain: bool  # No packs: whatever reaches the least break is lawful.
    least_lots: int


def by_rank(offers: Sequence[Offer]) -> list[Offer]:
    """Return offers earliest first."""
    return sorted(offers, key=lambda offer: (offer.seq, offer.id))


def levels(ranked: Sequence[Offer]) -> list[Level]:
    """Return the levels worth looking at, deepest price first.

    A break that no whole packs within its offer's capacity reach is no price. Where a deeper
    price needs no more lots and no packs, nothing is left for a shallower one: it is off the
    envelope. So is a later offer's break where an earlier one gives the same price for no more
    lots.
    """
    steps = sorted(
        [
            (price, rank, lots)
            for rank, offer in enumerate(ranked)
            for lots, price in offer.breaks
            if offer.reaches(lots)
        ]
    )
    options: dict[int, list[Option]] = {}
    reached = NEVER
    for price, rank, lots in steps:
        if lots < reached:
            offer = ranked[rank]
            option = Option(rank, lots, _deeper_from(offer, price), offer.pack)
            options.setdefault(price, []).append(option)
            if offer.pack == 1:
                reached = lots
    return [
        Level(
            price,
            tuple(kept),
            max([option.pack for option in kept]) == 1,
            min([option.from_lots for option in kept]),
        )
        for price, kept in options.items()
    ]


def price_of(offer: Offer, lots: int) -> int | None:
    """Return the price that a total earns, or None below the first break."""
    earned = None
    for from_lots, price in offer.breaks:
        if from_lots > lots:
            break
        earned = price
    return earned


def reachable(offer: Offer) -> list[tuple[int, int, int]]:
    """Return (lots, price, lots from which a deeper price counts) of each break that counts."""
    found: list[tuple[int, int, int]] = []
    below = NEVER
    price_below = 0
    for lots, price in reversed(offer.breaks):
        if not offer.reaches(lots):
            continue
        if found and price == price_below:
            found.pop()
            below = NEVER if not found else found[-1][0]
        found.append((lots, price, below))
        below, price_below = lots, price
    return found


def _deeper_from(offer: Offer, price_minor: int) -> int:
    """Return the lots from which an offer's price is deeper than this one."""
    for lots, price in offer.breaks:
        if price < price_minor and offer.reaches(lots):
            return lots
    return NEVER
