"""The circular-trade screen: goods that come back to where they were feed no price.

Owner groups are nodes, settled deals of the window are arrows from seller to buyer. A new
deal whose buyer's group has, over any number of hands, sold to the seller's group closes a
circle: a buy-back, a carousel, or trade within one owner.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from aggregator.market import Unit

WINDOW = timedelta(days=90)


async def circular(
    unit: Unit, instrument_id: str, *, buyer_group: str, seller_group: str, settled_at: datetime
) -> str | None:
    """Return the reason to park a deal, or None.

    `same_owner`: both sides have one beneficial owner. `closed_cycle`: within 90 days the
    buyer's group sold the instrument, directly or through others, to the seller's group.
    """
    if buyer_group == seller_group:
        return "same_owner"
    arrows: dict[str, set[str]] = defaultdict(set)
    for row in await unit.rows(
        "select distinct seller_group, buyer_group from price_deal"
        " where instrument_id = $1 and settled_at > $2",
        instrument_id,
        settled_at - WINDOW,
    ):
        arrows[row["seller_group"]].add(row["buyer_group"])
    reached, edge = {buyer_group}, [buyer_group]
    while edge:
        for group in arrows[edge.pop()] - reached:
            reached.add(group)
            edge.append(group)
    return "closed_cycle" if seller_group in reached else None
