"""Words: both languages say the same things, Chinese first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aggregator import errors
from aggregator.errors import MarketError
from aggregator.mandates import facts as mandates
from aggregator.parties import facts as parties
from aggregator.parties.permissions import ACTS
from aggregator.standing import facts as standing
from web.locale import LANGUAGES, keys, preferred, words

NO_COMMANDS = {"feed.connect", "forwards.contracts", "prices.audit"}
FOLDER = Path(__file__).parents[3] / "web" / "locale"


def test_both_languages_hold_the_same_sorted_keys() -> None:
    found = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in LANGUAGES}

    assert keys("zh") == keys("en")
    for texts in found.values():
        assert list(texts) == sorted(texts)


def test_both_languages_show_the_same_figures() -> None:
    for key in keys("zh"):
        shown = [set(re.findall(r"\{(\w+)\}", words(name, key, {}) or "")) for name in LANGUAGES]
        assert shown[0] == shown[1], key


def test_every_error_of_the_application_has_words() -> None:
    codes = {
        cls.code
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, MarketError)
    } - {"market_error"}

    assert {f"error.{code}" for code in codes} <= keys("zh")


def test_a_text_shows_its_figures_and_nothing_for_a_missing_one() -> None:
    assert "5" in (words("en", "error.try_again", {"retry_after_s": 5}) or "")
    assert "…" in (words("en", "error.try_again") or "")
    assert words("en", "no.such.key") is None


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("*", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh;q=0.8, en;q=0.9", "en"),
        ("de, fr;q=0.5", "zh"),
        ("de, en;q=0.1", "en"),
        ("en;q=0", "zh"),
        ("en;q=x", "zh"),
    ],
)
def test_the_language_liked_best_is_taken(header: str, language: str) -> None:
    assert preferred(header) == language


def test_every_reason_of_a_conflict_has_words() -> None:
    sources = (FOLDER.parents[1] / "aggregator").rglob("*.py")
    said = {
        reason
        for source in sources
        for reason in re.findall(r'\bConflict\(\s*"([a-z_]+)"', source.read_text())
    }

    assert len(said) > 20
    assert {f"reason.{reason}" for reason in said} <= keys("zh")


def test_a_reason_stands_inside_a_sentence_that_ends_by_itself() -> None:
    reasons = [key for key in keys("zh") if key.startswith("reason.")]

    for name in LANGUAGES:
        said = [words(name, key, {}) or "" for key in reasons]
        assert [text for text in said if text.endswith((".", "。"))] == []


def test_every_act_and_fact_of_a_firms_record_has_words() -> None:
    acts = {act for act in ACTS if not act.endswith(".read")} - NO_COMMANDS
    modules = (mandates, parties, standing)
    facts = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    } - {"RulebookPublished"}

    assert {f"page.act.{act}" for act in acts} <= keys("zh")
    assert {f"page.fact.{name}" for name in facts} <= keys("zh")
