"""Columns by their headers, in either language and any order, and the values of their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.errors import InvalidField
from aggregator.importing.figures import plain
from aggregator.importing.known import Known
from aggregator.refusals import Refusal
from aggregator.spreadsheets.tables import Cell, Table, letters


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the API, its headers, what is told of it, and how it is read.

    Without a `default` every row needs a value; `is_shared` says that it belongs to the whole
    offer, so that its further rows may leave it empty.
    """

    name: str
    zh: str
    en: str
    note_zh: str
    note_en: str
    example: str
    read: Callable[[str, Known], Any]
    default: object = ...
    is_shared: bool = False

    @property
    def title(self) -> str:
        return f"{self.zh} / {self.en}"

    @property
    def headers(self) -> frozenset[str]:
        return frozenset(plain(text) for text in (self.name, self.zh, self.en))


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell or a row at fault; `column` is its letters, empty where the row itself is."""

    row: int
    column: str
    header: str
    refusal: Refusal


@dataclass(slots=True)
class Values:
    """A row's values by the names of their columns, without those it leaves empty."""

    row: int
    found: dict[str, Any] = field(default_factory=dict)
    is_sound: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column of a kind stands in a table, and what its header says there."""

    columns: Sequence[Column]
    places: Mapping[str, int]
    headers: Mapping[str, str]

    def fault(self, row: int, name: str, refusal: Refusal) -> Fault:
        """Return the fault of a cell, or of its whole row where the column is not there."""
        place = self.places.get(name)
        return Fault(
            row,
            "" if place is None else letters(place),
            self.headers.get(name) or next((c.title for c in self.columns if c.name == name), ""),
            refusal,
        )


def layout_of(table: Table, columns: Sequence[Column]) -> tuple[Layout, Sequence[Fault]]:
    """Find the columns by their headers; unknown, doubled and missing ones are faults."""
    row, cells = table.header
    by_header = {header: column for column in columns for header in column.headers}
    places: dict[str, int] = {}
    headers: dict[str, str] = {}
    faults: list[Fault] = []
    for place, cell in enumerate(cells):
        column = by_header.get(plain(cell.text))
        if column is None or cell.wrong:
            refusal = cell.wrong or InvalidField("", "a header of the template", cell.text)
            faults.append(Fault(row, letters(place), shown(cell.text), _plain(refusal)))
        elif column.name in places:
            refusal = InvalidField("", "each header once", cell.text)
            faults.append(Fault(row, letters(place), shown(cell.text), _plain(refusal)))
        else:
            places[column.name], headers[column.name] = place, cell.text
    missing = [c for c in columns if c.default is ... and c.name not in places]
    for column in missing:
        refusal = InvalidField(f"/{column.name}", "a column of this header", column.en)
        faults.append(Fault(row, "", column.title, refusal))
    return Layout(columns, places, headers), faults


def values_of(table: Table, layout: Layout, known: Known) -> Iterator[tuple[Values, list[Fault]]]:
    """Yield each row's values and what is wrong with its cells."""
    for row, cells in table.lines:
        values, faults = Values(row), []
        for column in layout.columns:
            place = layout.places.get(column.name, len(cells))
            cell = cells[place] if place < len(cells) else Cell()
            try:
                if cell.wrong:
                    raise cell.wrong
                if cell:
                    values.found[column.name] = column.read(cell.text, known)
            except InvalidField as refusal:
                named = _plain(refusal, f"/{column.name}")
                faults.append(layout.fault(row, column.name, named))
        for place in range(len(cells)):
            if place not in layout.places.values() and cells[place]:
                unnamed = InvalidField("", "no cell without a header", cells[place].text)
                faults.append(Fault(row, letters(place), "", _plain(unnamed)))
        values.is_sound = not faults
        yield values, faults


def shown(text: str) -> str:
    """Return text as it can be shown anywhere, signs that are not seen by their numbers."""
    written = (sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text[:40])
    return "".join(written)


def _plain(refusal: InvalidField, pointer: str = "") -> InvalidField:
    figure = refusal.figure
    said = shown(figure) if isinstance(figure, str) else figure
    return InvalidField(pointer, refusal.rule, said)
