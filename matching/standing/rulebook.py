"""The rulebook of standing as data: what counts how much, for which tier, and what a tier is for.

Effort counts at least twice as much as turnover: a book in which it does not is refused. A tier's
privilege is opportunity: a lower deposit, a longer time for returns, an early sight of group buys,
group buys of one's own, the first place among equals. It is never a price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from matching.errors import RuleViolation

PAYMENT, DELIVERY, CLAIMS, FORECAST, REVIEWS = (
    "payment",
    "delivery",
    "claims",
    "forecast",
    "reviews",
)
EFFORT = (PAYMENT, DELIVERY, CLAIMS, FORECAST, REVIEWS)
TURNOVER, REFERRALS = "turnover", "referrals"
WHOLE = 1_000
MOST_TIERS = 9
MOST_OFF_BPS = 5_000
MOST_MORE_DAYS = 30
MOST_EARLY_HOURS = 72
MOST_OWN_POOLS = 10
MOST_POOL_DAYS = 365
_MOST = 10**15


@dataclass
class RulebookRefused(RuleViolation):
    """A rulebook that breaks the law of the market, and where."""

    code = "rulebook_refused"
    rule: str
    figure: int


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier: the least score, and what it is for.

    How much less of a deposit, in 1/10,000 of it; how many days more for returns; how many hours
    before the first tier it sees a group buy that opens with early sight; how many group buys of
    its own a firm may have open at a time. Its place among the tiers counts among equals.
    """

    name: str
    least: int
    deposit_off_bps: int
    return_days_more: int = 0
    early_hours: int = 0
    own_pools: int = 0


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Firms up to a usual month: the turnover of a year, in minor units, that counts in full."""

    name: str
    most_monthly_lots: int | None
    full_minor: int


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Points sum to 1,000: effort, each referral up to the cap, and turnover.

    `weights` part the points of effort among its axes; `penalty` is how many kept promises one
    broken one costs; `full_deals` settled deals of this month are evidence enough for all points.
    """

    effort: int
    referrals: int
    per_referral: int
    turnover: int
    weights: Mapping[str, int]
    penalty: int
    full_deals: int
    tiers: tuple[Tier, ...]
    sizes: tuple[SizeClass, ...]
    own_pool_hours: int
    own_pool_days: int

    def tier_of(self, score: int) -> int:
        """Return the number of the highest tier whose least score is reached; 0 is the first."""
        return max(number for number, tier in enumerate(self.tiers) if tier.least <= score)

    def size_of(self, monthly_lots: int) -> SizeClass:
        """Return the class of a firm by its usual month."""
        return next(
            size
            for size in self.sizes
            if size.most_monthly_lots is None or monthly_lots <= size.most_monthly_lots
        )


FIRST = Rulebook(
    effort=700,
    referrals=50,
    per_referral=10,
    turnover=250,
    weights={PAYMENT: 30, DELIVERY: 30, CLAIMS: 20, FORECAST: 10, REVIEWS: 10},
    penalty=3,
    full_deals=6,
    tiers=(
        Tier("entry", 0, 0),
        Tier("steady", 300, 1_000, 1),
        Tier("proven", 550, 2_000, 3, 12, 1),
        Tier("leading", 780, 3_000, 7, 24, 3),
    ),
    sizes=(
        SizeClass("small", 100, 600_000_000),
        SizeClass("middle", 1_000, 6_000_000_000),
        SizeClass("large", None, 60_000_000_000),
    ),
    own_pool_hours=24,
    own_pool_days=30,
)


def document_of(book: Rulebook) -> dict[str, Any]:
    """Return a book as a JSON value, for `rulebook_of`."""
    return {
        "effort": book.effort,
        "referrals": book.referrals,
        "per_referral": book.per_referral,
        "turnover": book.turnover,
        "weights": dict(sorted(book.weights.items())),
        "penalty": book.penalty,
        "full_deals": book.full_deals,
        "tiers": [asdict(tier) for tier in book.tiers],
        "sizes": [
            {
                "name": size.name,
                "most_monthly_lots": size.most_monthly_lots,
                "full_minor": size.full_minor,
            }
            for size in book.sizes
        ],
        "own_pool_hours": book.own_pool_hours,
        "own_pool_days": book.own_pool_days,
    }


def rulebook_of(document: Mapping[str, Any]) -> Rulebook:
    """Return the book that a JSON value of the right shape says.

    Raises:
        RulebookRefused: turnover counts for more than half of effort, points do not sum to the
            whole, or tiers or sizes are not in order.

    """
    book = Rulebook(
        effort=document["effort"],
        referrals=document["referrals"],
        per_referral=document["per_referral"],
        turnover=document["turnover"],
        weights=dict(document["weights"]),
        penalty=document["penalty"],
        full_deals=document["full_deals"],
        tiers=tuple(Tier(**tier) for tier in document["tiers"]),
        sizes=tuple(SizeClass(**size) for size in document["sizes"]),
        own_pool_hours=document.get("own_pool_hours", FIRST.own_pool_hours),
        own_pool_days=document.get("own_pool_days", FIRST.own_pool_days),
    )
    _check_points(book)
    _check_tiers(book.tiers)
    _check_sizes(book.sizes)
    _check_own_pools(book)
    return book


def _check_points(book: Rulebook) -> None:
    effort = book.effort + book.referrals
    if effort < 2 * book.turnover:
        raise RulebookRefused("effort_counts_twice", 2 * book.turnover)
    if effort + book.turnover != WHOLE:
        raise RulebookRefused("points_sum", effort + book.turnover)
    weights = [book.weights.get(axis, 0) for axis in EFFORT]
    if set(book.weights) - set(EFFORT) or min(weights) < 0 or not 0 < sum(weights) <= WHOLE:
        raise RulebookRefused("weights_of_axes", len(book.weights))
    figures = (book.effort, book.referrals, book.turnover, book.per_referral)
    if min(figures) < 0 or not 0 <= book.penalty <= 100 or not 1 <= book.full_deals <= 1_000:
        raise RulebookRefused("figures", book.penalty)


def _check_tiers(tiers: Sequence[Tier]) -> None:
    leasts = [tier.least for tier in tiers]
    if not 1 <= len(tiers) <= MOST_TIERS or leasts[0] != 0 or leasts[-1] > WHOLE:
        raise RulebookRefused("tiers_from_zero", len(tiers))
    if leasts != sorted(set(leasts)) or len({tier.name for tier in tiers}) != len(tiers):
        raise RulebookRefused("tiers_in_order", len(tiers))
    for rule, most in _MOSTS.items():
        figures = [getattr(tier, rule) for tier in tiers]
        if figures != sorted(figures) or not 0 <= figures[0] <= figures[-1] <= most:
            raise RulebookRefused(rule, most)


_MOSTS = {
    "deposit_off_bps": MOST_OFF_BPS,
    "return_days_more": MOST_MORE_DAYS,
    "early_hours": MOST_EARLY_HOURS,
    "own_pools": MOST_OWN_POOLS,
}
"""The most of each privilege; none is less in a higher tier."""
PRIVILEGES = tuple(_MOSTS)


def _check_own_pools(book: Rulebook) -> None:
    if not 1 <= book.own_pool_hours <= 24 * book.own_pool_days <= 24 * MOST_POOL_DAYS:
        raise RulebookRefused("own_pool_days", MOST_POOL_DAYS)


def _check_sizes(sizes: Sequence[SizeClass]) -> None:
    mosts = [size.most_monthly_lots for size in sizes]
    limits = [most for most in mosts if most is not None]
    if not sizes or mosts[-1] is not None or len(limits) != len(sizes) - 1:
        raise RulebookRefused("sizes_to_the_end", len(sizes))
    if limits != sorted(set(limits)) or any(not 0 < size.full_minor <= _MOST for size in sizes):
        raise RulebookRefused("sizes_in_order", len(sizes))
