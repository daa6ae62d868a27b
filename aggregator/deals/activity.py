"""How many owner groups trade an instrument: a count, never a name."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.reading import Pool, Reader


async def active_groups(
    instrument_id: str, since: datetime, reader: Reader | None = None
) -> tuple[int, int]:
    """Return how many groups bought and how many sold in deals formed after `since`.

    Deals that came to nothing do not count.
    """
    found = await (reader or Pool()).rows(
        "select count(distinct buyer_group) as buyers, count(distinct seller_group) as sellers"
        " from deal where instrument_id = $1 and formed_at > $2"
        " and state not in ('lapsed', 'cancelled', 'defaulted')",
        instrument_id,
        since,
    )
    return found[0]["buyers"], found[0]["sellers"]
