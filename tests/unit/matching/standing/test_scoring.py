"""A score is a function of marks: kept and broken promises, capped turnover, and age."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matching.standing.foreseeing import Supposed, deals_to, supposing
from matching.standing.moving import NOTICE, Held, moved
from matching.standing.rulebook import (
    CLAIMS,
    DELIVERY,
    FIRST,
    FORECAST,
    PAYMENT,
    REFERRALS,
    TURNOVER,
    RulebookRefused,
    Tier,
    document_of,
    rulebook_of,
)
from matching.standing.scoring import Mark, Score, score, weight_at

NOW = datetime(2027, 3, 1, tzinfo=UTC)
FULL = FIRST.sizes[0].full_minor


def marks(axis: str, count: int, *, is_kept: bool = True, days: int = 0) -> list[Mark]:
    return [Mark(axis, is_kept, NOW - timedelta(days=days))] * count


def turnover(amount_minor: int, *, is_kept: bool = True, days: int = 0) -> Mark:
    return Mark(TURNOVER, is_kept, NOW - timedelta(days=days), amount_minor)


def scored(*given: Mark, monthly_lots: int = 0, review_tenths: int | None = None) -> Score:
    return score(given, FIRST, NOW, monthly_lots=monthly_lots, review_tenths=review_tenths)


def test_nothing_traded_is_no_score() -> None:
    found = scored()

    assert (found.points, found.tier) == (0, 0)
    assert {part.most for part in found.parts} == {0, FIRST.referrals, FIRST.turnover}


def test_a_buyer_who_always_paid_has_all_of_effort_without_any_delivery() -> None:
    found = scored(*marks(PAYMENT, 6), *marks(FORECAST, 6))

    assert found.points == FIRST.effort
    assert [part.axis for part in found.parts if part.points] == [PAYMENT, FORECAST]


def test_a_broken_promise_costs_more_than_a_kept_one_earns() -> None:
    clean = scored(*marks(DELIVERY, 10), *marks(CLAIMS, 10))
    broken = scored(*marks(DELIVERY, 9), *marks(DELIVERY, 1, is_kept=False), *marks(CLAIMS, 10))
    ruined = scored(*marks(DELIVERY, 3), *marks(DELIVERY, 1, is_kept=False))

    assert clean.points == 700
    # Deliveries count 30 of 50, and yield (9 - 3) of 10.
    assert broken.points == 420 * 6 // 10 + 280
    assert ruined.points == 0


def test_turnover_alone_never_reaches_a_third_of_what_effort_does() -> None:
    found = scored(turnover(10**15))

    assert found.points == FIRST.turnover
    assert (FIRST.effort + FIRST.referrals) >= 2 * FIRST.turnover


def test_turnover_counts_against_the_class_of_size_and_returns_take_it_back() -> None:
    half = scored(turnover(FULL // 2))
    large = scored(turnover(FULL // 2), monthly_lots=10_000)
    returned = scored(turnover(FULL // 2), turnover(FULL // 2, is_kept=False))

    assert (half.points, large.points, returned.points) == (125, 1, 0)


def test_a_mark_weighs_less_each_month_and_nothing_after_a_year() -> None:
    ages = [0, 30, 31, 182, 183, 364, 365, 400]

    assert [weight_at(NOW - timedelta(days=days), NOW) for days in ages] == [
        *(12, 12, 11, 7, 6, 1, 0, 0)
    ]
    assert weight_at(NOW + timedelta(seconds=1), NOW) == 0


def test_what_one_referral_earns_is_capped() -> None:
    assert scored(*marks(REFERRALS, 2)).points == 20
    assert scored(*marks(REFERRALS, 50)).points == FIRST.referrals


def test_reviews_count_beside_what_was_kept() -> None:
    kept = [*marks(PAYMENT, 6), *marks(FORECAST, 6)]

    assert scored(*kept, review_tenths=50).points == 700
    assert scored(*kept, review_tenths=10).points == 560


def test_the_order_of_marks_does_not_matter() -> None:
    given = [*marks(PAYMENT, 3, days=40), *marks(PAYMENT, 1, is_kept=False), turnover(5_000_000)]

    assert scored(*given) == scored(*reversed(given))


def test_months_that_pass_lower_a_score_and_deals_raise_it() -> None:
    given = [*marks(PAYMENT, 6), *marks(FORECAST, 6)]

    later = supposing(given, FIRST, NOW, Supposed(months=6), monthly_lots=0)
    more = supposing(given, FIRST, NOW, Supposed(months=6, bought=3), monthly_lots=0)
    gone = supposing(given, FIRST, NOW, Supposed(months=13), monthly_lots=0)
    worse = supposing(given, FIRST, NOW, Supposed(unpaid=1), monthly_lots=0)

    assert gone.points == 0 < later.points < more.points <= 700
    assert worse.points < 700


@pytest.mark.parametrize("is_seller", [False, True])
def test_the_deals_to_the_next_tier_are_the_fewest_that_reach_it(*, is_seller: bool) -> None:
    least = FIRST.tiers[2].least

    count = deals_to([], FIRST, NOW, least, is_seller=is_seller, monthly_lots=0)

    assert count is not None
    sides = [Supposed(sold=n) if is_seller else Supposed(bought=n) for n in (count - 1, count)]
    before, after = (supposing([], FIRST, NOW, side, monthly_lots=0).points for side in sides)
    assert before < least <= after
    assert deals_to([], FIRST, NOW, 900, is_seller=is_seller, monthly_lots=0) is None


def test_a_tier_rises_at_once_and_drops_ninety_days_after_it_was_told() -> None:
    up = moved(Held(0), 2, NOW)
    told = moved(up, 1, NOW)
    waiting = moved(told, 0, NOW + NOTICE - timedelta(seconds=1))
    dropped = moved(waiting, 1, NOW + NOTICE)

    assert up == Held(2)
    assert told == Held(2, 1, NOW + NOTICE)
    assert waiting == told
    assert dropped == Held(1)


def test_a_drop_is_averted_in_time_and_a_deeper_fall_is_announced_anew() -> None:
    told = Held(2, 1, NOW)

    assert moved(told, 2, NOW - timedelta(days=1)) == Held(2)
    assert moved(told, 3, NOW) == Held(3)
    assert moved(told, 0, NOW) == Held(1, 0, NOW + NOTICE)


def test_a_rulebook_survives_its_document() -> None:
    assert rulebook_of(document_of(FIRST)) == FIRST


def test_a_book_from_before_a_privilege_gives_none_of_it() -> None:
    document = document_of(FIRST)
    for tier in document["tiers"]:
        del tier["return_days_more"]

    assert {tier.return_days_more for tier in rulebook_of(document).tiers} == {0}


@pytest.mark.parametrize(
    "change",
    [
        {"turnover": 400, "effort": 550},
        {"effort": 701},
        {"weights": {"beauty": 1}},
        {"weights": {PAYMENT: 0}},
        {"penalty": -1},
        {"full_deals": 0},
        {"tiers": ()},
        {"tiers": (Tier("entry", 1, 0),)},
        {"tiers": (Tier("entry", 0, 0), Tier("entry", 10, 0))},
        {"tiers": (Tier("entry", 0, 100), Tier("more", 10, 0))},
        {"tiers": (Tier("entry", 0, 9_000),)},
        {"tiers": (Tier("entry", 0, 0, 2), Tier("more", 10, 0, 1))},
        {"tiers": (Tier("entry", 0, 0, 31),)},
        {"tiers": (Tier("entry", 0, 0, 0, 73),)},
        {"tiers": (Tier("entry", 0, 0, 0, 2), Tier("more", 10, 0, 0, 1))},
        {"tiers": (Tier("entry", 0, 0, 0, 0, 11),)},
        {"own_pool_hours": 25, "own_pool_days": 1},
        {"own_pool_days": 366},
        {"sizes": ()},
        {"sizes": FIRST.sizes[:2]},
        {"sizes": (FIRST.sizes[1], FIRST.sizes[0], FIRST.sizes[2])},
    ],
)
def test_a_rulebook_against_the_law_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RulebookRefused):
        rulebook_of(document_of(replace(FIRST, **change)))  # type: ignore[arg-type]
