"""Two processes of the program, one database, and a Valkey that wakes each for the other."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aggregator import vault
from aggregator.app import market_on
from aggregator.parties.registering import found_operator
from tests.e2e.processes import (
    LOUD,
    PASSWORD,
    Client,
    Feed,
    Serving,
    found_market,
    open_auction,
    opened,
    start,
)
from tests.integration.feed.valkey import Valkey, a_free_port


@dataclass
class Pair:
    """Both processes, a bidder at each, and the owner's socket at the second."""

    here: Serving
    there: Serving
    valkey: Valkey
    auction: str
    bidders: tuple[Client, Client]
    feed: Feed

    async def bid(self, bidder: Client, price: int) -> Any:
        body = {"price": f"{price}.00", "lots": 10}
        return await bidder.ask("POST", f"/auctions/{self.auction}/bids", body)

    async def seconds_until_shown(self, price: int) -> float:
        """Bid at the first process and return when the second one's socket shows it."""
        began = time.monotonic()
        answer = await self.bid(self.bidders[0], price)
        assert answer.status_code == 201, answer.text
        async with asyncio.timeout(10):
            await self.feed.shows("best", f"{price}.00")
        return time.monotonic() - began


@pytest.fixture
async def pair(dsn: str, tmp_path: Path) -> AsyncIterator[Pair]:
    async with market_on(dsn) as market:
        await found_operator(market, "operator", PASSWORD, name="The market")
    valkey = Valkey(a_free_port())
    await valkey.start()
    addresses = {"AGG_DATABASE_URL": dsn, "AGG_REDIS_URL": valkey.url}
    # Two machines: each has its own data folder, with a copy of the one set of keys.
    vault.Vault.at(tmp_path / "here" / "keys")
    shutil.copytree(tmp_path / "here" / "keys", tmp_path / "there" / "keys")
    started = [start(tmp_path / name, **LOUD, **addresses) for name in ("here", "there")]
    try:
        here, there = (opened(process) for process in started)
        async with contextlib.AsyncExitStack() as exits:
            operator = await exits.enter_async_context(here.client("operator"))
            await found_market(operator)
            mill = await exits.enter_async_context(here.client("mill"))
            auction = await open_auction(mill)
            bidders = (
                await exits.enter_async_context(here.client("factory")),
                await exits.enter_async_context(there.client("trader")),
            )
            feed = await exits.enter_async_context(there.feed(f"auction:{auction}", mill.token))
            yield Pair(here, there, valkey, auction, bidders, feed)
    finally:
        valkey.stop()
        for process in started:
            process.kill_everything()
            process.output.unlink()


@pytest.mark.slow
async def test_two_processes_are_one_market_with_and_without_valkey(pair: Pair) -> None:
    woken = [await pair.seconds_until_shown(price) for price in (5000, 5010, 5020)]
    assert max(woken) < 1, woken

    held = await both_bid_at_once(pair)

    pair.valkey.stop()
    lost = [await pair.seconds_until_shown(6000 + 10 * number) for number in range(3)]
    assert max(lost) < 2, lost

    room = await pair.bidders[0].done("GET", f"/auctions/{pair.auction}")
    other = await pair.bidders[1].done("GET", f"/auctions/{pair.auction}")
    assert room["my_bids"] + other["my_bids"] == 3 + held + 3
    assert room["best"] == other["best"] == "6020.00"


async def both_bid_at_once(pair: Pair) -> int:
    """Let each process take the same price at once, again and again; return how many bids held.

    Each price is accepted once, by whichever process; and one process after the other.
    """
    seen: list[tuple[int, int]] = []
    first, second = pair.bidders

    async def duel() -> None:
        for price in range(5030, 5230, 20):
            answers = await asyncio.gather(pair.bid(first, price), pair.bid(second, price))
            assert sorted(answer.status_code for answer in answers) == [201, 422]
            loser = pair.bidders[0 if answers[1].status_code == 201 else 1]
            assert (await pair.bid(loser, price + 10)).status_code == 201

    async def watch() -> None:
        while True:
            frame = await pair.feed.next("delta")
            seen.append((frame["prev"], frame["seq"]))
            if frame["data"].get("best") == "5220.00":
                return

    async with asyncio.timeout(30):
        await asyncio.gather(duel(), watch())
    # Dense: each change follows the one before it, whichever process made it.
    assert [prev for prev, _ in seen[1:]] == [seq for _, seq in seen[:-1]]
    return 20
