"""The published value: a lower weighted median that no one group can pull far.

The rule: a deal weighs its lots × min(1, cap × all lots ÷ its buyer group's lots) × the
same for its seller group; the weights are exact and are not renormalised. The value is
the lowest price at which the weight reaches half of the total weight, rounded half to
even to the publication step.

Guarantees: depends on the set of deals only; one deal of 100 lots counts like two of 50;
scaling all lots changes nothing. Ties need no rule: at an exact half the lower price is
taken.

Source: for the weighted median, Edgeworth (1888), "On a new method of reducing
observations relating to several quantities", Philosophical Magazine 25.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from matching.index.batch import SettledDeal
from matching.money import Rounding, scaled


def weights(deals: Sequence[SettledDeal], cap: Fraction) -> tuple[list[int], int]:
    """Return each deal's weight as a numerator, and their common denominator.

    One denominator for all keeps a million deals in whole numbers: at most 1 ÷ cap
    groups a side are above the cap, so it stays small.
    """
    bought: dict[str, int] = defaultdict(int)
    sold: dict[str, int] = defaultdict(int)
    for deal in deals:
        bought[deal.buyer_group] += deal.lots
        sold[deal.seller_group] += deal.lots
    by_buyer, buyer_base = _factors(bought, cap)
    by_seller, seller_base = _factors(sold, cap)
    numerators = [
        deal.lots * by_buyer[deal.buyer_group] * by_seller[deal.seller_group] for deal in deals
    ]
    return numerators, buyer_base * seller_base


def lower_median(prices: Sequence[int], weights: Sequence[int]) -> int:
    """Return the lowest price at which the weight reaches half of the total.

    Raises:
        ValueError: no weight is positive.

    """
    half = sum(weights)
    if half <= 0:
        raise ValueError("a median needs a positive weight")
    reached = 0
    for price, weight in sorted(zip(prices, weights, strict=True)):
        reached += weight
        if 2 * reached >= half:
            return price
    raise AssertionError("the weights add up to their total")


def to_step(price_minor: int, step_minor: int) -> int:
    """Round half to even to a whole number of publication steps."""
    return step_minor * scaled(price_minor, 1, step_minor, Rounding.HALF_EVEN)


def _factors(lots: dict[str, int], cap: Fraction) -> tuple[dict[str, int], int]:
    """Return min(1, cap × all ÷ own) of each group over one denominator."""
    reach = cap.numerator * sum(lots.values())
    own = {group: cap.denominator * held for group, held in lots.items()}
    base = lcm(*(held for held in own.values() if held > reach))
    return {g: reach * (base // held) if held > reach else base for g, held in own.items()}, base
