"""The circular-trade screen over the settled deals of a window."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from aggregator.market import Unit
from matching.index.circles import Verdict, circle

WINDOW = timedelta(days=90)


async def circular(
    unit: Unit, instrument_id: str, *, buyer_group: str, seller_group: str, settled_at: datetime
) -> Verdict | None:
    """Return the reason to park a deal, or None.

    `same_owner`: both sides have one beneficial owner. `closed_cycle`: within 90 days the
    buyer's group sold the instrument, directly or through others, to the seller's group.
    """
    sold_to: dict[str, set[str]] = defaultdict(set)
    for row in await unit.rows(
        "select distinct seller_group, buyer_group from price_deal"
        " where instrument_id = $1 and settled_at > $2",
        instrument_id,
        settled_at - WINDOW,
    ):
        sold_to[row["seller_group"]].add(row["buyer_group"])
    return circle(sold_to, buyer_group=buyer_group, seller_group=seller_group)
