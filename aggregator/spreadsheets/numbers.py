"""What numbers mean in a sheet's cells: exact decimals, and days counted from an epoch.

A spreadsheet keeps every number as a binary fraction and shows 15 digits of it at most, which is
also what it promises to keep. So the first 15 digits are the number, as its author reads it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

DIGITS = 15
_NUMBER = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,40}))?(?:[eE]([+-]?[0-9]{1,3}))?")
_MAX_PLACES = 40
# Lotus took 1900 for a leap year, and everybody after it: day 60 never was.
_LEAP_THAT_NEVER_WAS = 60
_EPOCH_1900, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a day
_LAST_SERIAL = 2_958_465
_DAY_S = 86_400


def plain_number(text: str) -> str | None:
    """Return a number as plain decimal text of at most 15 digits, or None if it is none."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction, power = found.groups(default="")
    places = len(fraction) - int(power or 0)
    digits = int(whole + fraction)
    beyond = len(str(digits)) - DIGITS
    if beyond > 0:
        digits = (digits + 5 * 10 ** (beyond - 1)) // 10**beyond
        places -= beyond
    if abs(places) > _MAX_PLACES:
        return None
    if places < 0:
        digits, places = digits * 10**-places, 0
    whole, fraction = _split(digits, places)
    return f"{sign if digits else ''}{whole}{'.' if fraction else ''}{fraction}"


def day_of(number: str, *, is_from_1904: bool) -> str | None:
    """Return the day, or the instant to the second, that a number of days means, or None."""
    whole, _, fraction = number.partition(".")
    if not whole.isdigit() or not 0 <= int(whole) <= _LAST_SERIAL:
        return None
    days, seconds = int(whole), _seconds(fraction)
    if is_from_1904:
        epoch = _EPOCH_1904
    elif days == _LEAP_THAT_NEVER_WAS:
        return None
    else:
        epoch = _EPOCH_1900 + timedelta(days=1 if days < _LEAP_THAT_NEVER_WAS else 0)
    try:
        found = epoch + timedelta(days=days, seconds=seconds)
    except OverflowError:
        return None
    return found.isoformat() if seconds else found.date().isoformat()


def _split(digits: int, places: int) -> tuple[str, str]:
    written = str(digits).rjust(places + 1, "0")
    whole, fraction = written[: len(written) - places], written[len(written) - places :]
    return whole, fraction.rstrip("0")


def _seconds(fraction: str) -> int:
    scale: int = 10 ** len(fraction)
    return (int(fraction or 0) * _DAY_S * 2 + scale) // (2 * scale)
