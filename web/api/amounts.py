"""Answers as the world reads them: `price_minor: 500000` becomes `"price": "5000.00"`."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from types import NoneType
from typing import cast

from aggregator.amounts import CURRENCY, DECIMALS, decimal_text
from aggregator.journal.facts import stamp

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]

_SUFFIX = "_minor"
_AS_THEY_ARE = frozenset({str, int, bool, NoneType})


def public(value: object, currency: str = CURRENCY) -> Json:
    """Return `value` as JSON with every `*_minor` integer as a decimal string.

    An object's own `currency` counts for it and for what it contains.
    """
    if type(value) in _AS_THEY_ARE:
        return cast(Json, value)
    if isinstance(value, dict):
        named = value.get("currency")
        known = named if isinstance(named, str) and named in DECIMALS else currency
        found: dict[str, Json] = {}
        for key, member in value.items():
            name = str(key)
            if name.endswith(_SUFFIX):
                name, shown = name.removesuffix(_SUFFIX), _amounts(member, known)
            elif type(member) in _AS_THEY_ARE:
                shown = member
            else:
                shown = public(member, known)
            assert name not in found, f"{name} and {name}{_SUFFIX} stand in one answer"
            found[name] = shown
        return found
    if isinstance(value, list | tuple):
        return [public(member, currency) for member in value]
    return plain(value)


def plain(value: object) -> Json:
    """Return one value that is neither object nor array as JSON."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, frozenset | set):
        return [plain(member) for member in sorted(value, key=str)]
    raise TypeError(f"an answer holds {type(value).__name__}")


def _amounts(value: object, currency: str) -> Json:
    if type(value) is int:
        return decimal_text(value, currency)
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_amounts(member, currency) for member in value]
    if isinstance(value, dict):
        return {str(key): _amounts(member, currency) for key, member in value.items()}
    raise TypeError(f"an amount is {type(value).__name__}")
