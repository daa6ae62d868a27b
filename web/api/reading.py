"""Strict reading of JSON: duplicate keys, fractions, NaN and deep nesting are refused.

Every refusal is an `InvalidField` with the JSON pointer (RFC 6901) of the place, so a client
can mark it. Text that is no JSON at all is `Malformed`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType

import orjson

from aggregator.errors import InvalidField, MarketError

MAX_DEPTH = 32
MAX_INTEGER_DIGITS = 18

_SHORT = 4096
_FLAT = frozenset({str, bool, NoneType})
_TOO_MANY_DIGITS = 10**MAX_INTEGER_DIGITS
_NOT_PLAIN = re.compile("[\x00\ud800-\udfff]")


@dataclass
class Malformed(MarketError):
    """Bytes that are no JSON document in UTF-8."""

    code = "malformed"
    rule: str
    figure: str | int | None = None


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed value where the parser met something, until its place is known."""

    rule: str
    figure: str


class _Twice(dict[str, object]):
    """An object that names a key twice."""

    key: str


def read_json(raw: bytes) -> object:
    """Return the value that `raw` writes: objects, arrays, strings, integers, booleans, null.

    Raises:
        Malformed: no UTF-8, no JSON, or nested beyond 32 levels.
        InvalidField: a duplicate key, a fraction, NaN, or an integer beyond 18 digits.

    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("utf8", error.start) from None
    return read_text(text)


def read_text(text: str) -> object:
    """Return what `read_json` returns, of text that is decoded already."""
    found = _read_at_once(text)
    if found is not None:
        return found
    if _has_nothing_to_look_for(text):
        try:
            return _PLAIN_DECODER.decode(text)
        except (_Odd, ValueError):
            pass  # read again, it is found out what is wrong where
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed("json", f"{error.lineno}:{error.colno}") from None
    except RecursionError:
        raise Malformed("depth", MAX_DEPTH) from None
    _check(value, (), MAX_DEPTH)
    return value


def pointer_of(path: Sequence[str | int]) -> str:
    """Return the JSON pointer of a path of keys and indices; the whole document is ``""``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1")[:120] for part in path)


def _read_at_once(text: str) -> dict[str, object] | None:
    """Return a flat object whose text is the very one that we would write.

    That one names no key twice and no number oddly, and a quick reader takes it as the strict
    one does. Clients write most of what they send this way.
    """
    if len(text) > _SHORT or "\\u" in text:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if type(found) is not dict:
        return None
    for member in found.values():
        kind = type(member)
        if kind is int:
            if not -_TOO_MANY_DIGITS < member < _TOO_MANY_DIGITS:
                return None
        elif kind not in _FLAT:
            return None
    return found if orjson.dumps(found) == text.encode() else None


def _has_nothing_to_look_for(text: str) -> bool:
    """Say whether no string in it can hold what is refused, and no nesting be too deep."""
    return (
        "\\u" not in text
        and text.count("{") + text.count("[") <= MAX_DEPTH
        and (text.isascii() or _NOT_PLAIN.search(text) is None)
    )


class _Odd(Exception):
    """Met while reading what only a slower look can place."""


def _plain_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Odd
    return found


def _plain_integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        raise _Odd
    return int(text)


def _no_number(text: str) -> object:
    raise _Odd(text)


_PLAIN_DECODER = json.JSONDecoder(
    object_pairs_hook=_plain_object,
    parse_float=_no_number,
    parse_constant=_no_number,
    parse_int=_plain_integer,
)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            twice.key = key
        seen.add(key)
    return twice


def _fraction(text: str) -> object:
    return _Refused("no_fractions", text[:40])


def _integer(text: str) -> object:
    if len(text.lstrip("-")) > MAX_INTEGER_DIGITS:
        return _Refused("integer_digits", f"{text[:12]}…")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_fraction,
    parse_constant=_fraction,
    parse_int=_integer,
)


def _check(value: object, path: tuple[str | int, ...], levels: int) -> None:
    if isinstance(value, _Refused):
        raise InvalidField(pointer_of(path), value.rule, value.figure)
    if isinstance(value, _Twice):
        raise InvalidField(pointer_of((*path, value.key)), "duplicate_key", value.key[:40])
    if isinstance(value, str):
        _check_text(value, path)
        return
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise Malformed("depth", MAX_DEPTH)
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        if isinstance(key, str):
            _check_text(key, path)
        _check(member, (*path, key), levels - 1)


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    # PostgreSQL stores neither of these, and no name or note needs them.
    if _NOT_PLAIN.search(text):
        raise InvalidField(pointer_of(path), "plain_text", None)
