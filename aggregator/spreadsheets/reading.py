"""A table from the bytes of a file, whichever kind it is."""

from __future__ import annotations

from aggregator.errors import InvalidField
from aggregator.spreadsheets import separated, workbook
from aggregator.spreadsheets.tables import FILE, MAX_BYTES, Table


def read_table(content: bytes) -> Table:
    """Return the table of a CSV or XLSX file.

    Raises:
        InvalidField: neither, not to be trusted, or too much of it.

    """
    if len(content) > MAX_BYTES:
        raise InvalidField(FILE, "max_bytes", MAX_BYTES)
    if content.startswith(workbook.OLD):
        raise InvalidField(FILE, "an XLSX file without a password, not the older XLS")
    if content.startswith(workbook.ZIP):
        return workbook.read_workbook(content)
    return separated.read_separated(content)
