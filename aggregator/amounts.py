"""Money as text: ASCII decimal strings to whole minor units and back, exactly.

A JSON number loses digits and a lenient parser takes full-width digits, so an amount on the
wire is a string of one pattern: at most 12 digits before and 4 after the point, no sign, no
grouping. What a currency cannot hold exactly is refused, never rounded.
"""

from __future__ import annotations

import re

from aggregator.errors import InvalidField
from matching.money import MAX_TOTAL_MINOR

CURRENCY = "CNY"
DECIMALS = {"CNY": 2, "EUR": 2, "JPY": 0, "USD": 2}
AMOUNT_PATTERN = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$"

_AMOUNT = re.compile(AMOUNT_PATTERN[:-1] + r"\Z")


def minor_of(text: str, currency: str = CURRENCY, *, pointer: str = "") -> int:
    """Return the minor units that `text` writes; `pointer` names the field in a refusal.

    Raises:
        InvalidField: no amount, too fine for the currency, or beyond the largest total.

    """
    if not _AMOUNT.match(text):
        raise InvalidField(pointer, "amount", text[:40])
    whole, _, fraction = text.partition(".")
    decimals = DECIMALS[currency]
    if fraction[decimals:].strip("0"):
        raise InvalidField(pointer, "decimals", decimals)
    minor = int(whole + fraction[:decimals].ljust(decimals, "0"))
    if minor > MAX_TOTAL_MINOR:
        raise InvalidField(pointer, "at_most", decimal_text(MAX_TOTAL_MINOR, currency))
    return minor


def decimal_text(minor: int, currency: str = CURRENCY) -> str:
    """Return minor units as text with all of the currency's decimals: 500000 → `5000.00`."""
    decimals = DECIMALS[currency]
    sign = "-" if minor < 0 else ""
    if decimals == 0:
        return f"{sign}{abs(minor)}"
    whole, fraction = divmod(abs(minor), 10**decimals)
    return f"{sign}{whole}.{fraction:0{decimals}d}"
