"""Answers as the world reads them: `price_minor: 500000` becomes `"price": "5000.00"`."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from types import NoneType
from typing import Any, cast

from aggregator.amounts import CURRENCY, DECIMALS, decimal_text
from aggregator.journal.facts import stamp

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]

_SUFFIX = "_minor"
_AS_THEY_ARE = frozenset({str, int, bool, NoneType})
_TEXT = frozenset({str})
_MANY, _MANY_KNOWN = 64, 1024

Amounts = tuple[tuple[str, str], ...]

_KNOWN: dict[tuple[str, ...], Amounts] = {}
"""Nearly every answer has the keys of one before it."""


def public(value: object, currency: str = CURRENCY) -> Json:
    """Return `value` as JSON with every `*_minor` integer as a decimal string.

    An object's own `currency` counts for it and for what it contains.
    """
    if type(value) in _AS_THEY_ARE:
        return cast(Json, value)
    if isinstance(value, dict):
        named = value.get("currency")
        known = named if isinstance(named, str) and named in DECIMALS else currency
        return _object(value, known)
    if isinstance(value, list | tuple):
        return [public(member, currency) for member in value]
    return plain(value)


def _object(value: dict[Any, Any], currency: str) -> dict[str, Json]:
    keys = tuple(value)
    amounts = _KNOWN.get(keys)
    if amounts is None:
        if not _TEXT.issuperset(map(type, keys)):
            return _object({str(key): member for key, member in value.items()}, currency)
        amounts = _known(keys)
    found: dict[str, Json] = dict(value)
    for key, name in amounts:
        found[name] = _amounts(found.pop(key), currency)
    if not _AS_THEY_ARE.issuperset(map(type, found.values())):
        known = {name for _, name in amounts}
        for name, member in found.items():
            if name not in known:
                found[name] = public(member, currency)
    return found


def _known(keys: tuple[str, ...]) -> Amounts:
    """Return which keys of an answer are those of amounts, and the names they are shown by."""
    amounts = tuple((key, key.removesuffix(_SUFFIX)) for key in keys if key.endswith(_SUFFIX))
    for key, name in amounts:
        assert name not in keys, f"{name} and {key} stand in one answer"
    if len(keys) <= _MANY:
        if len(_KNOWN) >= _MANY_KNOWN:
            _KNOWN.clear()
        _KNOWN[keys] = amounts
    return amounts


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
