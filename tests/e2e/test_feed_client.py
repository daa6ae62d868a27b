"""A program that follows an auction through the end of every process of the market."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.processes import found_market, open_auction, opened, start, with_operator
from tests.integration.feed.valkey import a_free_port
from web.client.feed import Changed, Disconnected, Feed, digest_of

PATIENCE_S = 60


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


async def test_killed_and_started_again_the_client_has_what_the_market_has(
    tmp_path: Path,
) -> None:
    port, lost, best = a_free_port(), asyncio.Event(), asyncio.Queue[Any]()
    began = start(tmp_path / "var", port=port)
    following: asyncio.Task[None] | None = None
    try:
        here = opened(began)
        await with_operator(tmp_path / "var")
        async with here.client("operator") as operator:
            await found_market(operator)
        async with here.client("mill") as mill, here.client("factory") as factory:
            auction = await open_auction(mill)
            topic = f"auction:{auction}"
            url = f"ws://127.0.0.1:{port}/feed"
            feed = Feed(url, [topic], credential=factory.token, proxy=None, longest_wait_ms=1000)
            following = asyncio.ensure_future(follow(feed, lost, best))
            await factory.done("POST", f"/auctions/{auction}/bids", bid(5000))
            await shown(best, "5000.00")

            began.kill_everything()
            async with asyncio.timeout(PATIENCE_S):
                await lost.wait()
            began = start(tmp_path / "var", port=port)
            again = opened(began)

        async with again.client("trader") as trader, again.client("factory") as other:
            await trader.done("POST", f"/auctions/{auction}/bids", bid(5100))
            await shown(best, "5100.00")
            copy = feed.copies.topics[topic]
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
