"""What the README asks a new user to press, type and log in as is there, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from web.demonstration.world import FIRMS, OPERATOR_LOGIN, PASSWORD
from web.locale import keys, words

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
TOLD = README.partition("## A guided tour")[2].partition("## Map")[0]


def _labels(language: str) -> dict[str, str]:
    return {key: words(language, key) or "" for key in keys(language)}


def test_a_label_in_both_languages_is_one_of_the_pages() -> None:
    chinese, english = _labels("zh"), _labels("en")
    pairs = set(re.findall(r"([\u4e00-\u9fff]+) /\s+\*([^*]+)\*", TOLD))
    known = {(chinese[key], text) for key, text in english.items()}

    assert len(pairs) > 8
    assert pairs <= known, pairs - known


def test_a_label_in_english_alone_is_one_of_the_pages() -> None:
    # A figure that the market fills in stands as an ellipsis; a label begins with a word of ours.
    texts = [text for text in _labels("en").values() if re.match("[A-Z]", text)]
    shapes = [re.compile(re.escape(text).replace("…", ".+")) for text in texts]
    alone = set(re.findall(r"\*([^*\n]+)\*", TOLD))

    lost = {label for label in alone if not any(shape.fullmatch(label) for shape in shapes)}

    assert not lost


def test_who_is_named_can_log_in() -> None:
    log_ins = {firm.key for firm in FIRMS} | {firm.finance for firm in FIRMS} | {OPERATOR_LOGIN}
    named = set(re.findall(r"(?:[Ll]og in as|As|as)\s+`([a-z.]+)`", TOLD))

    assert {"laibin", "guigang", "guigang.pay", "guinan"} <= named <= log_ins
    assert f"`{PASSWORD}`" in TOLD
