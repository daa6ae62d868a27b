"""An auction room over a slow and a lost line: nothing old is shown as new."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from aggregator.clock import SystemClock
from aggregator.journal.facts import stamp
from tests.api.conftest import PASSWORD, Served, Visitor, serving
from tests.builders import a_market, with_cash, with_sugar
from tests.e2e.conftest import CELL, entered
from tests.e2e.lagging_line import LaggingLine
from tests.e2e.tap import Tap
from web.context import EdgeLimits
from web.feed.limits import FeedLimits

pytestmark = pytest.mark.browser

SLOW_S = 4
STEP = re.compile("^Bid ")
# What the room shows as the best price, each time that it changes.
_WATCH = """() => {
  window.shown = [];
  const look = () => {
    const line = document.getElementById("line").dataset.state;
    const tile = [...document.querySelectorAll("main dl.tiles > div")]
      .find((one) => one.querySelector("dt").textContent === "Best price");
    const seen = JSON.stringify([tile?.querySelector("dd").firstChild.textContent ?? null, line]);
    if (window.shown.at(-1) !== seen) window.shown.push(seen);
  };
  new MutationObserver(look).observe(document.body, {
    subtree: true, childList: true, characterData: true, attributes: true,
  });
  look();
}"""


@dataclass
class Room:
    served: Served
    line: LaggingLine
    page: Page
    rival: Visitor
    path: str

    async def undercut(self, price: str) -> None:
        answer = await self.rival.post(f"{self.path}/bids", {"price": price, "lots": 300})
        assert answer.status_code == 201, answer.text

    async def shows(self, price: str) -> None:
        await expect(self.page.locator("main")).to_contain_text(price)

    async def is_called(self, *states: str) -> None:
        pattern = re.compile(f"^({'|'.join(states)})$")
        await expect(self.page.locator("#line")).to_have_attribute("data-state", pattern)


@pytest.fixture
async def room(orm: str, browser: Browser, tap: Tap) -> AsyncIterator[Room]:
    """A room whose clock runs and whose line is heard of every two seconds."""
    limits = EdgeLimits(feed=FeedLimits(heartbeat_ms=2_000))
    async with serving(a_market(SystemClock()), limits) as served:
        served.url = tap.through(served.url)
        await with_sugar(served.market)
        mine = await served.member("Laibin Mill", "seller", kind="mill")
        rival = await served.member("Baise Mill", "seller", kind="mill")
        for mill in (mine, rival):
            await with_cash(served.market, mill.organisation_id, 500_000_000)
        path = await _opened(served, await served.operator())
        line = LaggingLine(int(served.url.rpartition(":")[2]))
        try:
            page = await entered(browser, await line.open(), mine.login, path, password=PASSWORD)
            yield Room(served, line, page, rival, path)
            await page.context.close()
        finally:
            await line.close()


async def test_over_a_slow_and_a_lost_line_nothing_old_is_shown_as_new(room: Room) -> None:
    page, step = room.page, room.page.get_by_role("button", name=STEP)
    await room.is_called("live")
    await expect(step).to_be_enabled()
    await page.evaluate(_WATCH)

    # The feed lags: the room notices, asks by itself, and lets nothing older pass.
    room.line.feed_delay_s = SLOW_S
    await room.is_called("late", "polling")
    await room.undercut("4980.00")
    await room.undercut("4970.00")
    await room.shows("4,970.00")
    await room.is_called("polling")
    await expect(step).to_have_text(re.compile("4,960.00"))

    # Nothing comes any more: it says so, since when, and no bid is one step away.
    room.line.flows.clear()
    await room.is_called("late", "stale", "reconnecting")
    await expect(step).to_be_disabled()
    await expect(page.get_by_role("alert").first).to_contain_text("The line is slow or lost")
    await room.undercut("4950.00")
    await room.undercut("4940.00")
    assert "4,940.00" not in await page.locator("main").inner_text()

    # What was under way comes all at once, and the line is good again.
    room.line.feed_delay_s = 0
    room.line.flows.set()
    await _healed(room, "4,940.00", "4,930.00")

    # Cut off and joined again, it catches up before it is called live.
    await room.line.cut()
    await room.undercut("4900.00")
    await _healed(room, "4,900.00", "4,890.00")

    seen = [json.loads(one) for one in await page.evaluate("shown")]
    prices = [Decimal(price.replace(",", "")) for price, _ in seen if price and price != "—"]
    assert prices == sorted(prices, reverse=True), seen
    assert prices[-1] == 4900


async def _healed(room: Room, best: str, following: str) -> None:
    """The room is live, shows what the market has, and lets bid on it."""
    step = room.page.get_by_role("button", name=STEP)
    await room.shows(best)
    await room.is_called("live")
    await expect(step).to_be_enabled()
    await expect(step).to_have_text(re.compile(following))
    await expect(room.page.get_by_text("The line is slow or lost")).to_have_count(0)


async def _opened(served: Served, operator: Visitor) -> str:
    rules: dict[str, Any] = {
        "side": "buy",
        "cell": CELL,
        "lots": 300,
        "start": "5000.00",
        "step": "10.00",
        "closes_at": stamp(served.market.clock.now() + timedelta(hours=1)),
    }
    made = await operator.post("/auctions", rules)
    assert made.status_code == 201, made.text
    return f"/auctions/{made.json()['auction_id']}"
