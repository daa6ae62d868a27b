import pytest

from aggregator.laboratory.reading import BadInput, read_document

DEEP = "[" * 33


@pytest.mark.parametrize(
    "text",
    [DEEP + "]" * 33, '{"a": ' * 33 + "1" + "}" * 33, '["\\"", ' + DEEP, DEEP + '"', "[" * 10**6],
)
def test_deep_nesting_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(BadInput, match="at most 32 levels of nesting"):
        read_document(text)


@pytest.mark.parametrize("text", ["[" * 32 + "]" * 32, f'["{DEEP}"]', f'["\\"{DEEP}\\\\"]'])
def test_brackets_in_strings_and_32_levels_are_no_matter(text: str) -> None:
    assert read_document(text).pointer == ""


@pytest.mark.parametrize("text", ['"' + '\\"' * 500_000, '["' + "\\" * 999_999, '"a\\'])
def test_a_string_that_never_ends_is_refused_at_once(text: str) -> None:
    with pytest.raises(BadInput, match="must be JSON"):
        read_document(text)


@pytest.mark.parametrize(
    ("text", "pointer", "rule", "figure"),
    [
        ('{"a": [1, {"b": 1.5}]}', "/a/1/b", "numbers must be integers", "1.5"),
        ('{"a": [1e3]}', "/a/0", "numbers must be integers", "1e3"),
        ('{"a/b": {"~": NaN}}', "/a~1b/~0", "numbers must be integers", "NaN"),
        ("[[-Infinity]]", "/0/0", "numbers must be integers", "-Infinity"),
        ("1" * 19, "", "integers have at most 18 digits", "111111111111… (19 digits)"),
        (
            '{"a": {"b": -' + "1" * 30 + "}}",
            "/a/b",
            "integers have at most 18 digits",
            "-11111111111… (30 digits)",
        ),
        ('{"lots": {"b": 1, "c": 2, "b": 3}}', "/lots/b", "duplicate key", "b"),
        ('{"lots": {"b": {"c": 1, "c": 2}, "b": 1.5}}', "/lots/b", "duplicate key", "b"),
        ('[{"x": 0}, {"x": 1, "x": 2.5}]', "/1/x", "duplicate key", "x"),
        (r'{"a": ["b\ud800"]}', "/a/0", "must hold printable characters only", r"'b\ud800'"),
        (r'[{"\uDC00": 1}]', "/0", "must hold printable characters only", r"'\udc00'"),
    ],
)
def test_what_no_document_may_hold_is_named_where_it_stands(
    text: str, pointer: str, rule: str, figure: str
) -> None:
    with pytest.raises(BadInput) as found:
        read_document(text)

    assert found.value == BadInput(pointer, rule, figure)


def test_a_character_of_two_halves_is_a_whole_one() -> None:
    assert read_document(r'["\ud83d\ude00"]').value == ["\U0001f600"]


def test_the_largest_integers_of_either_sign_are_read() -> None:
    assert read_document("[-999999999999999999, 999999999999999999]").pointer == ""


def test_a_pointer_is_shown_without_characters_that_turn_the_text() -> None:
    with pytest.raises(BadInput) as found:
        read_document('{"a\u202eb": 1.5}')

    assert str(found.value).startswith("/a\\u202eb: numbers")
