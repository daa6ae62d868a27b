"""Tables from the files of other programs and of people who mean harm."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from aggregator.errors import InvalidField
from aggregator.spreadsheets import workbook
from aggregator.spreadsheets.numbers import day_of, plain_number
from aggregator.spreadsheets.reading import read_table
from aggregator.spreadsheets.separated import write_separated
from aggregator.spreadsheets.sheets import Sheet, write_workbook
from aggregator.spreadsheets.tables import MAX_ROWS, letters

CASES = Path(__file__).parents[2] / "cases" / "spreadsheets"
SHEET = "xl/worksheets/sheet1.xml"
ROW = "品种,地区\n白糖,广西\n"


def texts(content: bytes) -> list[tuple[int, list[str]]]:
    table = read_table(content)
    return [(row, [cell.text for cell in cells]) for row, cells in (table.header, *table.lines)]


def wrong(content: bytes) -> list[str]:
    """Return the rules that cells of the rows break by themselves."""
    lines = read_table(content).lines
    return [cell.wrong.rule for _, cells in lines for cell in cells if cell.wrong]


def refusal(content: bytes) -> tuple[str, object]:
    with pytest.raises(InvalidField) as refused:
        read_table(content)
    return refused.value.rule, refused.value.figure


def a_book(
    part: str, *, name: str = SHEET, rows: Sequence[Sequence[str]] = (("a",), ("b",))
) -> bytes:
    """Return a workbook in which one part is replaced."""
    written = BytesIO()
    with (
        ZipFile(BytesIO(write_workbook([Sheet("s", rows)]))) as whole,
        ZipFile(written, "w", ZIP_DEFLATED) as archive,
    ):
        for known in whole.namelist():
            archive.writestr(known, part if known == name else whole.read(known))
    return written.getvalue()


def a_sheet(rows: str, after: str = "") -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return a_book(f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>{after}</worksheet>')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_file_is_read_in_each_encoding_of_spreadsheet_programs(encoding: str) -> None:
    assert texts(ROW.encode(encoding)) == [(1, ["品种", "地区"]), (2, ["白糖", "广西"])]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_is_parted_as_its_header_is(separator: str) -> None:
    text = f'a{separator}"b, or; c"\r\n1{separator}"two\nlines"\r\n'

    assert texts(text.encode()) == [(1, ["a", "b, or; c"]), (2, ["1", "two\nlines"])]


def test_remarks_and_empty_rows_are_left_out_and_rows_keep_their_numbers() -> None:
    assert texts(b"\n,,\na,b\n# x,y\n,\n1,\n") == [(3, ["a", "b"]), (6, ["1"])]


def test_what_a_spreadsheet_would_run_is_refused_unless_it_is_written_as_text() -> None:
    formulas = ["=1+1", "@SUM(A1)", "+cmd", "-x", "\t=1", "\n=1", "\uff1d1+1"]
    text = "a\n" + "\n".join(f'"{formula}"' for formula in formulas) + "\n-5\n"

    assert wrong(text.encode()) == ["no formula; write its value, or text after '"] * 7
    back = texts(write_separated([["a"], *([formula] for formula in formulas)]))
    assert [cells[0] for _, cells in back[1:]] == [formula.strip() for formula in formulas]


def test_signs_that_no_text_has_are_named_at_their_cell() -> None:
    assert wrong(b"a,b\nx\x00y,\x1b[2J\n") == ["plain_text", "plain_text"]
    assert wrong(write_workbook([Sheet("s", [["a"], ["_xD83D_"]])])) == ["plain_text"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "a header and at least one row"),
        (b"a,b\n", "a header and at least one row"),
        (b"\xff\xff\xff\n", "an XLSX file, or CSV in UTF-8 or GB 18030"),
        (b'a\n"b', "csv"),
        (b"a\n" + b"1\n" * (MAX_ROWS + 1), "at most 5000 rows"),
        (b"a\n" + b"\n" * 1_000_000, "at most 5000 rows"),
        (b"a,b\n" + b"," * 100_000 + b"\n", "at most 40 columns"),
        (b"a\n" + b"x" * 6_000_000, "max_bytes"),
        (b"\xd0\xcf\x11\xe0 old", "an XLSX file without a password, not the older XLS"),
        (b"PK\x03\x04 cut", "an XLSX file that can be read"),
    ],
)
def test_a_file_that_is_no_table_or_too_large_is_refused(content: bytes, rule: str) -> None:
    assert refusal(content)[0] == rule


def test_workbooks_of_other_programs_are_read_to_the_digit() -> None:
    row = ["SUGAR-W1", "GX", "2027-03-01", "1200", "5100.3"]

    assert texts((CASES / "openpyxl-1904.xlsx").read_bytes())[1] == (2, row)
    assert texts((CASES / "xlsxwriter-hidden.xlsx").read_bytes())[1] == (4, row)


def test_what_is_written_as_a_workbook_is_read_again() -> None:
    rows = [["品种", "A & <b>"], ["=1+1", " 3 "], ["", "2027-03"]]

    content = write_workbook([Sheet("数据", rows), Sheet("说明", [["x"]])])

    assert texts(content) == [(1, rows[0]), (2, ["=1+1", "3"]), (3, ["", "2027-03"])]
    assert content == write_workbook([Sheet("数据", rows), Sheet("说明", [["x"]])])


def test_formulas_and_their_errors_are_refused_whatever_they_came_to() -> None:
    row = '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="e"><v>#REF!</v></c></row>'
    head = '<row r="1"><c r="A1" t="str"><v>a</v></c></row>'

    assert wrong(a_sheet(head + row)) == [
        "no formula; write its value",
        "a value, and no error of a formula",
    ]


def test_merged_cells_are_refused_by_their_place() -> None:
    head = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c><v>1</v></c></row>'
    merged = '<mergeCells><mergeCell ref="A2:B2"/></mergeCells>'

    assert refusal(a_sheet(head, merged)) == ("no merged cells", "A2:B2")


@pytest.mark.parametrize(
    "row",
    [
        '<row r="x"/>',
        '<row r="1048577"/>',
        f'<row r="{10**20}"/>',
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        f'<row r="1"><c r="A1" t="s"><v>{10**20}</v></c></row>',
        '<row r="1"><c r="a1"><v>1</v></c></row>',
        '<row r="1"><c r="ZZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c t="z"><v>1</v></c></row>',
        '<row r="1"><c s="-"><v>1</v></c></row>',
        "<row",
    ],
)
def test_a_sheet_that_is_none_is_refused(row: str) -> None:
    rule, figure = refusal(a_sheet(row))

    assert rule == "an XLSX file that can be read"
    assert not isinstance(figure, int)  # it could be too large for JSON


def test_entities_are_never_unfolded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'

    assert refusal(a_book(bomb))[0] == "xml_safe"
    assert refusal(a_book(bomb, name="xl/workbook.xml"))[0] == "xml_safe"


def test_a_bomb_stops_at_its_limit_whatever_its_header_says() -> None:
    content = a_sheet(f'<row r="1"><c t="str"><v>{" " * 40_000_000}</v></c></row>')
    at = content.index(SHEET.encode(), content.index(b"PK\x01\x02"))
    lying = content[: at - 22] + struct.pack("<I", 100) + content[at - 18 :]

    assert len(content) < 100_000
    assert refusal(content)[0] == "an XLSX file of at most 24 MB unpacked"
    assert refusal(lying)[0].startswith("an XLSX file")


def test_elements_are_counted_however_small_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ELEMENTS", 1_000)
    rule = "an XLSX file of at most 1000 elements"

    assert refusal(a_sheet(f'<row r="1">{"<c/>" * 1_000}</row>'))[0] == rule
    assert refusal(a_sheet("", "<x/>" * 1_000))[0] == rule


def test_a_book_that_points_outside_or_nowhere_is_refused() -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    for target in ('Target="http://127.0.0.1/x" TargetMode="External"', 'Target="../../etc/x"'):
        listed = (
            f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{kind}" {target}/>'
        )
        book = a_book(f"{listed}</Relationships>", name="xl/_rels/workbook.xml.rels")
        assert refusal(book)[0] == "an XLSX file that can be read"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("5100.299999999999", "5100.3"),
        ("15000.300000000001", "15000.3"),
        ("1.2345E3", "1234.5"),
        ("0", "0"),
        ("-0.00", "0"),
        ("-1e-7", "-0.0000001"),
        ("1e300", None),
        ("nan", None),
        ("１", None),
    ],
)
def test_a_number_is_its_first_fifteen_digits(written: str, plain: str | None) -> None:
    assert plain_number(written) == plain


@pytest.mark.parametrize(
    ("number", "is_from_1904", "day"),
    [
        ("46447", False, "2027-03-01"),
        ("44985", True, "2027-03-01"),
        ("46447.75", False, "2027-03-01T18:00:00"),
        ("59", False, "1900-02-28"),
        ("60", False, None),
        ("61", False, "1900-03-01"),
        ("-1", False, None),
        ("99999999", False, None),
    ],
)
def test_a_day_is_counted_from_its_epoch(number: str, is_from_1904: bool, day: str | None) -> None:
    assert day_of(number, is_from_1904=is_from_1904) == day


def test_columns_are_named_by_letters() -> None:
    assert [letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_no_bytes_break_the_reader() -> None:
    whole = write_workbook([Sheet("s", [["a"], ["b"]])])
    for seed in range(300):
        at = zlib.crc32(seed.to_bytes(4, "big")) % len(whole)
        broken = bytearray(whole)
        broken[at] ^= 1 + seed % 255
        with suppress(InvalidField):
            read_table(bytes(broken))
