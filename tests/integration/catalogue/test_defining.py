"""Instruments that are refused: each term by its field, rule and figure."""

import pytest

from aggregator.errors import InvalidField
from tests.builders import a_market, with_sugar


@pytest.mark.parametrize(
    ("terms", "field", "rule"),
    [
        ({"tick_minor": 0}, "/tick", "at least one minor unit"),
        ({"step_minor": 0}, "/step", "at least one minor unit"),
        ({"step_minor": 150}, "/step", "a multiple of the tick"),
        ({"return_policy": " "}, "/return_policy", "no instrument opens without one"),
    ],
)
async def test_a_term_that_breaks_its_rule_is_named(
    orm: str, terms: dict[str, object], field: str, rule: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        await with_sugar(a_market(), **terms)

    assert (refused.value.pointer, refused.value.rule) == (field, rule)
