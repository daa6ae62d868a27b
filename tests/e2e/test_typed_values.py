"""What a person types into a form: figures and times that could mean two things are refused."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

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


@pytest.mark.parametrize(
    ("zone", "absent", "twice", "once", "instant"),
    [
        (
            *("Europe/Berlin", "2027-03-28T02:30", "2027-10-31T02:30"),
            *("2027-10-31T03:00", "2027-10-31T02:00:00.000Z"),
        ),
        (
            *("Australia/Lord_Howe", "2027-10-03T02:15", "2027-04-04T01:45"),
            *("2027-04-04T02:00", "2027-04-03T15:30:00.000Z"),
        ),
    ],
)
async def test_a_time_that_clocks_skip_or_repeat_is_refused(
    town: Town, zone: str, absent: str, twice: str, once: str, instant: str
) -> None:
    page = await town.look("en", zone=zone)
    await town.go(page, "/login")

    found = await page.evaluate(
        "async ([url, typed]) => typed.map((await import(url)).fromLocal)",
        [static_url("js/core/clock.js"), [absent, twice, once]],
    )

    assert found == [None, None, instant]


async def test_a_time_of_another_season_names_its_own_zone(town: Town) -> None:
    page = await town.look("en", login="laibin", zone="Europe/Berlin")
    await town.go(page, "/auctions")
    await page.locator("summary", has_text="Open an auction").click()
    closes = page.get_by_label("Closes at")
    told = page.locator(".field", has=closes).locator(".hint").last

    await closes.fill("2027-01-15T10:00")
    await expect(told).to_have_text("CET")
    await closes.fill("2027-07-15T10:00")
    await expect(told).to_have_text("CEST")
    await closes.fill("2027-10-31T02:30")
    await page.get_by_role("button", name="Open an auction").click()

    await expect(page.locator(".field", has=closes)).to_contain_text("comes twice")
