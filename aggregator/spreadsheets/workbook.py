"""The first visible sheet of an XLSX workbook, read as it streams by.

Numbers are taken as the file writes them. No formula is worked out, and its stored
result is not taken either: nobody sees where it comes from. Merged cells are refused, because
what they mean depends on who reads them. Nothing outside the file is asked for. Each part is
counted while it is unpacked, whatever its header says, so that a bomb stops at its limit.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from aggregator.errors import InvalidField
from aggregator.spreadsheets.numbers import day_of, plain_number
from aggregator.spreadsheets.tables import FILE, Cell, Line, Table, cell_of, table_of

ZIP = b"PK\x03\x04"
OLD = b"\xd0\xcf\x11\xe0"
"""How the older XLS begins, and an XLSX under a password."""
MAX_PART, MAX_SHEET = 8 * 1024 * 1024, 24 * 1024 * 1024
MAX_ELEMENTS = 1_000_000
"""Of a part: some for each cell of the largest table. Empty ones cost far more than their bytes."""
_MAX_PARTS = 1_000
_MAX_PLACE, _MAX_ROW = 16_384, 1_048_576
_UNREADABLE = "an XLSX file that can be read"
_FAULTS = (
    *(BadZipFile, ParseError, zlib.error, EOFError, OSError, RuntimeError),
    *(LookupError, ValueError, OverflowError),
)
# The formats that are dates by number alone, those of Chinese and Japanese calendars included.
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def read_workbook(content: bytes) -> Table:
    """Return the table of the first visible sheet.

    Raises:
        InvalidField: it cannot be read, or is not to be trusted, or too much of it.

    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            if len(archive.infolist()) > _MAX_PARTS:
                raise InvalidField(FILE, _UNREADABLE)
            return _table(_Parts(archive))
    except DefusedXmlException as unsafe:
        raise InvalidField(FILE, "xml_safe", type(unsafe).__name__) from None
    except _FAULTS as fault:
        raise InvalidField(FILE, _UNREADABLE, type(fault).__name__) from None


@dataclass
class _Counted:
    """A part as it is unpacked, up to a limit."""

    stream: IO[bytes]
    left: int
    limit: int

    def read(self, size: int = -1) -> bytes:
        found = self.stream.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(found)
        if self.left < 0:
            most = self.limit // 1024**2
            raise InvalidField(FILE, f"an XLSX file of at most {most} MB unpacked")
        return found


@dataclass
class _Parts:
    """The parts of a workbook by their names."""

    archive: ZipFile

    def elements(
        self, name: str, limit: int, events: Sequence[str] = ("end",)
    ) -> Iterator[tuple[str, str, Any]]:
        """Yield each event with the local name of its element and the element."""
        with self.archive.open(name) as stream:
            counted = _Counted(stream, limit, limit)
            found = iterparse(counted, events=events, forbid_dtd=True)
            for number, (event, element) in enumerate(found):
                if number >= MAX_ELEMENTS * len(events):
                    raise InvalidField(FILE, f"an XLSX file of at most {MAX_ELEMENTS} elements")
                yield event, _local(element.tag), element

    def targets(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Return the kind and the name of each part that a part points to, by their ids."""
        folder, base = posixpath.split(name)
        listed = posixpath.join(folder, "_rels", f"{base}.rels")
        found = {}
        for _, tag, element in self.elements(listed, MAX_PART):
            if tag == "Relationship" and element.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", "")))
                kind = element.get("Type", "").rpartition("/")[2]
                found[element.get("Id", "")] = kind, target.lstrip("/")
        return found


@dataclass
class _Book:
    """What the cells of a sheet are read with."""

    shared: Sequence[str]
    date_styles: frozenset[int]
    is_from_1904: bool


def _table(parts: _Parts) -> Table:
    roots = [name for kind, name in parts.targets("").values() if kind == "officeDocument"]
    main = roots[0]
    targets = parts.targets(main)
    named = dict(targets.values())
    sheets, is_from_1904 = _sheets(parts, main)
    visible = [(sheet, *targets[relation]) for sheet, relation in sheets]
    named_parts = [(sheet, part) for sheet, kind, part in visible if kind == "worksheet"]
    if not named_parts:
        raise InvalidField(FILE, "a visible sheet")
    sheet, name = named_parts[0]
    shared = list(_shared(parts, named["sharedStrings"])) if "sharedStrings" in named else []
    styles = _date_styles(parts, named["styles"]) if "styles" in named else frozenset()
    book = _Book(shared, styles, is_from_1904)
    return table_of(cell_of(sheet).text, _rows(parts, name, book))


def _sheets(parts: _Parts, main: str) -> tuple[list[tuple[str, str]], bool]:
    """Return name and relation of the visible sheets, and whether days count from 1904."""
    found, is_from_1904 = [], False
    for _, tag, element in parts.elements(main, MAX_PART):
        if tag == "workbookPr":
            is_from_1904 = element.get("date1904") in ("1", "true")
        if tag == "sheet" and element.get("state", "visible") == "visible":
            relation = element.get(_RELATION) or element.get(_STRICT_RELATION) or ""
            found.append((element.get("name", ""), relation))
    return found, is_from_1904


def _shared(parts: _Parts, name: str) -> Iterator[str]:
    for _, tag, element in parts.elements(name, MAX_PART):
        if tag == "si":
            yield _text(element)
            element.clear()


def _date_styles(parts: _Parts, name: str) -> frozenset[int]:
    """Return the numbers of the styles that show a number as a date."""
    written: dict[str, str] = {}
    styles: list[str] = []
    for _, tag, element in parts.elements(name, MAX_PART):
        if tag == "numFmt":
            written[element.get("numFmtId", "")] = element.get("formatCode", "")
        if tag == "cellXfs":
            styles = [style.get("numFmtId", "0") for style in element if _local(style.tag) == "xf"]
    return frozenset(
        place
        for place, number in enumerate(styles)
        if (_is_date(written[number]) if number in written else int(number) in _DATES)
    )


def _is_date(code: str) -> bool:
    shown = _NOT_SHOWN.sub("", code).lower()
    return shown != "general" and any(sign in shown for sign in "ymdhs")


def _rows(parts: _Parts, name: str, book: _Book) -> Iterator[Line]:
    number, holder = 0, None
    for event, tag, element in parts.elements(name, MAX_SHEET, ("start", "end")):
        if event == "start":
            holder = element if tag == "sheetData" else holder
        elif tag == "mergeCell":
            raise InvalidField(FILE, "no merged cells", element.get("ref", "")[:20])
        elif tag == "row":
            number = int(element.get("r") or number + 1)
            if not 1 <= number <= _MAX_ROW:
                raise InvalidField(FILE, _UNREADABLE)
            yield number, _cells(element, book)
            if holder is not None:
                holder.clear()


def _cells(row: Any, book: _Book) -> Sequence[Cell]:
    found: list[Cell] = []
    for element in row:
        if _local(element.tag) != "c":
            continue
        place = _place(element.get("r"), len(found))
        if not len(found) <= place < _MAX_PLACE:
            raise InvalidField(FILE, _UNREADABLE, element.get("r", "")[:20])
        cell = _cell(element, book)
        if cell:
            found += [Cell()] * (place - len(found))
            found.append(cell)
    return found


def _place(reference: str | None, following: int) -> int:
    if reference is None:
        return following
    found = _PLACE.fullmatch(reference)
    if found is None:
        raise InvalidField(FILE, _UNREADABLE, reference[:20])
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _cell(element: Any, book: _Book) -> Cell:
    children = {_local(child.tag): child for child in element}
    if "f" in children:
        formula = f"={children['f'].text or ''}"
        return Cell("=", InvalidField("", "no formula; write its value", formula))
    kind = element.get("t", "n")
    written = (children["v"].text or "") if "v" in children else ""
    if kind == "inlineStr":
        return cell_of(_text(children["is"])) if "is" in children else Cell()
    if not written:
        return Cell()
    read = _READ.get(kind)
    if read is None:
        raise InvalidField(FILE, _UNREADABLE, kind[:20])
    return read(written, element, book)


def _shared_cell(written: str, _: Any, book: _Book) -> Cell:
    place = int(written)
    if not 0 <= place < len(book.shared):
        raise InvalidField(FILE, _UNREADABLE)
    return cell_of(book.shared[place])


def _number_cell(written: str, element: Any, book: _Book) -> Cell:
    number = plain_number(written.strip())
    if number is None:
        return Cell("?", InvalidField("", "a number", written))
    if int(element.get("s", "0")) not in book.date_styles:
        return Cell(number)
    day = day_of(number, is_from_1904=book.is_from_1904)
    return Cell(number, InvalidField("", "day", number)) if day is None else Cell(day)


_READ: Mapping[str, Callable[[str, Any, _Book], Cell]] = {
    "s": _shared_cell,
    "n": _number_cell,
    "str": lambda written, _, __: cell_of(_unescaped(written)),
    "d": lambda written, _, __: cell_of(written),
    "b": lambda written, _, __: Cell("TRUE" if written == "1" else "FALSE"),
    "e": lambda written, _, __: Cell(
        "?", InvalidField("", "a value, and no error of a formula", written)
    ),
}


def _text(holder: Any) -> str:
    """Return the text of a string, its runs joined, what tells how it is read out left out."""
    found = []
    for child in holder:
        tag = _local(child.tag)
        if tag == "t":
            found.append(child.text or "")
        elif tag == "r":
            found += [part.text or "" for part in child if _local(part.tag) == "t"]
    return _unescaped("".join(found))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
