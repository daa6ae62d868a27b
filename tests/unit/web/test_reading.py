"""Strict JSON: what is refused, and where."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.errors import InvalidField
from aggregator.journal.facts import canonical
from web.api.reading import Malformed, pointer_of, read_json, read_text

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert read_json(canonical(value)) == value


def alike(value: object) -> object:
    """Return a value in which true is told from one, and the order of keys counts."""
    if isinstance(value, dict):
        return [(key, alike(member)) for key, member in value.items()]
    if isinstance(value, list):
        return [alike(member) for member in value]
    return type(value), value


def outcome(text: str) -> object:
    try:
        return alike(read_text(text))
    except (InvalidField, Malformed) as refused:
        return refused


ODD = ["1.0", "-0", "1e2", "NaN", "9" * 18, "-" + "9" * 18, "9" * 19, "9" * 30, '"x', "[]", "{}"]
ODD += [r'"\u0000"', r'"\ud800"', r'"\/"', '"\x00"', '"\ud800"', '"糖"', '"\x7f"', r'"\n"', " 1"]
KEYS = st.sampled_from(["op", "cmd", "", "糖"])


@given(st.lists(st.tuples(KEYS, st.sampled_from(ODD) | VALUES.map(json.dumps)), max_size=4))
@example([("op", "9" * 19)])
@example([("op", "-" + "9" * 19)])
@example([("op", "1"), ("op", "1")])
def test_a_short_object_is_read_like_a_long_one(members: list[tuple[str, str]]) -> None:
    written = [f"{json.dumps(key, ensure_ascii=False)}:{member}" for key, member in members]

    short = "{" + ",".join(written) + "}"

    assert _placeless(outcome(short)) == _placeless(outcome(short + " " * 5000))


def _placeless(found: object) -> object:
    """Leave out in which column a text stopped to be JSON."""
    return found.rule if isinstance(found, Malformed) else found


@pytest.mark.parametrize(
    ("text", "pointer", "rule"),
    [
        ('{"a": {"b": [1, {"c": 1, "c": 2}]}}', "/a/b/1/c", "duplicate_key"),
        ('{"a": 1.5}', "/a", "no_fractions"),
        ('{"a": [1, 1e3]}', "/a/1", "no_fractions"),
        ('{"a": NaN}', "/a", "no_fractions"),
        ('{"a": -Infinity}', "/a", "no_fractions"),
        ('{"a/b~c": 1.0}', "/a~1b~0c", "no_fractions"),
        ('{"a": 1234567890123456789}', "/a", "integer_digits"),
        (r'{"a": "x\u0000"}', "/a", "plain_text"),
        (r'{"a": ["\ud800"]}', "/a/0", "plain_text"),
        (r'{"\u0000": 1}', "", "plain_text"),
    ],
)
def test_a_refusal_names_the_place_and_the_rule(text: str, pointer: str, rule: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_json(text.encode())

    assert (refused.value.pointer, refused.value.rule) == (pointer, rule)


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"{} {}", "json"),
        (b"{'a': 1}", "json"),
        (b'{"a": 1,}', "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b'{"a": "\xff"}', "utf8"),
        (b"[" * 33 + b"]" * 33, "depth"),
        (b"[" * 60_000, "depth"),
        (b'{"a":' * 10_000, "depth"),
    ],
)
def test_what_is_no_document_is_malformed(raw: bytes, rule: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_json(raw)

    assert refused.value.rule == rule


def test_thirty_two_levels_are_enough() -> None:
    assert read_json(b"[" * 32 + b"]" * 32)


def test_a_pointer_escapes_what_it_must() -> None:
    assert pointer_of(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"
    assert pointer_of([]) == ""


@pytest.mark.parametrize(
    "document",
    [
        '{"a":"b","c":[1,-2,true,null,"é"]}',
        '{"a":1,"a":2}',
        '{"a":[1.5]}',
        '{"a":-123456789012345678}',
        '{"a":1234567890123456789}',
        "[" * 31 + "]" * 31,
        "[" * 32 + "]" * 32,
        '{"a":NaN}',
        '{"a" 1}',
        '{"a":"\ud800"}',
        '{"a":"\x00"}',
    ],
)
def test_a_text_that_is_read_at_once_is_read_as_any_other(document: str) -> None:
    at_once = read_or_refused(f'[{document},"b"]')
    # With an escape in it, whatever may be hidden is looked for.
    with_a_look = read_or_refused(f'[{document},"\\u0062"]')

    assert at_once == with_a_look


def read_or_refused(text: str) -> object:
    try:
        return read_text(text)
    except (InvalidField, Malformed) as refused:
        return refused
