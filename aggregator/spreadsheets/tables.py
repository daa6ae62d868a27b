"""What a file holds, as cells: the same for a CSV file and for a sheet of a workbook.

A row that is empty and one whose first filled cell begins with `#` are left out. What a cell holds
is its text, and what is wrong with it by itself, if anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggregator.errors import InvalidField

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS, MAX_COLUMNS, MAX_CELL = 5_000, 40, 500
MAX_SPARE = 20_000
"""Rows that are left out, at most."""
FILE = "/file"
# What a program that shows the file as a spreadsheet takes for a formula, full-width signs too
# where it is set to Chinese or Japanese.
RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Halves of signs come from what an XLSX file writes as _xD800_.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `wrong` is the refusal of one that breaks a rule wherever it stands.

    A number is plain decimal text, a day `2027-03-01`, an instant `2027-03-01T18:00:00`.
    """

    text: str = ""
    wrong: InvalidField | None = None

    def __bool__(self) -> bool:
        return bool(self.text) or self.wrong is not None


Line = tuple[int, Sequence[Cell]]
"""A row's number, as a spreadsheet program counts it, and its cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows below it; `sheet` is empty for a CSV file."""

    sheet: str
    header: Line
    lines: Sequence[Line]


def cell_of(text: str) -> Cell:
    """Return a cell that holds text."""
    plain = text.strip()
    if len(plain) > MAX_CELL:
        wrong = InvalidField("", f"at most {MAX_CELL} characters in a cell", len(plain))
        return Cell(plain[:MAX_CELL], wrong)
    if _NO_TEXT.search(plain):
        return Cell(plain, InvalidField("", "plain_text", plain))
    return Cell(plain)


def table_of(sheet: str, rows: Iterable[Line]) -> Table:
    """Return the table that rows make, the first filled one being its header.

    Raises:
        InvalidField: there is none, or too much of it.

    """
    header: Line | None = None
    lines: list[Line] = []
    spare = 0
    for number, cells in rows:
        filled = _filled(cells)
        if not filled or _first(filled).startswith(("#", "＃")):
            spare += 1
            if spare > MAX_SPARE:
                raise InvalidField(FILE, f"at most {MAX_ROWS} rows", number)
            continue
        if len(filled) > MAX_COLUMNS:
            raise InvalidField(FILE, f"at most {MAX_COLUMNS} columns", len(filled))
        if header is None:
            header = number, filled
        elif len(lines) == MAX_ROWS:
            raise InvalidField(FILE, f"at most {MAX_ROWS} rows", number)
        else:
            lines.append((number, filled))
    if header is None or not lines:
        raise InvalidField(FILE, "a header and at least one row")
    return Table(sheet, header, lines)


def letters(place: int) -> str:
    """Return the letters of a column, the first being 0: 0 → A, 26 → AA."""
    found = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def as_text(text: str) -> str:
    """Return what a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(RUN) else text


def _filled(cells: Sequence[Cell]) -> Sequence[Cell]:
    last = next((place for place in reversed(range(len(cells))) if cells[place]), -1)
    return cells[: last + 1]


def _first(cells: Sequence[Cell]) -> str:
    return next(cell.text for cell in cells if cell)
