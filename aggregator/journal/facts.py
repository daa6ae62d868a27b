"""Facts as values: which classes the journal stores, and how they become JSON and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import orjson
from pydantic import TypeAdapter

T = TypeVar("T")

# What JSON has no form for is an error, as it is for the slow writer.
_PLAIN = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_SORTED = _PLAIN | orjson.OPT_SORT_KEYS
_AT_ONCE = orjson.OPT_UTC_Z

_BY_NAME: dict[str, type[Any]] = {}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}
_NOT_PLAIN: tuple[tuple[str, ...], Callable[[Any], Any]] = (), vars
_PLAIN_FIELDS: dict[type[Any], tuple[tuple[str, ...], Callable[[Any], Any]]] = {}


def register(cls: type[T]) -> type[T]:
    """Let the journal store `cls`, a dataclass of plain values, under its class name."""
    known = _BY_NAME.setdefault(cls.__name__, cls)
    if known is not cls:
        raise ValueError(f"two facts are called {cls.__name__}: {known} and {cls}")
    return cls


@dataclass_transform(frozen_default=True)
def fact(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass that the journal stores."""
    made: Callable[[type[T]], type[T]] = dataclass(frozen=True, slots=True)
    return register(made(cls))


def body_of(value: object) -> dict[str, Any]:
    """Return the JSON form of a registered fact."""
    cls = type(value)
    if _BY_NAME.get(cls.__name__) is not cls:
        raise ValueError(f"{cls} is not registered as a fact")
    found: dict[str, Any] = _adapter(cls).dump_python(value, mode="json")
    return found


def canonical_body(value: object) -> bytes:
    """Return the canonical JSON of `body_of(value)`, at once where the fields are plain."""
    cls = type(value)
    names, values = _plain_fields(cls) if _BY_NAME.get(cls.__name__) is cls else _NOT_PLAIN
    if names:
        try:
            return orjson.dumps(dict(zip(names, values(value), strict=True)), option=_AT_ONCE)
        except TypeError:
            pass  # an integer beyond 64 bits
    return canonical(body_of(value))


def _plain_fields(cls: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], Any]]:
    """Return a dataclass's fields in order of their names, and what reads them.

    None where the two writers do not agree on them all.
    """
    found = _PLAIN_FIELDS.get(cls)
    if found is None:
        hints = get_type_hints(cls)
        names = tuple(sorted(hints))
        # Of fewer than two it would read no tuple.
        is_plain = len(names) > 1 and all(map(_is_plain_hint, hints.values()))
        found = _PLAIN_FIELDS[cls] = (names, attrgetter(*names)) if is_plain else _NOT_PLAIN
    return found


def _is_plain_hint(hint: Any) -> bool:
    if get_origin(hint) in (tuple, UnionType, Union):
        return all(one is Ellipsis or _is_plain_hint(one) for one in get_args(hint))
    return hint in (int, str, bool, datetime, NoneType)


def fact_of(kind: str, body: dict[str, Any]) -> Any:
    """Return the fact that `body_of` wrote under the class name `kind`."""
    return _adapter(_BY_NAME[kind]).validate_python(body)


def canonical(value: object) -> bytes:
    """Return canonical JSON: sorted keys, no spaces, UTF-8 (RFC 8785 for our value types)."""
    try:
        return orjson.dumps(value, option=_SORTED)
    except TypeError:
        # Beyond 64 bits, or no value of ours: the slow writer knows.
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()


def json_bytes(value: object) -> bytes:
    """Return JSON as the database takes it."""
    try:
        return orjson.dumps(value, option=_PLAIN)
    except TypeError:
        return json.dumps(value, ensure_ascii=False).encode()


def json_text(value: object) -> str:
    """Return JSON as the database takes it, as text."""
    return json_bytes(value).decode()


@lru_cache(maxsize=256)
def stamp(instant: datetime) -> str:
    """Return an instant as RFC 3339 in UTC with whole milliseconds."""
    return f"{instant.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    found = _ADAPTERS.get(cls)
    if found is None:
        found = _ADAPTERS[cls] = TypeAdapter(cls)
    return found
