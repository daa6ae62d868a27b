"""Settled deals and the sockets that learn of their price, for measuring: SOCKETS PRICES.

The market is served as ever, by one process; the sockets are in another, which notes when each has
the change. Every price is published by the last of five deals, carried from award to invoice by the
market's own acts. Prints one line: for each price the act's time, and how long after the act's
commit half and 99 % of the sockets had it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from aggregator.app import market_on
from aggregator.deals import funding
from aggregator.fulfilment import accepting, delivering, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.invoices import issuing
from aggregator.journal.reading import Pool
from aggregator.market import Market, Outcome
from scripts._lent import a_database
from tests.builders import a_command, a_deal, an_actor, an_organisation, with_cash, with_sugar
from web.app import create_app
from web.context import EdgeLimits
from web.feed.limits import FeedLimits
from web.server import MarketServer, listen

DEALS, LOTS, RICH_MINOR = 5, 100, 10**13


async def settle_and_tell(sockets: int, prices: int) -> list[dict[str, float]]:
    async with a_database() as (dsn, _), market_on(dsn) as market:
        limits = EdgeLimits(feed=FeedLimits(heartbeat_ms=600_000, hello_ms=60_000))
        listener = listen("127.0.0.1", 0)
        server = MarketServer(create_app(market, limits=limits))
        server.config.ws_ping_interval = None  # the load answers no pings
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        await with_sugar(market)
        firms = [await sides(market, number) for number in range(DEALS)]
        load = await followers(listener.getsockname()[1], sockets)
        found = [await one_price(market, firms, load) for _ in range(prices)]
        load.stdin.close()  # type: ignore[union-attr]
        await load.wait()
        server.stop_soon()
        await serving
    return found


async def sides(market: Market, number: int) -> tuple[str, str]:
    """Return a buyer and a seller of their own groups, with money."""
    buyer = await an_organisation(market, f"Factory {number}")
    seller = await an_organisation(market, f"Mill {number}", kind="mill")
    for firm in (buyer, seller):
        await with_cash(market, firm, RICH_MINOR)
    return buyer, seller


async def followers(port: int, sockets: int) -> asyncio.subprocess.Process:
    load = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("_price_followers.py")),
        str(port),
        str(sockets),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert await heard(load) == sockets
    return load


async def heard(load: asyncio.subprocess.Process) -> Any:
    assert load.stdout is not None
    return json.loads(await load.stdout.readline())


async def published() -> int:
    (row,) = await Pool().rows("select count(*) as n from price_publication")
    return int(row["n"])


async def one_price(
    market: Market, firms: list[tuple[str, str]], load: asyncio.subprocess.Process
) -> dict[str, float]:
    """Settle five deals; the last of them publishes."""
    deals = [(await accepted(market, buyer, seller), seller) for buyer, seller in firms]
    for deal_id, seller in deals[:-1]:
        await act(issuing.issue, market, seller, "seller", deal_id)
    assert load.stdin is not None
    load.stdin.write(b"round\n")
    assert await heard(load) == "ready"
    deal_id, seller = deals[-1]
    known = await published()
    began_ns = time.monotonic_ns()
    settled = await act(issuing.issue, market, seller, "seller", deal_id)
    committed_ns = time.monotonic_ns()
    assert await published() == known + 1
    assert settled.answer["state"] == "settled"
    came = await heard(load)
    return {
        "act_ms": (committed_ns - began_ns) / 1e6,
        "p50_ms": (came["p50_ns"] - committed_ns) / 1e6,
        "p99_ms": (came["p99_ns"] - committed_ns) / 1e6,
    }


async def accepted(market: Market, buyer: str, seller: str) -> str:
    """Return a deal whose goods were accepted."""
    deal_id = await a_deal(
        market, buyer=buyer, seller=seller, source_id="bench", lots=LOTS, goods_minor=490_000
    )
    receipt = Receipt(LOTS, "Nanning 3", "WB-1")
    await act(funding.fund, market, buyer, "finance", deal_id)
    await act(shipping.ship, market, seller, "seller", deal_id, lots=LOTS, carrier="Rail")
    await act(delivering.deliver, market, seller, "seller", deal_id, receipt)
    await act(accepting.accept, market, buyer, "buyer", deal_id, lots=LOTS)
    return deal_id


async def act(
    use_case: Callable[..., Awaitable[Outcome]],
    market: Market,
    firm: str,
    role: str,
    *args: Any,
    **more: Any,
) -> Outcome:
    return await use_case(market, an_actor(firm, role), a_command(), *args, **more)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(settle_and_tell(int(sys.argv[1]), int(sys.argv[2])))))
