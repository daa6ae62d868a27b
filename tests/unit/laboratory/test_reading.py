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
