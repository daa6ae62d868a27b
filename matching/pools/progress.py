"""What a member may see of a gathering pool: steps towards the next break, and his own prices.

Rule. The share of the next price break is told in bands of 10 %, rounded down, and only once
at least three owner groups are in; nobody sees others' volumes. Volume is that of all pledges
that could share a pool with the asker, whatever their limits: a band must not tell who accepts
which price. Everything shown before the close is provisional.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matching.pools.price_breaks import reachable
from matching.pools.values import Offer, Pledge, Rules

MIN_GROUPS = 3
BANDS = 10


class Progress(NamedTuple):
    """How far the gathered lots are on the way to a break.

    `goods_minor` is the price already earned, or None below the first break; `next_lots` and
    `next_goods_minor` are the next break, or None when the last one is reached. `percent` is
    the share of `next_lots` that is there, in steps of 10; 100 at the last break.
    """

    goods_minor: int | None
    next_lots: int | None
    next_goods_minor: int | None
    percent: int


class LandedAtBreak(NamedTuple):
    """What one pledge would pay a lot from this many lots on, and what it would save.

    `saving_minor` is a lot's limit less its landed price; below zero it does not accept.
    """

    from_lots: int
    goods_minor: int
    landed_minor: int
    saving_minor: int


def progress_steps(
    pledges: Iterable[Pledge], offers: Iterable[Offer], *, min_groups: int = MIN_GROUPS
) -> Progress | None:
    """Return how far these pledges are, or None while too few owner groups are in."""
    standing = list(pledges)
    if len({pledge.owner for pledge in standing}) < min_groups:
        return None
    lots = sum(pledge.lots for pledge in standing)
    earned: int | None = None
    for from_lots, price in best_breaks(offers):
        if from_lots > lots:
            percent = lots * BANDS // from_lots * (100 // BANDS)
            return Progress(earned, from_lots, price, percent)
        earned = price
    return Progress(earned, None, None, 100) if earned is not None else None


def landed_at_breaks(pledge: Pledge, offers: Iterable[Offer]) -> tuple[LandedAtBreak, ...]:
    """Return what a pledge would pay at each break of its cell, fewest lots first."""
    own = pledge.freight_minor + pledge.term_minor + pledge.fee_minor
    return tuple(
        LandedAtBreak(lots, price, price + own, pledge.limit_minor - price - own)
        for lots, price in best_breaks(offers)
    )


def best_breaks(offers: Iterable[Offer]) -> tuple[tuple[int, int], ...]:
    """Return the lower envelope of schedules: lots rise and prices fall from break to break."""
    found: list[tuple[int, int]] = []
    every = sorted((lots, price) for offer in offers for lots, price, _ in reachable(offer))
    for lots, price in every:
        if not found or price < found[-1][1]:
            found.append((lots, price))
    return tuple(found)


def similar_to(pledge: Pledge, others: Sequence[Pledge], rules: Rules) -> list[Pledge]:
    """Return the pledges of the same cell that may share a pool with this one, itself too."""
    above, below = rules.similarity
    return [
        other
        for other in others
        if other.cell == pledge.cell
        and max(other.size, pledge.size) * below <= min(other.size, pledge.size) * above
    ]
