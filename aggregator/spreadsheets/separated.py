"""CSV files as spreadsheet programs of China, Europe and elsewhere write them.

UTF-8 with or without its mark, UTF-16 with it, or GB 18030; commas, semicolons or tabs, whichever
the header has most of. A cell that a spreadsheet would run is refused unless a `'` before
it says that it is text, which is how this market writes such cells.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from aggregator.errors import InvalidField
from aggregator.spreadsheets.tables import (
    FILE,
    MAX_CELL,
    MAX_COLUMNS,
    RUN,
    Cell,
    Line,
    Table,
    as_text,
    cell_of,
    table_of,
)

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAX_SPARE = 1_000
"""Columns, those that are empty included."""
_NUMBER = re.compile(r"[+-][0-9.,]+")
_SEPARATORS = (",", ";", "\t")


def read_separated(content: bytes) -> Table:
    """Return the table of a CSV file.

    Raises:
        InvalidField: it is no text, no CSV, or too much of it.

    """
    text = _decoded(content)
    return table_of("", _rows(text, _separator(text)))


def write_separated(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file that spreadsheet programs open as it is meant, and run nothing of."""
    return write_as_it_is([as_text(text) for text in row] for row in rows)


def write_as_it_is(rows: Iterable[Iterable[object]]) -> bytes:
    """Return a CSV file of cells that nobody typed: an amount below zero is no formula."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode("utf-8-sig")


def _decoded(content: bytes) -> str:
    is_wide = content.startswith(_UTF16)
    encodings = ["utf-16"] if is_wide else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidField(FILE, "an XLSX file, or CSV in UTF-8 or GB 18030")


def _separator(text: str) -> str:
    """Return the sign that the header has most of outside quotes."""
    header = text.lstrip("\r\n").partition("\n")[0]
    bare = re.sub(r'"[^"]*"', "", header)
    return max(_SEPARATORS, key=lambda sign: (bare.count(sign), -_SEPARATORS.index(sign)))


def _rows(text: str, separator: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if len(row) > _MAX_SPARE:
                raise InvalidField(FILE, f"at most {MAX_COLUMNS} columns", len(row))
            yield number, [_cell(text) for text in row]
    except csv.Error as error:
        raise InvalidField(FILE, "csv", f"{number + 1}: {str(error)[:80]}") from None


def _cell(text: str) -> Cell:
    plain = text.strip(" \u00a0\u3000")
    if plain.startswith("'") and plain[1:].startswith(RUN):
        return cell_of(plain[1:])
    if plain.startswith(("=", "@")) or (plain[:1] in RUN and not _NUMBER.fullmatch(plain)):
        wrong = InvalidField("", "no formula; write its value, or text after '", plain)
        return Cell(plain[:MAX_CELL], wrong)
    return cell_of(plain)
