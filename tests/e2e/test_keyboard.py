"""By keys alone: a pledge, a bid, an order and an approval, with no mouse and no way out lost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from aggregator.journal.facts import stamp
from tests.e2e.conftest import CELL, OPERATOR, Town

pytestmark = pytest.mark.browser

MOST_STOPS = 80
_FOCUS = """() => {
  const one = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const { width, height } = one.getBoundingClientRect();
  return {
    at: `${one.tagName} ${one.id} ${one.textContent.slice(0, 40)}`,
    isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && width > 4 && height > 4,
    isPage: one !== document.body,
  };
}"""


async def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until `wanted` has the focus; whatever has it on the way shows that it has."""
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(_FOCUS)
        assert stop["isSeen"] or not stop["isPage"], stop
        if await wanted.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"{wanted} is not reached, the last stop is {stop}")


async def type_into(page: Page, label: str, text: str) -> None:
    await reach(page, page.get_by_label(label).first)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(text)


async def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button that asks first; Escape takes nothing, and leads back to the button."""
    button = page.get_by_role("main").get_by_role("button", name=name)
    await reach(page, button)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").locator(":focus")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def skip_to_the_page(page: Page) -> None:
    """The first stop of all leads past the menu."""
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


async def opened(town: Town) -> tuple[str, str]:
    """Open an auction and a forward window; return their paths."""
    operator = await town.as_program(OPERATOR)
    closes_at = stamp(town.stage.clock.now() + timedelta(hours=2))
    terms: dict[str, Any] = {"side": "buy", "cell": CELL, "lots": 300, "closes_at": closes_at}
    auction = await operator.post("/auctions", {**terms, "start": "5000.00", "step": "10.00"})
    strip = await operator.post(
        "/strips",
        {
            "title": "Spring",
            "instrument": "SUGAR-W1",
            "region": "GX",
            "tenors": ["2027-03", "2027-04"],
            "closes_at": closes_at,
        },
    )
    return f"/auctions/{auction['auction_id']}", f"/strips/{strip['strip_id']}"


async def test_a_pledge_an_order_a_bid_and_an_approval_need_no_mouse(town: Town) -> None:
    pool, (auction, strip) = await town.open_pool(), await opened(town)
    await town.offer("laibin", (1, "5000.00"), (300, "4900.00"))
    buyer = await town.look("en", login="guinan")

    await town.go(buyer, f"/pools/{pool}")
    await skip_to_the_page(buyer)
    await type_into(buyer, "Quantity you need", "80")
    await type_into(buyer, "Highest landed price", "5040")
    await press(buyer, "Join")
    await expect(buyer.locator("aside")).to_contain_text("My pledge")

    await town.go(buyer, strip)
    await type_into(buyer, "Quantity", "40")
    await type_into(buyer, "Highest goods price", "5000")
    await press(buyer, "Place an order")
    await expect(buyer.locator("main")).to_contain_text("My orders")

    mill = await town.look("en", login="baise")
    await town.go(mill, auction)
    await press(mill, re.compile("^Bid "))
    await expect(mill.locator("main")).to_contain_text("You lead")

    await asked(town, auction)
    boss = await town.look("en", login="laibin.pay")
    await town.go(boss, "/approvals")
    await press(boss, "Approve")
    await expect(mill.locator("main")).to_contain_text("You do not lead")


async def asked(town: Town, auction: str) -> None:
    """Let a mill's clerk ask its owner for a bid."""
    clerk, boss = await town.as_program("laibin"), await town.as_program("laibin.pay")
    await boss.post("/policies", {"act": "auctions.bid", "chain": ["role:owner"]})
    terms = {"price": "4950.00", "lots": 300}
    subject = auction.removeprefix("/auctions/")
    await clerk.post("/approvals", {"act": "auctions.bid", "subject": subject, "terms": terms})
