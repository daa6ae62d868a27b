"""Amounts as whole minor units: exact sums, one named rounding, splits that add up."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

MAX_TOTAL_MINOR = 10**15


class Rounding(Enum):
    """How the one division at the end of a formula is rounded."""

    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


def scaled(amount_minor: int, numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return amount × numerator ÷ denominator, rounded once.

    `DOWN` is towards minus infinity, `UP` towards plus infinity, `HALF_EVEN` to the
    nearest with ties to the even unit.

    Raises:
        ValueError: the denominator is not positive.

    """
    if denominator <= 0:
        raise ValueError(f"denominator must be positive: {denominator}")
    quotient, left = divmod(amount_minor * numerator, denominator)
    match rounding:
        case Rounding.DOWN:
            return quotient
        case Rounding.UP:
            return quotient + (left > 0)
        case Rounding.HALF_EVEN:
            double = 2 * left
            is_up = double > denominator or (double == denominator and quotient % 2 == 1)
            return quotient + is_up


def split(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split a total in proportion to `weights`, losing no minor unit.

    Largest remainders (Hamilton's method): every share is less than one unit off its
    exact quota, a zero weight gets zero, equal remainders favour the earlier weight, and
    a negative total is split as its absolute value and negated.

    Raises:
        ValueError: a weight is negative, or none is positive.

    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError(f"weights must be non-negative with a positive sum: {list(weights)}")
    if total_minor < 0:
        return [-share for share in split(-total_minor, weights)]
    shares = [total_minor * weight // whole for weight in weights]
    remainders = [total_minor * weight % whole for weight in weights]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-remainders[i], i))
    for i in by_remainder[: total_minor - sum(shares)]:
        shares[i] += 1
    return shares
