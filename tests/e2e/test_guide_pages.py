"""The guided tour and the price chart by hand: with keys, on a phone, in both languages."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.e2e.conftest import CELL, PHONE, Town

pytestmark = pytest.mark.browser


@pytest.fixture
def has_guide() -> bool:
    return True


async def test_a_part_is_taken_hidden_found_again_and_left_by_keys(town: Town) -> None:
    for mill in ("laibin", "baise"):
        await town.as_program(mill)
    page = await town.look("en", PHONE)
    await town.go(page, "/")
    guide = page.get_by_role("complementary", name="Guided tour")

    own = await town.look("en", PHONE, login="laibin")
    await town.go(own, "/")
    folded = own.get_by_role("complementary", name="Guided tour")
    await expect(folded.get_by_role("button", name="Guided tour")).to_be_visible()
    await expect(folded.get_by_role("button", name="Factory")).to_have_count(0)
    await guide.get_by_role("button", name="Factory").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/pools/pool_*")
    await expect(guide).to_contain_text("Now: Join the group buy")
    await expect(page.locator(".firm")).to_contain_text("Visitor Foods")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    await page.locator("[name=lots]").fill("100")
    await page.locator("[name=limit]").fill("5040")
    await page.get_by_role("button", name="Join", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Join").click()
    await expect(guide).to_contain_text("Now: Watch the others join")

    await guide.get_by_role("button", name="Hide").press("Enter")
    await town.go(page, "/deals")
    await expect(guide).not_to_contain_text("Now:")
    await guide.get_by_role("button", name="Guided tour").press("Enter")
    await expect(guide.get_by_role("link", name="Go there")).to_be_visible()

    await guide.get_by_role("button", name="Leave the tour").press("Enter")
    await expect(guide.get_by_role("button", name="Factory")).to_be_visible()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_prices_are_looked_into_by_buttons_keys_and_dragging(town: Town) -> None:
    page = await town.look("en")
    asked, is_looked_into = itertools.count(), asyncio.Event()

    async def tell(route: Route) -> None:
        # The page asks again by itself; what is new comes while somebody looks into the chart.
        if next(asked) == 0:
            await _told(route, _publications(8))
        else:
            await is_looked_into.wait()
            await _told(route, _publications(9))

    await page.route(f"**/api/v1/prices/{CELL}", tell)
    await page.route("**/api/v1/prices", lambda route: _told(route, {"cells": []}))
    await town.go(page, f"/prices/{CELL}")
    chart, said = page.locator(".chart-plot").first, page.locator("output").first

    await expect(said).to_have_text("8 Jan 2027, 16:00 GMT+8 · 4,908.00")
    await chart.focus()
    is_looked_into.set()
    await expect(said).to_have_text("9 Jan 2027, 16:00 GMT+8 · 4,909.00")
    await expect(chart).to_be_focused()
    await page.get_by_role("button", name="Zoom in").click()
    await expect(chart).to_have_attribute("data-shown", "5")
    await chart.focus()
    await page.keyboard.press("Home")
    await expect(said).to_contain_text("4,901.00")
    await page.keyboard.press("Escape")
    await expect(chart).to_have_attribute("data-shown", "9")

    place = await chart.locator(".u-over").bounding_box()
    assert place is not None
    await page.mouse.move(place["x"] + place["width"] * 0.3, place["y"] + 60)
    await page.mouse.down()
    await page.mouse.move(place["x"] + place["width"] * 0.6, place["y"] + 80, steps=4)
    await page.mouse.up()
    await expect(chart).to_have_attribute("data-shown", re.compile("[34]"))
    await page.get_by_role("button", name="All").click()
    await expect(chart).to_have_attribute("data-shown", "9")


async def _told(route: Route, answer: Any) -> None:
    await route.fulfill(json=answer)


def _publications(count: int) -> Any:
    return {
        "prices": [
            {
                "number": number,
                "value": f"49{number:02d}.00",
                "currency": "CNY",
                "change": None,
                "at": f"2027-01-{number:02d}T08:00:00.000Z",
                "volume_band": "300-999",
                "size_band": "3-9",
                "method": "lower-weighted-median/1",
                "inputs_sha256": "0" * 64,
            }
            for number in range(1, count + 1)
        ]
    }
