"""Trading days of China: weekends, holidays, make-up workdays, and years nobody declared."""

from datetime import UTC, date, datetime

import pytest

from aggregator.catalogue.calendars import NoCalendar, TradingCalendar
from aggregator.catalogue.holidays import KNOWN

CHINA = TradingCalendar("CN", {year: known for (_, year), known in KNOWN.items()})


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 2, 14), True),  # a Saturday that makes up for the Spring Festival
        (date(2026, 2, 16), False),
        (date(2026, 2, 24), True),
        (date(2026, 10, 10), True),  # a Saturday
        (date(2026, 10, 11), False),
        (date(2027, 2, 9), False),
        (date(2027, 3, 1), True),
        (date(2027, 3, 6), False),
    ],
)
def test_a_day_trades_unless_week_or_holiday_close_it(day: date, is_open: bool) -> None:
    assert CHINA.is_open(day) is is_open


def test_an_undeclared_year_is_said_and_not_guessed() -> None:
    assert not CHINA.has("2028-01")
    assert not CHINA.has("2026-01"), "what leads up to January lies in an undeclared year"

    with pytest.raises(NoCalendar):
        CHINA.is_open(date(2028, 1, 3))


def test_trading_days_are_counted_over_a_holiday() -> None:
    before, after = date(2026, 9, 30), date(2026, 10, 8)

    assert CHINA.shifted(before, 1) == after
    assert CHINA.shifted(after, -1) == before
    assert CHINA.shifted(before, 0) == before


def test_a_month_has_its_own_trading_days() -> None:
    days = CHINA.days_of("2026-10")

    assert (days[0], days[-1]) == (date(2026, 10, 8), date(2026, 10, 30))
    assert len(days) == 18


def test_a_day_begins_and_ends_where_the_goods_are() -> None:
    day = date(2027, 3, 31)

    assert CHINA.begins(day) == datetime(2027, 3, 30, 16, tzinfo=UTC)
    assert CHINA.ends(day) == datetime(2027, 3, 31, 16, tzinfo=UTC)
    assert CHINA.day_of(datetime(2027, 3, 31, 15, 59, tzinfo=UTC)) == day
    assert CHINA.day_of(datetime(2027, 3, 31, 16, tzinfo=UTC)) == date(2027, 4, 1)
