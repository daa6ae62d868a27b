"""The circular-trade screen over the settled deals of a window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import datetime, timedelta

from aggregator.journal.reading import Reader
from matching.index.circles import Verdict, circle

WINDOW = timedelta(days=90)


async def circular(
    reader: Reader, instrument_id: str, *, buyer_group: str, seller_group: str, settled_at: datetime
) -> Verdict | None:
    """Return the reason to park a deal, or None.

    `same_owner`: both sides have one beneficial owner. `closed_cycle`: within 90 days the
    buyer's group sold the instrument, directly or through others, to the seller's group.
    """
    known = await sold_to(reader, instrument_id, settled_at - WINDOW)
    return circle(known, buyer_group=buyer_group, seller_group=seller_group)


async def sold_to(
    reader: Reader, instrument_id: str, since: datetime, *, but: str = ""
) -> Mapping[str, Set[str]]:
    """Return each seller's group with the groups it sold to after `since`, `but` for one deal."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in await reader.rows(
        "select distinct seller_group, buyer_group from price_deal"
        " where instrument_id = $1 and settled_at > $2 and deal_id <> $3",
        instrument_id,
        since,
        but,
    ):
        found[row["seller_group"]].add(row["buyer_group"])
    return found
