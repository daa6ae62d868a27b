"""The texts of the Combinatorial Auction Test Suite against their best known values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aggregator.laboratory.clearing import check_documents, clear_document
from aggregator.laboratory.packages import from_cats
from aggregator.laboratory.reading import BadInput

CASES = Path(__file__).parents[2] / "cases" / "packages"
KNOWN = json.loads((CASES / "cats.answer.json").read_text())["cases"]
SLOW = {"medium0.txt", "regions0000.txt"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in sorted(KNOWN)],
)
@pytest.mark.timeout(600)
def test_the_best_known_value_is_reached_and_proved(name: str) -> None:
    instance = from_cats((CASES / name).read_bytes())

    result = clear_document(instance)

    check_documents(instance, json.dumps(result).encode())
    known = KNOWN[name]
    assert result["proved"]
    if known["proven"]:
        assert (result["value_minor"], result["proved"]) == (known["best"], True)
    else:
        assert result["value_minor"] * 100 >= known["best"] * 98
        assert result["bound_minor"] >= result["value_minor"]


HEAD = "goods 2\nbids 1\ndummy 0\n"


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (HEAD + "0\t10\t0\t1\n", "/line 4"),
        (HEAD + "0\t10.5\t0\t#\n", "/line 4"),
        (HEAD + "0\t-1\t0\t#\n", "/line 4"),
        (HEAD, ""),
        ("goods 2\n", ""),
        ("goods 9999\nbids 0\ndummy 0\n", ""),
    ],
)
def test_a_bad_text_is_refused_with_its_line(text: str, pointer: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_cats(text.encode())

    assert caught.value.pointer == pointer


def test_a_good_outside_the_text_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        clear_document(from_cats((HEAD + "0\t10\t5\t#\n").encode()))

    assert caught.value.pointer == "/bids/0/items/0"
