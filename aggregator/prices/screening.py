"""What the circular-trade screen looks at: who sold to whom within its window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import datetime, timedelta

from aggregator.journal.reading import Reader

WINDOW = timedelta(days=90)


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
