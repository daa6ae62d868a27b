"""Facts and figures as plain JSON values."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any


def value(found: object) -> Any:
    """Return integers, texts, lists and objects only; instants as RFC 3339 in UTC."""
    if found is None or isinstance(found, bool | int | str):
        return found
    if isinstance(found, datetime):
        return instant(found)
    if isinstance(found, tuple | list):
        return [value(part) for part in found]
    if is_dataclass(found):
        return {field.name: value(getattr(found, field.name)) for field in fields(found)}
    raise TypeError(f"no plain form of {type(found).__name__}")


def event(seq: int, found: object) -> dict[str, Any]:
    """Return a fact with its number and its name in small letters."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(found).__name__).lower()
    body = value(found)
    own = {"bid_seq": body.pop("seq")} if "seq" in body else {}
    return {"seq": seq, "event": name, **body, **own}


def instant(at: datetime) -> str:
    """Return milliseconds, or microseconds where there are some."""
    precision = "microseconds" if at.microsecond % 1000 else "milliseconds"
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
