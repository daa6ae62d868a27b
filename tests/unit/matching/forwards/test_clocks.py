"""A clock over tenors: what orders want, which prices move, what answers bind to."""

import pytest

from matching.forwards import clocks
from matching.forwards.clocks import ActivityBroken, Answered
from matching.forwards.orders import BlockOrder, FlexibleOrder, PeriodOrder

MARCH, APRIL, MAY = TENORS = ("2027-03", "2027-04", "2027-05")
PRICES = {MARCH: 100, APRIL: 90, MAY: 110}


def flexible(lots: int, limit: int, **given: int) -> FlexibleOrder:
    return FlexibleOrder("f", "b", (MARCH, MAY), lots, limit, 1, **given)


def test_a_period_order_wants_its_month_up_to_its_limit() -> None:
    orders = [PeriodOrder("a", "b", MARCH, 5, 100, 1), PeriodOrder("b", "b", MARCH, 7, 99, 2)]

    assert clocks.wanted(orders, TENORS, PRICES) == {MARCH: 5, APRIL: 0, MAY: 0}


def test_a_flexible_order_fills_the_cheapest_months_first() -> None:
    order = flexible(10, 100, per_tenor_max=6)

    assert clocks.wanted([order], TENORS, PRICES) == {MARCH: 4, APRIL: 6, MAY: 0}


def test_a_flexible_order_below_its_minimum_wants_nothing() -> None:
    order = flexible(10, 95, per_tenor_max=6, min_lots=7)

    assert sum(clocks.wanted([order], TENORS, PRICES).values()) == 0


@pytest.mark.parametrize(("limit", "lots"), [(105, 2), (104, 0)])
def test_a_block_wants_all_of_it_at_its_average(limit: int, lots: int) -> None:
    block = BlockOrder("b", "b", ((MARCH, 2), (MAY, 2)), limit, 1)

    assert clocks.wanted([block], TENORS, PRICES)[MAY] == lots


def test_prices_fall_where_more_is_offered_and_rise_where_more_is_wanted() -> None:
    asked, offered = {MARCH: 5, APRIL: 5, MAY: 5}, {MARCH: 6, APRIL: 5, MAY: 4}

    falling = clocks.moved("falling", 10, PRICES, asked=asked, offered=offered)
    rising = clocks.moved("rising", 10, PRICES, asked=asked, offered=offered)

    assert falling == {MARCH: 90, APRIL: 90, MAY: 110}
    assert rising == {MARCH: 100, APRIL: 90, MAY: 120}


def test_a_price_never_falls_to_nothing() -> None:
    assert clocks.moved("falling", 10, {MARCH: 10}, asked={}, offered={MARCH: 1}) == {MARCH: 10}


def test_a_total_moves_one_way_and_between_months_freely() -> None:
    clocks.check_activity("falling", {MARCH: 5}, {MAY: 5})
    clocks.check_activity("rising", {MARCH: 5}, {MARCH: 1, MAY: 4})
    clocks.check_activity("falling", None, {MARCH: 9})

    with pytest.raises(ActivityBroken):
        clocks.check_activity("falling", {MARCH: 5}, {MAY: 6})
    with pytest.raises(ActivityBroken):
        clocks.check_activity("rising", {MARCH: 5}, {MAY: 4})


def test_silence_leaves_the_months_whose_price_fell() -> None:
    new = PRICES | {MARCH: 95}

    assert clocks.kept("falling", {MARCH: 5, MAY: 2}, PRICES, new) == {MAY: 2}
    assert clocks.kept("rising", {MARCH: 5, MAY: 2}, PRICES, PRICES | {MAY: 120}) == {
        MARCH: 5,
        MAY: 2,
    }


def test_answers_bind_at_their_price_and_above() -> None:
    answers = [
        Answered({MARCH: 100, MAY: 100}, {MARCH: 9, MAY: 1}),
        Answered({MARCH: 90, MAY: 100}, {MARCH: 6, MAY: 4}),
        Answered({MARCH: 80, MAY: 100}, {MARCH: 6}),
    ]

    assert clocks.steps_of(answers) == {MARCH: [(6, 80), (3, 100)], MAY: [(4, 100)]}
    assert clocks.capacity_of(answers) == 10
