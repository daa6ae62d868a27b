"""Dividing what is scarce: whole lots among claims, and a shortfall among members.

Rule. `uniform` is the uniform rule (constrained equal awards) in whole lots: nobody gets more
than he claims, those below full get the same, and the odd lots go one each, in list order, to
claims not yet full. `pro_rata` divides in proportion to the claims by largest remainder. A
claim whose minimum cannot be met is dropped, the smallest first and the latest first among
equals, and the rule starts again.

Guarantees. The awards add up to the smaller of the capacity and what is claimed by those not
dropped; no award exceeds its claim. Under `uniform` nobody gains by claiming more than he
wants, which is not so under `pro_rata`.

Ties. List order, which the caller makes total.

Source. Sprumont (1991), "The division problem with single-peaked preferences"; Ching (1992);
largest remainders are Hamilton's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from matching.money import split

Rule = Literal["uniform", "pro_rata"]


class Claim(NamedTuple):
    """What one party asks of a scarce capacity, in lots; below `min_lots` he takes none."""

    lots: int
    min_lots: int = 0


def ration(claims: Sequence[Claim], capacity: int, rule: Rule = "uniform") -> list[int]:
    """Return the award of each claim, in the order of the claims; a dropped claim gets 0."""
    awards = [0] * len(claims)
    standing = list(range(len(claims)))
    if all(claim.min_lots <= 1 for claim in claims):
        standing = _first_served(claims, standing, capacity, rule)
    while standing:
        shares = _divided([claims[i].lots for i in standing], capacity, rule)
        unmet = [i for i, share in zip(standing, shares, strict=True) if share < claims[i].min_lots]
        if not unmet:
            for i, share in zip(standing, shares, strict=True):
                awards[i] = share
            break
        standing.remove(min(unmet, key=lambda i: (claims[i].lots, -i)))
    return awards


def equal_awards(wanted: Sequence[int], capacity: int) -> list[int]:
    """Return the uniform rule's awards where nobody takes less than one lot.

    With fewer lots than claims the first ones of the list get one each.
    """
    if capacity >= sum(wanted):
        return list(wanted)
    if capacity >= len(wanted):
        return _equal_awards(wanted, capacity)
    return [1] * capacity + [0] * (len(wanted) - capacity)


def reduced_to(quantities: Sequence[int], delivered: int) -> list[int]:
    """Divide a delivery that falls short, pro rata to firm quantity, by largest remainder.

    The price stays at the break that was earned: a shortfall is not the members' doing.
    """
    return _divided(quantities, delivered, "pro_rata")


def _first_served(
    claims: Sequence[Claim], standing: list[int], capacity: int, rule: Rule
) -> list[int]:
    """Drop at once what the rule would drop one by one when lots are fewer than claims.

    With minima of at most one lot and less than one lot a head, equal awards give one lot to
    the first `capacity` claims of the list; the rest, if they have a minimum, never get it.
    """
    if rule == "pro_rata" or capacity >= len(standing):
        return standing
    if any(claims[i].min_lots == 0 or claims[i].lots == 0 for i in standing):
        return standing
    return standing[:capacity]


def _divided(wanted: Sequence[int], capacity: int, rule: Rule) -> list[int]:
    if capacity >= sum(wanted):
        return list(wanted)
    if rule == "pro_rata":
        return split(capacity, wanted)
    return _equal_awards(wanted, capacity)


def _equal_awards(wanted: Sequence[int], capacity: int) -> list[int]:
    left, level, odd = capacity, 0, 0
    ascending = sorted(wanted)
    for i, want in enumerate(ascending):
        heads = len(ascending) - i
        if want * heads > left:
            level, odd = divmod(left, heads)
            break
        left -= want
    awards = [min(want, level) for want in wanted]
    for i, want in enumerate(wanted):
        if odd and want > level:
            awards[i] += 1
            odd -= 1
    return awards
