"""Delivery months, and the cells they make with an instrument and a region."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregator.errors import InvalidField

_TENOR = re.compile(r"(20[2-9][0-9])-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Cell:
    """Instrument × region × delivery month: what a price is for."""

    instrument_id: str
    region: str
    tenor: str

    def __str__(self) -> str:
        return f"{self.instrument_id}/{self.region}/{self.tenor}"


def parse_cell(text: str, pointer: str = "/cell") -> Cell:
    """Return the cell of `INSTRUMENT/REGION/TENOR`.

    Raises:
        InvalidField: it has not three parts, or the last is no month.

    """
    parts = text.split("/")
    if len(parts) != 3 or not all(parts):
        raise InvalidField(pointer, "INSTRUMENT/REGION/YYYY-MM", text[:80])
    return Cell(parts[0], parts[1], checked_tenor(parts[2], pointer))


def checked_tenor(tenor: str, pointer: str = "/tenor") -> str:
    """Return a delivery month such as `2027-03`, or raise InvalidField."""
    if not _TENOR.fullmatch(tenor):
        raise InvalidField(pointer, "a delivery month YYYY-MM", tenor[:20])
    return tenor


def first_day(tenor: str) -> datetime:
    """Return the first instant of a delivery month, in UTC."""
    year, month = checked_tenor(tenor).split("-")
    return datetime(int(year), int(month), 1, tzinfo=UTC)


def after_month(tenor: str) -> datetime:
    """Return the first instant after a delivery month, in UTC."""
    year, month = (int(part) for part in checked_tenor(tenor).split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
