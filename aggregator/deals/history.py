"""What a firm bought before, for its own eyes: its usual month and its last landed price.

Settled deals count, less what went back. Months are calendar months in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.journal.reading import Reader
from matching.money import Rounding, scaled

LOOKED_BACK = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What a firm paid per lot before tax, its freight and the market's fee included."""

    deal_id: str
    cell: str
    currency: str
    goods_minor: int
    freight_minor: int
    landed_minor: int
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Habit:
    """An instrument in a region that a firm buys, and its usual month of it."""

    instrument_id: str
    region: str
    monthly_lots: int


async def usual_month(
    reader: Reader, organisation_id: str, instrument_id: str, now: datetime
) -> int | None:
    """Return the usual monthly lots of a firm in an instrument, or None without history.

    What settled in the last 365 days is spread over the months from the first of it to now,
    both included, rounded half to even and at least 1.
    """
    found = await reader.rows(
        f"select {_SUMS} where {_OWN_SETTLED} and instrument_id = $2 having {_ANY}",
        organisation_id,
        instrument_id,
        now - LOOKED_BACK,
    )
    return _monthly(found[0], now) if found else None


async def habits(reader: Reader, organisation_id: str, now: datetime) -> list[Habit]:
    """Return what a firm bought in the last 365 days, in order of instrument and region."""
    found = await reader.rows(
        f"select instrument_id, region, {_SUMS} where {_OWN_SETTLED} and $2::text is null"
        f" group by instrument_id, region having {_ANY} order by instrument_id, region",
        organisation_id,
        None,
        now - LOOKED_BACK,
    )
    return [Habit(row["instrument_id"], row["region"], _monthly(row, now)) for row in found]


async def last_price(
    reader: Reader,
    organisation_id: str,
    instrument_id: str,
    region: str,
    *,
    not_from: str = "",
) -> OwnPrice | None:
    """Return the firm's last settled price of an instrument in a region, of any month.

    Deals of the source `not_from`, such as a pool that is compared with it, do not count.
    """
    found = await reader.rows(
        "select id, cell, currency, goods_minor, freight_minor, capital_minor,"
        " fee_of_lot(d) as fee_minor, settled_at from deal d"
        " where buyer_id = $1 and instrument_id = $2 and region = $3"
        " and state in ('settled', 'returned') and accepted_lots > returned_lots"
        " and source_id <> $4 order by settled_at desc, id desc limit 1",
        organisation_id,
        instrument_id,
        region,
        not_from,
    )
    return _own_price(found[0]) if found else None


_NET = "sum(accepted_lots - returned_lots)::bigint"
_SUMS = f"{_NET} as lots, min(settled_at) as since from deal"
_ANY = f"{_NET} > 0"
_OWN_SETTLED = "buyer_id = $1 and state in ('settled', 'returned') and settled_at > $3"


def _monthly(row: Mapping[str, Any], now: datetime) -> int:
    since = row["since"]
    months = (now.year - since.year) * 12 + now.month - since.month + 1
    return max(1, scaled(row["lots"], 1, months, Rounding.HALF_EVEN))


def _own_price(row: Mapping[str, Any]) -> OwnPrice:
    return OwnPrice(
        deal_id=row["id"],
        cell=row["cell"],
        currency=row["currency"],
        goods_minor=row["goods_minor"],
        freight_minor=row["freight_minor"],
        landed_minor=row["goods_minor"]
        + row["freight_minor"]
        + row["capital_minor"]
        + row["fee_minor"],
        settled_at=row["settled_at"],
    )
