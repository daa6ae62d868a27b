"""Merge patches: the examples of RFC 7386, and the way there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.feed.patches import bare, difference, merged

LEAVES = st.integers(-3, 3) | st.booleans() | st.text("ab", max_size=2)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner | st.none(), max_size=3)
        | st.dictionaries(st.text("xyz", max_size=1), inner | st.none(), max_size=3)
    ),
    max_leaves=10,
)
VIEWS = st.dictionaries(st.text("xyz", max_size=1), VALUES | st.none(), max_size=4)


@given(VIEWS, VIEWS)
def test_a_patch_makes_the_new_view_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = bare(old), bare(new)

    found = merged(before, difference(before, after))

    assert repr_of(found) == repr_of(after)


@given(VIEWS, VIEWS)
def test_what_two_views_share_makes_no_difference(
    old: dict[str, Any], more: dict[str, Any]
) -> None:
    new, was = {**old, **more}, bare(old)

    found = bare(new, before=old, was=was)

    assert repr_of(found) == repr_of(bare(new))
    assert difference(was, found) == difference(bare(old), bare(new))


@given(VIEWS)
def test_an_equal_view_needs_no_patch(view: dict[str, Any]) -> None:
    assert difference(bare(view), bare(view)) == {}


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_true_is_not_one() -> None:
    assert difference({"a": 1, "b": [0]}, {"a": True, "b": [False]}) == {"a": True, "b": [False]}


def test_a_view_holds_no_fractions_of_a_machine() -> None:
    with pytest.raises(AssertionError):
        bare({"a": 1.5})


def repr_of(value: object) -> str:
    """Text that tells true from 1 and ignores the order of members."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{repr_of(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(repr_of, value)) + "]"
    return repr(value)
