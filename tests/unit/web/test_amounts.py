"""Money as text, exactly, both ways."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.amounts import decimal_text, minor_of
from aggregator.errors import InvalidField
from matching.money import MAX_TOTAL_MINOR
from web.api.amounts import public


@given(st.integers(0, 10**14 - 1))
def test_an_amount_survives_text_and_back(minor: int) -> None:
    assert minor_of(decimal_text(minor)) == minor


@pytest.mark.parametrize(
    ("text", "minor"),
    [("0", 0), ("5000", 500_000), ("5000.5", 500_050), ("0.01", 1), ("7.1000", 710)],
)
def test_an_amount_is_read_exactly(text: str, minor: int) -> None:
    assert minor_of(text) == minor


@pytest.mark.parametrize(
    "text",
    [
        " 1",
        "1 ",
        "+1",
        "-1",
        "01",
        "1.",
        ".5",
        "1e3",
        "1_000",
        "1,000",
        "１２",
        "٣",
        "NaN",
        "1.00000",
        "1\n",
        "0x1",
        "1.2.3",
        "",
        "9999999999999",
    ],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        minor_of(text, pointer="/price")

    assert (refused.value.pointer, refused.value.rule) == ("/price", "amount")


def test_an_amount_finer_than_the_currency_is_refused_not_rounded() -> None:
    with pytest.raises(InvalidField) as refused:
        minor_of("1.005")
    assert (refused.value.rule, refused.value.figure) == ("decimals", 2)

    with pytest.raises(InvalidField):
        minor_of("1.5", "JPY")


def test_no_amount_exceeds_the_largest_total() -> None:
    assert minor_of("999999999999.99") < MAX_TOTAL_MINOR
    assert decimal_text(-5, "CNY") == "-0.05"
    assert decimal_text(1200, "JPY") == "1200"


def test_an_answer_shows_minor_units_as_text_at_every_depth() -> None:
    answer = {
        "price_minor": 500_000,
        "limit_minor": None,
        "lots": 300,
        "lines": [{"goods_minor": -5}, {"breaks_minor": [1, 2]}],
        "abroad": {"currency": "JPY", "total_minor": 12, "deep": {"fee_minor": 3}},
    }

    assert public(answer) == {
        "price": "5000.00",
        "limit": None,
        "lots": 300,
        "lines": [{"goods": "-0.05"}, {"breaks": ["0.01", "0.02"]}],
        "abroad": {"currency": "JPY", "total": "12", "deep": {"fee": "3"}},
    }


def test_answers_of_the_same_keys_may_hold_other_things() -> None:
    assert public({"at": "1", "fee_minor": 1}) == {"at": "1", "fee": "0.01"}
    assert public({"at": {"due_minor": 2}, "fee_minor": [3]}) == {
        "at": {"due": "0.02"},
        "fee": ["0.03"],
    }
    assert public({"at": None, "fee_minor": {"a_minor": 4}}) == {
        "at": None,
        "fee": {"a_minor": "0.04"},
    }
    assert public({Side.BUY: 1}) == {"buy": 1}


def test_no_answer_names_an_amount_as_it_names_another_thing() -> None:
    for _ in range(2):
        with pytest.raises(AssertionError):
            public({"fee": 1, "fee_minor": 1})


def test_any_number_of_kinds_of_answers_is_shown() -> None:
    for number in range(3000):
        assert public({f"fee_{number}_minor": 1, "at": number}) == {
            f"fee_{number}": "0.01",
            "at": number,
        }
    assert public({f"n{number}_minor": number for number in range(200)})["n199"] == "1.99"


class Side(StrEnum):
    BUY = "buy"


def test_an_answer_holds_no_fractions_of_a_machine() -> None:
    with pytest.raises(TypeError):
        public({"price": 1.5})
    with pytest.raises(TypeError):
        public({"price_minor": True})
