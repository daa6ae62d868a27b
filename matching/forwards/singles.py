"""What a buyer's lots would cost alone: the best single offer, with nobody else's volume.

The rule: of all offers that could serve the lots by themselves, the one that asks the least
in total; its steps are taken cheapest first in each tenor, and its rebate counts only if
the buyer's own total reaches the break. No offer may be combined with another.

Guarantees: exact; the total never rises when an offer is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matching.forwards.orders import Offer


def single_cost(lots: Mapping[str, int], offers: Sequence[Offer]) -> int | None:
    """Return the least total in minor units for `lots` (tenor → lots) from one offer alone.

    None where no offer could serve them: too few lots for its minimum, too many for its
    steps or capacity.
    """
    costs = [cost for offer in offers if (cost := _cost(lots, offer)) is not None]
    return min(costs, default=None)


def _cost(lots: Mapping[str, int], offer: Offer) -> int | None:
    whole = sum(lots.values())
    if not offer.min_total <= whole <= offer.capacity:
        return None
    asked = 0
    for tenor, wanted in lots.items():
        steps = sorted((step.price_minor, step.lots) for step in offer.steps if step.tenor == tenor)
        for price_minor, available in steps:
            taken = min(wanted, available)
            asked += taken * price_minor
            wanted -= taken
        if wanted:
            return None
    rebate = max((rebate for least, rebate in offer.breaks if whole >= least), default=0)
    return asked - rebate * whole
