"""What people write in a cell, as values: exact or refused.

Full-width digits and signs count as plain ones. A comma parts thousands and nothing else, so
`1,234.50` is a price and `1234,50` is none. A day stands for its month only where it is the first,
which is what spreadsheet programs make of a month.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aggregator.amounts import minor_of
from aggregator.catalogue.tenors import checked_tenor
from aggregator.errors import InvalidField

_NUMBER = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")
_MONTH = re.compile(r"(20[0-9]{2})(?:-|/|\.|年)([0-9]{1,2})(?:(?:-|/|\.|月)0?1日?|月)?")
_DAY = re.compile(r"(20[0-9]{2})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?(?:[ T](.+))?")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_ZONED = re.compile(r".+[0-9](Z|[+-][0-9]{2}:[0-9]{2})")
_MAX_DIGITS = 15


def plain(text: str) -> str:
    """Return text with full-width signs as plain ones, in one case."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def lots_of(text: str) -> int:
    """Return a whole number of lots, or raise InvalidField."""
    whole, fraction = _number(text) or ("", "")
    if not whole or fraction:
        raise InvalidField("", "integer", text)
    return int(whole)


def price_of(text: str) -> int:
    """Return minor units, or raise InvalidField."""
    whole, fraction = _number(text) or ("", "")
    if not whole:
        raise InvalidField("", "a price such as 5000.00 or 5,000.00", text)
    return minor_of(f"{whole}.{fraction}" if fraction else whole)


def month_of(text: str) -> str:
    """Return a delivery month, or raise InvalidField."""
    found = _MONTH.fullmatch(plain(text).partition("t00:00:00")[0])
    if found is None:
        raise InvalidField("", "a delivery month YYYY-MM", text)
    return checked_tenor(f"{found[1]}-{int(found[2]):02d}", "")


def until_of(text: str, zone: ZoneInfo) -> datetime:
    """Return an instant, a day standing for its end; without an offset it is the zone's."""
    try:
        if _ZONED.fullmatch(text.upper()):
            return datetime.fromisoformat(text)
        found = _DAY.fullmatch(plain(text).replace("t", " "))
        if found is None:
            raise ValueError(text)
        day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=zone)
        if found[4] is None:
            return day + timedelta(days=1)
        clock = _CLOCK.fullmatch(found[4])
        if clock is None:
            raise ValueError(text)
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return day.replace(hour=hour, minute=minute, second=second)
    except (ValueError, OverflowError):
        rule = "a day such as 2027-03-01, or a day and an hour such as 2027-03-01 18:00"
        raise InvalidField("", rule, text) from None


def _number(text: str) -> tuple[str, str] | None:
    """Return the digits before and after the point, or None."""
    found = _NUMBER.fullmatch(plain(text))
    if found is None:
        return None
    whole = found[1].replace(",", "").lstrip("0") or "0"
    if len(whole) > _MAX_DIGITS:
        return None
    return whole, (found[2] or "").rstrip("0")
