"""What a person types into a form: figures that could mean two things are refused."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Town
from web.pages.assets import static_url

pytestmark = pytest.mark.browser

AMOUNTS = {
    "4900": "4900",
    "4,900.50": "4900.50",
    "1'234'567": "1234567",
    "１２ ０００．５": "12000.5",
    "4900,50": None,
    "4,9": None,
    "1,2345": None,
    "4,900,5": None,
    ",900": None,
}
WHOLES = {"1,000": 1000, "１００": 100, "1,5": None, "2,00": None, "1.5": None}


async def test_a_comma_that_parts_no_thousands_is_not_dropped(town: Town) -> None:
    page = await town.look("en")
    await town.go(page, "/login")

    found = await page.evaluate(
        """async ([url, amounts, wholes]) => {
          const { typedAmount, typedLots } = await import(url);
          return [amounts.map(typedAmount), wholes.map(typedLots)];
        }""",
        [static_url("js/core/numbers.js"), list(AMOUNTS), list(WHOLES)],
    )

    assert found == [list(AMOUNTS.values()), list(WHOLES.values())]
