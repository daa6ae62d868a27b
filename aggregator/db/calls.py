"""Calls of the schema's own functions: several go as one statement, in one round trip.

Many rows go a column each, as one text: the driver looks at every element of an array of its
own, and at a text once. The database takes marked texts apart sooner than JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import orjson

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END, _END_OF_DOCUMENT = "\x1f", b"\x1f"
_ZERO = r"\u0000"
_ESCAPED_ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

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


def texts(given: Sequence[str]) -> str:
    """Return a column of texts as one, each with its end marked; none may hold the mark."""
    if not given:
        return ""
    marked = f"{_END.join(given)}{_END}"
    if marked.count(_END) != len(given):
        raise ValueError("a text holds the mark of its end")
    return marked


def numbers(given: Sequence[int]) -> str:
    """Return a column of numbers as the text of a database's array."""
    return f"{{{orjson.dumps(given).decode()[1:-1]}}}"


def documents(given: Sequence[bytes]) -> str:
    """Return a column of documents, each JSON already, which escapes what marks an end."""
    if not given:
        return ""
    marked = f"{_END_OF_DOCUMENT.join(given).decode()}{_END}"
    # The database would take it, and fail whoever looks a name up in it. Nearly none escapes.
    if "\\" in marked and _ZERO in marked and _ESCAPED_ZERO.search(marked):
        raise ValueError("a document holds a zero character")
    return marked


def columns(*given: Sequence[str | int | None]) -> str:
    """Return columns of one length as JSON."""
    return orjson.dumps(given).decode()


@lru_cache(maxsize=256)
def micros(instant: datetime) -> int:
    """Return an instant as whole microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND
