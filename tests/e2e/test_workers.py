"""Several processes behind one address: one market, whoever of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import (
    Client,
    Serving,
    found_market,
    left_over,
    open_auction,
    serving,
    with_operator,
)

PRICES = range(5000, 5400, 10)


@pytest.fixture
def data_dir(quick_disk: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="workers-", dir=quick_disk))
    yield folder / "var"
    shutil.rmtree(folder)


def workers_of(market: Serving) -> list[int]:
    """Return the pids of the processes that serve, in the order of their numbers."""
    found = []
    for pid in left_over(market.data_dir):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"web.workers" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return sorted(found)


async def both_workers(market: Serving) -> list[int]:
    """Return the two pids once both serve; one that was killed may not be replaced yet."""
    async with asyncio.timeout(60):
        while len(workers := workers_of(market)) < 2:
            await asyncio.sleep(0.05)
    return workers


async def bid(client: Client, auction: str, price: int) -> dict[str, str]:
    """Bid until somebody answers, under one command id, on a connection of its own."""
    body, headers = {"price": f"{price}.00"}, {"Authorization": f"Bearer {client.token}"}
    headers["Idempotency-Key"] = f"worker-bid-{price}"
    path = f"{client.http.base_url}/api/v1/auctions/{auction}/bids"
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
                    answer = await http.post(path, json=body, headers=headers)
                if answer.status_code != 503:
                    assert answer.status_code == 201, answer.text
                    return dict(answer.json())
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_workers_are_one_market_and_a_dead_one_is_replaced(data_dir: Path) -> None:
    with serving(data_dir, "--workers", "2") as market:
        await with_operator(data_dir)
        async with contextlib.AsyncExitStack() as exits:
            operator = await exits.enter_async_context(market.client("operator"))
            await found_market(operator)
            mill = await exits.enter_async_context(market.client("mill"))
            auction = await open_auction(mill)
            factory = await exits.enter_async_context(market.client("factory"))
            first = set(workers_of(market))
            receipts = []
            for number, price in enumerate(PRICES):
                if number % 10 == 5:
                    os.kill((await both_workers(market))[number // 10 % 2], signal.SIGKILL)
                receipts.append(await bid(factory, auction, price))
            again = [await bid(factory, auction, price) for price in PRICES]

            feed = await exits.enter_async_context(market.feed(f"auction:{auction}", mill.token))
            began = time.monotonic()
            await bid(factory, auction, 6000)
            async with asyncio.timeout(10):
                await feed.shows("best", "6000.00")
            shown_after_s = time.monotonic() - began

        code = market.hears(signal.SIGINT)

    assert len(first) == 2
    assert [receipt["seq"] for receipt in receipts] == list(range(1, len(PRICES) + 1))
    assert again == receipts
    assert shown_after_s < 2
    assert code == 0
    assert left_over(data_dir) == []


@pytest.mark.slow
async def test_workers_end_with_the_parent_that_was_killed(data_dir: Path) -> None:
    with serving(data_dir, "--workers", "2") as market:
        workers = workers_of(market)
        market.process.kill()
        market.process.wait()
        async with asyncio.timeout(30):
            while set(workers) & set(workers_of(market)):
                await asyncio.sleep(0.05)

    assert len(workers) == 2
