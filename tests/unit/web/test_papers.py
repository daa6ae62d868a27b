"""What stands on paper: amounts as people read them."""

from __future__ import annotations

import pytest

from web.papers.paper import grouped


@pytest.mark.parametrize(
    ("minor", "text"),
    [(0, "0.00"), (5, "0.05"), (55_257_000, "552,570.00"), (-123_456, "-1,234.56"), (-5, "-0.05")],
)
def test_an_amount_is_read_in_thousands(minor: int, text: str) -> None:
    assert grouped(minor, "CNY") == text
