"""Calls of the schema's own functions: several go as one statement, in one round trip.

Many rows go as JSON arrays, a column each: the driver looks at every element of an array of its
own, and at a text once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import orjson

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Call = tuple[object, ...]
"""A function's name, and its arguments."""


def statement(calls: Sequence[Call]) -> tuple[str, list[object]]:
    """Return the statement that makes the calls in their order, and its arguments."""
    said, given = [], list[object]()
    for name, *arguments in calls:
        places = range(len(given) + 1, len(given) + len(arguments) + 1)
        said.append(f"{name}({', '.join(f'${place}' for place in places)})")
        given += arguments
    return f"select {', '.join(said)}", given


def as_json(given: Sequence[object] | Mapping[str, int]) -> str:
    """Return a column, or figures by name, as JSON."""
    return orjson.dumps(given).decode()


def columns(*given: Sequence[str | int | None]) -> str:
    """Return columns of one length as JSON."""
    return as_json(given)


def documents(given: Sequence[bytes]) -> str:
    """Return documents, each JSON already, as one array."""
    return f"[{b','.join(given).decode()}]"


@lru_cache(maxsize=256)
def micros(instant: datetime) -> int:
    """Return an instant as whole microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND
