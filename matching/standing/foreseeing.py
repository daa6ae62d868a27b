"""What would move a firm: its score if this or that came, and the shortest way up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from matching.standing.rulebook import (
    CLAIMS,
    DELIVERY,
    FORECAST,
    PAYMENT,
    REFERRALS,
    TURNOVER,
    Rulebook,
)
from matching.standing.scoring import Mark, Score, score

MONTH = timedelta(days=30)
MOST_DEALS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What might come: counts of deals and broken promises, and months that pass before.

    `amount_minor` is the goods' value of each supposed deal.
    """

    bought: int = 0
    sold: int = 0
    unpaid: int = 0
    late: int = 0
    claims: int = 0
    referred: int = 0
    months: int = 0
    amount_minor: int = 0


def supposing(
    marks: Collection[Mark],
    book: Rulebook,
    now: datetime,
    supposed: Supposed,
    *,
    monthly_lots: int,
    review_tenths: int | None = None,
) -> Score:
    """Return the score after the months, with what is supposed to come at their end."""
    then = now + MONTH * supposed.months
    return score(
        [*marks, *_marks(supposed, then)],
        book,
        then,
        monthly_lots=monthly_lots,
        review_tenths=review_tenths,
    )


def deals_to(
    marks: Collection[Mark],
    book: Rulebook,
    now: datetime,
    least: int,
    *,
    is_seller: bool,
    monthly_lots: int,
    review_tenths: int | None = None,
) -> int | None:
    """Return how many deals, kept in every way and settled now, reach a score; None beyond 60.

    They are counted without their value, so that the number holds for any.
    """

    def points(count: int) -> int:
        ahead = Supposed(sold=count) if is_seller else Supposed(bought=count)
        return supposing(
            marks, book, now, ahead, monthly_lots=monthly_lots, review_tenths=review_tenths
        ).points

    counts = range(1, MOST_DEALS + 1)
    place = bisect_left(counts, least, key=points)
    return counts[place] if place < len(counts) else None


def _marks(supposed: Supposed, at: datetime) -> list[Mark]:
    traded = [Mark(TURNOVER, is_kept=True, at=at, amount_minor=supposed.amount_minor)]
    kept = [
        *[Mark(axis, is_kept=True, at=at) for axis in (PAYMENT, FORECAST)] * supposed.bought,
        *[Mark(axis, is_kept=True, at=at) for axis in (DELIVERY, CLAIMS, FORECAST)] * supposed.sold,
        *traded * (supposed.bought + supposed.sold),
        *[Mark(REFERRALS, is_kept=True, at=at)] * supposed.referred,
    ]
    broken = [
        *[Mark(PAYMENT, is_kept=False, at=at)] * supposed.unpaid,
        *[Mark(DELIVERY, is_kept=False, at=at)] * supposed.late,
        *[Mark(CLAIMS, is_kept=False, at=at)] * supposed.claims,
    ]
    return [*kept, *broken]
