"""The dates of a slot, all of them from the trading calendar of its region.

Ten trading days before the month the price is fixed, where it follows an index, and the
deposit before the month is called, due seven trading days later. A delivery is nominated at
least five trading days ahead, so nominations end when the fifth trading day before the last
of the month begins. Where a window closes later than one of these, it is reached at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aggregator.catalogue.calendars import TradingCalendar
from aggregator.errors import InvalidField

AHEAD_DAYS = 10
STAGE_DAYS = 7
NOTICE_DAYS = 5
CONFIRM_DAYS = 2
FUNDING_DAYS = 1
CONSENT_DAYS = 3
SIGNING_DAYS = 10


@dataclass(frozen=True, slots=True)
class SlotDates:
    ahead_at: datetime
    stage_due_at: datetime
    nominate_by: datetime


def slot_dates(calendar: TradingCalendar, tenor: str, now: datetime) -> SlotDates:
    """Return the dates of a slot that opens now; the stage leaves time to pay in any case."""
    days = calendar.days_of(tenor)
    ahead = calendar.begins(calendar.shifted(days[0], -AHEAD_DAYS))
    asked_on = max(calendar.day_of(now), calendar.shifted(days[0], -AHEAD_DAYS))
    due = calendar.shifted(asked_on, STAGE_DAYS)
    return SlotDates(max(ahead, now), calendar.begins(due), last_nomination(calendar, tenor))


def last_nomination(calendar: TradingCalendar, tenor: str) -> datetime:
    """Return the instant from which a delivery in the month can no longer be nominated."""
    last = calendar.days_of(tenor)[-1]
    return calendar.begins(calendar.shifted(last, -NOTICE_DAYS))


def latest_signing(calendar: TradingCalendar, tenor: str) -> datetime:
    """Return until when a slot in the month can begin: the stage is due before its deliveries."""
    last = calendar.days_of(tenor)[-1]
    return calendar.begins(calendar.shifted(last, -NOTICE_DAYS - SIGNING_DAYS))


def check_delivery(
    calendar: TradingCalendar, tenor: str, day: date, now: datetime, pointer: str
) -> None:
    """Refuse a delivery day that is no trading day of the month, or comes without notice."""
    days = calendar.days_of(tenor)
    if day not in days:
        raise InvalidField(pointer, f"a trading day of {tenor}", day.isoformat())
    first = first_delivery(calendar, now)
    if day < first:
        rule = f"at least {NOTICE_DAYS} trading days ahead, {first.isoformat()} or later"
        raise InvalidField(pointer, rule, day.isoformat())


def first_delivery(calendar: TradingCalendar, now: datetime) -> date:
    """Return the first day for which goods can be nominated now."""
    return calendar.shifted(calendar.day_of(now), NOTICE_DAYS)


def last_delivery(calendar: TradingCalendar, tenor: str) -> date:
    return calendar.days_of(tenor)[-1]


def confirm_by(calendar: TradingCalendar, now: datetime) -> datetime:
    """Return when the seller's silence confirms a call-off."""
    return calendar.ends(calendar.shifted(calendar.day_of(now), CONFIRM_DAYS))


def funding_due(calendar: TradingCalendar, delivery_on: date) -> datetime:
    """Return until when the rest of a call-off is paid."""
    return calendar.begins(calendar.shifted(delivery_on, -FUNDING_DAYS))


def consent_by(calendar: TradingCalendar, now: datetime) -> datetime:
    """Return when a proposal expires."""
    return calendar.ends(calendar.shifted(calendar.day_of(now), CONSENT_DAYS))
