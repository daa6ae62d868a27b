"""The fixed partition of the market: instrument × region × tenor.

A cell is written `SUGAR-W1/GX/2027-03`. Nothing is ever published about any other set of
deals, so no two publications can be subtracted from each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from matching.errors import RuleViolation


@dataclass
class CellMalformed(RuleViolation):
    """A cell that is not `instrument/region/yyyy-mm`."""

    code: ClassVar[str] = "cell_malformed"
    cell: str


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Ordered by instrument, region, tenor."""

    instrument: str
    region: str
    tenor: str

    def __str__(self) -> str:
        return f"{self.instrument}/{self.region}/{self.tenor}"


def parse_cell(text: str) -> Cell:
    """Read a cell.

    Raises:
        CellMalformed: it has not three parts, or the last is not a month.

    """
    parts = text.split("/")
    if len(parts) != 3 or not all(parts) or not is_tenor(parts[2]):
        raise CellMalformed(text)
    return Cell(*parts)


def is_tenor(text: str) -> bool:
    """Tell whether a text is a month such as `2027-03`."""
    year, dash, month = text[:4], text[4:5], text[5:]
    is_digits = text.isascii() and year.isdigit() and month.isdigit()
    return len(text) == 7 and dash == "-" and is_digits and 1 <= int(month) <= 12
