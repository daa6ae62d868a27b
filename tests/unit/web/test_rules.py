"""Every rule of a field that the application can name has Chinese words with its figures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.errors import InvalidField
from web.api.problem import described
from web.locale import keys, words
from web.locale.rules import RULES, rule_words

ROOT = Path(__file__).parents[3]
FIGURE = "7"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

# Calls that name a rule: the call, and which of its arguments the rule is.
APPLICATION = {"InvalidField": 1}
AUCTIONS = {"_refuse": 1}


def _said(node: ast.expr) -> Iterator[str]:
    """Every text that an expression can be, as far as the source shows it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else FIGURE for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from _said(node.body)
        yield from _said(node.orelse)


def _named(tree: ast.AST, calls: dict[str, int]) -> Iterator[str]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id not in calls:
            continue
        by_name = [word.value for word in call.keywords if word.arg == "rule"]
        rule = by_name[0] if by_name else call.args[calls[call.func.id]]
        if isinstance(rule, ast.Name):
            found = list(_assigned(tree, rule.id))
            assert found or calls is AUCTIONS, ast.unparse(call)
            yield from found
        else:
            found = list(_said(rule))
            assert found or isinstance(rule, ast.Attribute), ast.unparse(call)
            yield from found


def _assigned(tree: ast.AST, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            yield from _said(node.value)


def _rules() -> list[str]:
    found: set[str] = set()
    for file in sorted((ROOT / "aggregator").rglob("*.py")):
        found.update(_named(ast.parse(file.read_text(encoding="utf-8")), APPLICATION))
    auctions = ROOT / "matching" / "auctions" / "rules.py"
    found.update(_named(ast.parse(auctions.read_text(encoding="utf-8")), AUCTIONS))
    return sorted(found)


def test_the_sources_name_rules() -> None:
    assert len(_rules()) > 90


@pytest.mark.parametrize("rule", _rules())
def test_a_rule_has_chinese_words_with_its_figures(rule: str) -> None:
    if f"rule.{rule}" in keys("zh"):
        assert CHINESE.search(words("zh", f"rule.{rule}") or "")
        return
    text = rule_words("zh", rule)

    assert text is not None
    assert CHINESE.search(text)
    assert text.count(FIGURE) >= rule.count(FIGURE)


def test_no_sentence_names_a_field_as_programs_do() -> None:
    for sentence in (text for pair in RULES.items() for text in pair):
        assert not re.search(r"[a-z]_[a-z]", re.sub(r"\{\w+\}", "", sentence)), sentence


def test_both_languages_name_the_same_figures() -> None:
    for english, chinese in RULES.items():
        shown = [sorted(re.findall(r"\{\w+\}", text)) for text in (english, chinese)]
        assert shown[0] == shown[1], english


@pytest.mark.parametrize(
    ("pointer", "rule", "zh", "en"),
    [
        (
            "/limit",
            "a multiple of the tick 100",
            "须为最小变动价位 1.00 元的整数倍",
            "a multiple of the tick 1.00",
        ),
        ("/lots", "1 to 100000 lots", "须为 1 至 100000 手", "1 to 100000 lots"),
        ("/breaks", "at most 10", "不得大于 10", "at most 10"),
        ("/limit", "at most 100000", "不得大于 1000.00 元", "at most 1000.00"),
        (
            "/steps/0",
            "must lie between 1 and 500",
            "须在 0.01 元 至 5.00 元 之间",
            "must lie between 0.01 and 5.00",
        ),
        (
            "/breaks/1/price",
            "never more than the break before: 500000 minor units",
            "不得高于上一档的 5000.00 元",
            "never more than the break before: 5000.00",
        ),
        (
            "/freight",
            "leaves nothing of the limit 504000",
            "从限价 5040.00 元中扣除后已无剩余",
            "leaves nothing of the limit 5040.00",
        ),
        ("/language", "one of zh, en", "须为下列之一：zh, en", "one of zh, en"),
        ("/x", "a rule of tomorrow", "a rule of tomorrow", "a rule of tomorrow"),
    ],
)
def test_a_problem_says_its_rule_in_the_language_asked_for(
    pointer: str, rule: str, zh: str, en: str
) -> None:
    error = InvalidField(pointer, rule, 7)

    assert described(error, "zh").detail == f"{pointer}：{zh}。"
    assert described(error, "en").detail == f"{pointer}: {en}."
    assert described(error, "zh").document()["rule"] == en


def test_a_figure_of_money_is_told_as_a_decimal_with_its_currency() -> None:
    shown = [
        described(InvalidField(pointer, rule, figure), "en").document()
        for pointer, rule, figure in (
            ("/breaks/1/price", "never more than the break before: 500000 minor units", 500100),
            ("/lots", "limit × lots of at most 100000000", 250000000),
            ("/lots", "1 to 5 lots", 9),
        )
    ]

    assert [(one["rule"], one["figure"]) for one in shown] == [
        ("never more than the break before: 5000.00", "5001.00 CNY"),
        ("limit × lots of at most 1000000.00", "2500000.00 CNY"),
        ("1 to 5 lots", 9),
    ]
