"""A document as PDF: title, facts, tables and paragraphs on A4, in Chinese and Latin script.

Chinese is set in the Adobe-GB1 font that every PDF reader knows by name, so the file needs no
font of its own and stays small. The same content makes the same bytes on every machine.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from aggregator.amounts import decimal_text

LATIN, LATIN_BOLD, CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"
MARGIN = 18 * mm
# A frame keeps this much beside what stands in it; tables are to line up with the text.
_PADDING = 6
_WIDTH = A4[0] - 2 * MARGIN - 2 * _PADDING
_INK = colors.HexColor("#1d2733")
_SOFT = colors.HexColor("#5b6b7a")
_RULE = colors.HexColor("#c9d3dc")
_SHADE = colors.HexColor("#eef3f6")
# What Helvetica's own encoding cannot show is set in the Chinese font.
_FOREIGN = re.compile(r"[^\u0000-\u00ff\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac]+")


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values, one pair a line, below a heading."""

    heading: str
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a heading; columns from `first_number` on are figures, set to the right."""

    heading: str
    labels: Sequence[str]
    rows: Sequence[Sequence[str]]
    first_number: int
    widths: Sequence[int] = ()
    has_sum: bool = False


@dataclass(frozen=True, slots=True)
class Clauses:
    """Numbered paragraphs below a heading."""

    heading: str
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed. `footer` stands on every page, with the page's number for its `#`."""

    title: str
    subtitle: str
    parts: Sequence[Facts | Grid | Clauses]
    footer: str


def pdf(paper: Paper) -> bytes:
    """Return the document as a PDF file."""
    _fonts()
    out = io.BytesIO()
    template = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN + 6 * mm,
        title=paper.title,
        author="",
        invariant=1,
    )
    story: list[Any] = [
        _said(paper.title, "title"),
        _said(paper.subtitle, "soft"),
        Spacer(0, 6 * mm),
    ]
    for part in paper.parts:
        story += _drawn(part)

    def foot(canvas: Any, _: Any) -> None:
        canvas.saveState()
        text = paper.footer.replace("#", str(canvas.getPageNumber()))
        line = _said(text, "foot")
        line.wrap(_WIDTH, 20 * mm)
        line.drawOn(canvas, MARGIN + _PADDING, 12 * mm)
        canvas.restoreState()

    template.build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def grouped(minor: int, currency: str) -> str:
    """Return an amount as it is read on paper, its thousands set apart."""
    whole, _, part = decimal_text(minor, currency).lstrip("-").partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}.{part}"


def _drawn(part: Facts | Grid | Clauses) -> list[Any]:
    heading = _said(part.heading, "heading")
    if isinstance(part, Clauses):
        texts = [
            _said(f"{number}. {text}", "text") for number, text in enumerate(part.texts, start=1)
        ]
        return [heading, *texts, Spacer(0, 3 * mm)]
    table = _facts(part) if isinstance(part, Facts) else _grid(part)
    return [heading, table, Spacer(0, 4 * mm)]


def _facts(part: Facts) -> Table:
    rows = [[_said(label, "soft"), _said(value, "text")] for label, value in part.pairs]
    table = Table(rows, colWidths=[42 * mm, _WIDTH - 42 * mm])
    flush = ("LEFTPADDING", (0, 0), (0, -1), 0)
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_TIGHT, flush]))
    return table


def _grid(part: Grid) -> Table:
    def cell(text: str, column: int, name: str) -> Paragraph:
        return _said(text, f"{name} number" if column >= part.first_number else name)

    rows = [[cell(label, i, "label") for i, label in enumerate(part.labels)]]
    rows += [[cell(text, i, "text") for i, text in enumerate(row)] for row in part.rows]
    weights = part.widths or [1] * len(part.labels)
    table = Table(rows, colWidths=[_WIDTH * w / sum(weights) for w in weights], repeatRows=1)
    lines: list[Any] = [
        ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        *_TIGHT,
    ]
    if part.has_sum:
        lines.append(("LINEABOVE", (0, -1), (-1, -1), 1, _INK))
    table.setStyle(TableStyle(lines))
    return table


def _said(text: str, style: str) -> Paragraph:
    # A figure and its sign stay on one line.
    kept = text.replace(" %", "\u00a0%")
    return Paragraph(_mixed(kept), _style(style, is_chinese=bool(_FOREIGN.search(text))))


_TIGHT: list[Any] = [
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
]


@cache
def _style(name: str, *, is_chinese: bool) -> ParagraphStyle:
    kind, _, side = name.partition(" ")
    size = {"title": 17, "heading": 11.5, "foot": 7.5, "label": 8.5, "soft": 9}.get(kind, 9)
    return ParagraphStyle(
        f"{name} zh" if is_chinese else name,
        fontName=LATIN_BOLD if kind in ("title", "heading", "label") else LATIN,
        fontSize=size,
        leading=size * 1.4,
        textColor=_SOFT if kind in ("soft", "foot", "label") else _INK,
        alignment=TA_RIGHT if side else 0,
        spaceBefore=4 if kind == "heading" else 0,
        spaceAfter=3 if kind in ("title", "heading", "text") else 0,
        # Chinese breaks between any two signs, Latin words stay whole.
        wordWrap="CJK" if is_chinese else None,
    )


@cache
def _fonts() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def _mixed(text: str) -> str:
    """Return text as markup, with what the Latin font lacks in the Chinese one."""
    return _FOREIGN.sub(lambda found: f'<font name="{CHINESE}">{found[0]}</font>', escape(text))
