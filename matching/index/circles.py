"""The circular-trade screen: goods that come back to where they were feed no price.

Owner groups are nodes, settled deals of the window are arrows from seller to buyer. A new
deal whose buyer's group has, over any number of hands, sold to the seller's group closes a
circle: a buy-back, a carousel, or trade within one owner.

Guarantee: the verdict depends on the set of arrows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Literal

Verdict = Literal["same_owner", "closed_cycle"]


def circle(
    sold_to: Mapping[str, Set[str]], *, buyer_group: str, seller_group: str
) -> Verdict | None:
    """Return why a deal must not feed a price, or None.

    `sold_to` maps a seller's group to the groups it sold the instrument to in the window.
    """
    if buyer_group == seller_group:
        return "same_owner"
    reached, edge = {buyer_group}, [buyer_group]
    while edge:
        for group in sold_to.get(edge.pop(), frozenset()) - reached:
            if group == seller_group:
                return "closed_cycle"
            reached.add(group)
            edge.append(group)
    return None
