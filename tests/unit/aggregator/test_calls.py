from __future__ import annotations

import pytest

from aggregator.db.calls import documents, numbers, statement, texts


def test_each_text_of_a_column_is_followed_by_its_mark() -> None:
    assert texts(["糖", "", "b"]) == "糖\x1f\x1fb\x1f"
    assert texts([]) == ""


def test_a_text_that_holds_the_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="mark"):
        texts(["a", "b\x1fc"])


def test_numbers_are_an_array_of_the_database() -> None:
    assert numbers([1, -2, 2**62]) == "{1,-2,4611686018427387904}"
    assert numbers([]) == "{}"


def test_documents_are_marked_as_texts_are() -> None:
    assert documents([b"{}", b"[1]"]) == "{}\x1f[1]\x1f"


@pytest.mark.parametrize("document", [rb'"\u0000"', rb'"a\u0000"', rb'"\\\u0000"'])
def test_a_document_that_no_name_could_be_looked_up_in_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="zero"):
        documents([b"{}", document])


def test_a_backslash_before_four_zeros_is_only_that() -> None:
    assert documents([rb'"\\u0000"']) == '"\\\\u0000"\x1f'


def test_calls_share_a_statement_and_number_their_arguments_on() -> None:
    assert statement([("first", 1, 2), ("second", 3)]) == (
        "select first($1, $2), second($3)",
        [1, 2, 3],
    )
