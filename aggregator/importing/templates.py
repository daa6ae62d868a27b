"""Files to begin with: an empty table with an example, and the firm's own as a table."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from aggregator.importing.kinds import Kind
from aggregator.importing.known import known_to
from aggregator.market import Actor, Market
from aggregator.spreadsheets.separated import write_separated
from aggregator.spreadsheets.sheets import Sheet, write_workbook

Format = Literal["csv", "xlsx"]
_WORDS = {
    "zh": {
        "requests": "需求",
        "offers": "报价",
        "help": "填写说明",
        "column": "栏目",
        "needed": "必填",
        "yes": "是",
        "no": "",
        "meaning": "含义",
        "note": "以 # 开头的行不会导入。不要合并单元格，也不要使用公式。",
    },
    "en": {
        "requests": "Requests",
        "offers": "Offers",
        "help": "What the columns mean",
        "column": "Column",
        "needed": "Needed",
        "yes": "yes",
        "no": "",
        "meaning": "Meaning",
        "note": "Rows that begin with # are left out. Merge no cells and write no formulas.",
    },
}


def template(kind: Kind, language: str, wanted: Format) -> bytes:
    """Return an empty table in a language, with an example that is not imported."""
    example = [column.example for column in kind.columns]
    return _file(kind, language, wanted, [[f"# {example[0]}", *example[1:]]])


async def own_file(
    market: Market, actor: Actor, kind: Kind, language: str, wanted: Format
) -> bytes:
    """Return the firm's own drafts or standing offers, as a file that can be imported again.

    It is written beside the loop that serves everybody.
    """
    actor.require(kind.act)
    known = await known_to(actor, market.clock.now())
    found: Sequence[Mapping[str, str]] = await kind.own(actor, known)
    rows = [[texts.get(column.name, "") for column in kind.columns] for texts in found]
    return await asyncio.to_thread(_file, kind, language, wanted, rows)


def _file(kind: Kind, language: str, wanted: Format, rows: Sequence[Sequence[str]]) -> bytes:
    header = [column.zh if language == "zh" else column.en for column in kind.columns]
    if wanted == "csv":
        return write_separated([header, *rows])
    words = _WORDS[language]
    notes = [
        [
            column.zh if language == "zh" else column.en,
            words["yes" if column.default is ... else "no"],
            column.note_zh if language == "zh" else column.note_en,
        ]
        for column in kind.columns
    ]
    explained = [[words["column"], words["needed"], words["meaning"]], *notes, [words["note"]]]
    return write_workbook(
        [Sheet(words[kind.name], [header, *rows]), Sheet(words["help"], explained, width=44)]
    )
