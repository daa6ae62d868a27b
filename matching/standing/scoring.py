"""The score of a firm: what it kept over twelve months, and, capped, what it traded.

Each *mark* says of one event that a promise was kept or broken. It weighs twelve in its first
twelfth of a year and one less in each later one; after a year it weighs nothing, so a score falls
by itself and rises again. An axis yields (kept − penalty × broken) ÷ (kept + broken), never less
than nothing; the axes that a firm has marks on are averaged by the book's weights, so who only
buys is not measured by deliveries. That average counts in full once there is evidence enough, in
proportion before. Turnover counts up to a cap that the firm's class of size sets. Nothing here is
an input to who wins on price.

All figures are whole; every division rounds down. The result is a function of the set of marks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from matching.money import Rounding, scaled
from matching.standing.rulebook import EFFORT, REFERRALS, REVIEWS, TURNOVER, Rulebook

PARTS = 12
YEAR = timedelta(days=365)
LEAST_MARK_TENTHS, MOST_MARK_TENTHS = 10, 50


@dataclass(frozen=True, slots=True)
class Mark:
    """One event of a firm on an axis: a promise kept, or broken; turnover has an amount."""

    axis: str
    is_kept: bool
    at: datetime
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What an axis is made of, in twelfths of fresh marks, and the points that come of it.

    `amount_minor` is turnover alone: what counts of it.
    """

    axis: str
    kept: int
    broken: int
    points: int
    most: int
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """Points of at most 1,000, their parts, and the tier they reach."""

    points: int
    tier: int
    parts: tuple[Part, ...]


def weight_at(at: datetime, now: datetime) -> int:
    """Return what a mark weighs: 12 when fresh, 0 after a year and before it was made."""
    age = now - at
    if age < timedelta(0) or age >= YEAR:
        return 0
    return PARTS - age * PARTS // YEAR


def score(
    marks: Collection[Mark],
    book: Rulebook,
    now: datetime,
    *,
    monthly_lots: int,
    review_tenths: int | None = None,
) -> Score:
    """Return the score of a firm.

    `monthly_lots` is its usual month, which sets its class; `review_tenths` the mean mark that
    other owner groups gave it, from 10 to 50 tenths, where enough of them gave one.
    """
    kept, broken = _weights(marks, now)
    rates = _rates(kept, broken, book.penalty)
    if review_tenths is not None:
        room = MOST_MARK_TENTHS - LEAST_MARK_TENTHS
        rates[REVIEWS] = Fraction(review_tenths - LEAST_MARK_TENTHS, room)
    evidence = _evidence(kept, broken, book)
    whole = sum(book.weights.get(axis, 0) for axis in rates)
    parts = []
    for axis in EFFORT:
        most, points = 0, 0
        if axis in rates and whole:
            share = Fraction(book.effort * book.weights.get(axis, 0), whole)
            most, points = int(share), int(share * rates[axis] * evidence)
        parts.append(Part(axis, kept.get(axis, 0), broken.get(axis, 0), points, most))
    parts.append(_referrals(kept, book))
    parts.append(_turnover(marks, book, now, monthly_lots))
    total = sum(part.points for part in parts)
    return Score(total, book.tier_of(total), tuple(parts))


def _weights(marks: Collection[Mark], now: datetime) -> tuple[dict[str, int], dict[str, int]]:
    kept: dict[str, int] = {}
    broken: dict[str, int] = {}
    for mark in marks:
        found = kept if mark.is_kept else broken
        found[mark.axis] = found.get(mark.axis, 0) + weight_at(mark.at, now)
    return kept, broken


def _rates(kept: Mapping[str, int], broken: Mapping[str, int], penalty: int) -> dict[str, Fraction]:
    rates = {}
    for axis in EFFORT:
        good, bad = kept.get(axis, 0), broken.get(axis, 0)
        if good + bad:
            rates[axis] = Fraction(max(good - penalty * bad, 0), good + bad)
    return rates


def _evidence(kept: Mapping[str, int], broken: Mapping[str, int], book: Rulebook) -> Fraction:
    """Return how much of the effort is shown: the axis with most marks says how many deals."""
    most = max((kept.get(axis, 0) + broken.get(axis, 0) for axis in EFFORT), default=0)
    return Fraction(min(most, book.full_deals * PARTS), book.full_deals * PARTS)


def _referrals(kept: Mapping[str, int], book: Rulebook) -> Part:
    weight = kept.get(REFERRALS, 0)
    points = min(scaled(weight, book.per_referral, PARTS, Rounding.DOWN), book.referrals)
    return Part(REFERRALS, weight, 0, points, book.referrals)


def _turnover(marks: Collection[Mark], book: Rulebook, now: datetime, monthly_lots: int) -> Part:
    counted = [mark for mark in marks if mark.axis == TURNOVER]
    weighed = sum(
        (mark.amount_minor if mark.is_kept else -mark.amount_minor) * weight_at(mark.at, now)
        for mark in counted
    )
    amount_minor = max(scaled(weighed, 1, PARTS, Rounding.DOWN), 0)
    full_minor = book.size_of(monthly_lots).full_minor
    points = min(scaled(amount_minor, book.turnover, full_minor, Rounding.DOWN), book.turnover)
    deals = sum(weight_at(mark.at, now) for mark in counted if mark.is_kept)
    return Part(TURNOVER, deals, 0, points, book.turnover, amount_minor)
