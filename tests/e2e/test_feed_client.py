"""A program and a page that follow an auction through the end of every process of the market."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.e2e.conftest import entered
from tests.e2e.processes import (
    LOUD,
    PASSWORD,
    found_market,
    open_auction,
    opened,
    start,
    with_operator,
)
from tests.integration.feed.valkey import a_free_port
from web.client.feed import Changed, Disconnected, Feed, digest_of
from web.pages.assets import static_url

pytestmark = pytest.mark.browser

PATIENCE_S = 60
_FOLLOW = """async ([feed, api, topic]) => {
  const [{ Feed, canonical, sha256 }, { send }] = await Promise.all([import(feed), import(api)]);
  window.states = [];
  window.client = new Feed({
    url: `ws://${location.host}/feed`,
    ticket: async () => (await send("POST", "/feed-tickets")).ticket,
    onState: (state) => window.states.push(state),
    onTime: () => {},
  });
  let heard = () => {};
  window.reached = (price) => new Promise((done) => {
    heard = () => window.client.topics.get(topic).view?.best === price && done();
    heard();
  });
  window.held = async () => {
    const { epoch, seq, view } = window.client.topics.get(topic);
    return [epoch, seq, await sha256(canonical(view))];
  };
  window.client.subscribe(topic, () => heard());
  window.client.start();
}"""


async def follow(feed: Feed, lost: asyncio.Event, best: asyncio.Queue[Any]) -> None:
    async for event in feed:
        if isinstance(event, Disconnected):
            lost.set()
        if isinstance(event, Changed):
            best.put_nowait(event.view.get("best"))


async def shown(best: asyncio.Queue[Any], price: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await best.get() != price:
            pass


async def page_that_follows(browser: Browser, url: str, login: str, topic: str) -> Page:
    """Open a page that follows a topic with the pages' own client."""
    page = await entered(browser, url, login, "/login", password=PASSWORD)
    modules = [static_url("js/core/feed.js"), static_url("js/core/api.js")]
    await page.evaluate(_FOLLOW, [*modules, topic])
    return page


async def reached(page: Page, price: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await page.evaluate("price => reached(price)", price)


async def test_killed_and_started_again_both_clients_have_what_the_market_has(
    tmp_path: Path, browser: Browser
) -> None:
    port, lost, best = a_free_port(), asyncio.Event(), asyncio.Queue[Any]()
    began = start(tmp_path / "var", port=port, **LOUD)
    following: asyncio.Task[None] | None = None
    try:
        here = opened(began)
        await with_operator(tmp_path / "var")
        async with here.client("operator") as operator:
            await found_market(operator)
        async with here.client("mill") as mill, here.client("factory") as factory:
            auction = await open_auction(mill)
            topic = f"auction:{auction}"
            url = here.url.replace("http", "ws", 1) + "/feed"
            feed = Feed(url, [topic], credential=factory.token, proxy=None, longest_wait_ms=1000)
            following = asyncio.ensure_future(follow(feed, lost, best))
            await factory.done("POST", f"/auctions/{auction}/bids", bid(5000))
            await shown(best, "5000.00")
            page = await page_that_follows(browser, here.url, "factory", topic)
            await reached(page, "5000.00")

            began.kill_everything()
            async with asyncio.timeout(PATIENCE_S):
                await lost.wait()
            began = start(tmp_path / "var", port=port, **LOUD)
            again = opened(began)

        async with again.client("trader") as trader, again.client("factory") as other:
            await trader.done("POST", f"/auctions/{auction}/bids", bid(5100))
            await shown(best, "5100.00")
            await reached(page, "5100.00")
            copy = feed.copies.topics[topic]
            async with asyncio.timeout(PATIENCE_S):
                while await page.evaluate("held()") != [copy.epoch, copy.seq, copy.digest]:
                    await asyncio.sleep(0.05)
            assert "reconnecting" in await page.evaluate("states")
            await page.context.close()
            async with again.feed(topic, other.token) as socket:
                assert socket.snapshot == copy.view
                assert digest_of(socket.snapshot) == copy.digest
        assert feed.copies.found == {"gaps": 0, "digests": 0}
    finally:
        if following is not None:
            following.cancel()
        began.kill_everything()


def bid(price: int) -> dict[str, Any]:
    return {"price": f"{price}.00", "lots": 10}
