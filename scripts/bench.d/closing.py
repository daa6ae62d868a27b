"""A thousand auctions that close in one second: how late each close is, and when all is told."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import uvloop

from aggregator import vault
from aggregator.app import market_on
from aggregator.auctions import bidding, opening
from aggregator.catalogue.tenors import Cell
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Market
from aggregator.reactions import ON_TIMER
from aggregator.workers import ringing
from scripts._lent import a_database
from tests.builders import a_command, an_actor, an_organisation, with_cash, with_sugar

AUCTIONS, AT_ONCE = 1000, 50
FURNISHING = timedelta(seconds=30)
START_MINOR, RICH_MINOR = 500_000, 10**14

Row = dict[str, Any]


def measure(_: int) -> list[Row]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured())


async def measured() -> list[Row]:
    async with a_database() as (dsn, folder):
        vault.install(folder / "var")
        async with market_on(dsn) as market:
            first = await furnished(market)
            late = (market.clock.now() - first) // timedelta(milliseconds=1)
            assert late < 0, f"the machine furnished {late} ms too slowly"
            ringing.keep_ringing_all(market, ON_TIMER)
            ended = await until(market, first, "Closed")
            told = await until(market, first, "AuctionAwarded")
            return [
                *lateness(await stamps()),
                row("the last close durable after the last instant", ended - 1000, "ms"),
                row("all awards told after the first instant", told / 1000, "s"),
            ]


async def furnished(market: Market) -> datetime:
    """Open auctions with a bid each; return when the first closes, a second before the last."""
    await with_sugar(market)
    firms = []
    for name, kind, role in (("Mill", "mill", "seller"), ("Trader", "trader", "buyer")):
        firm = await an_organisation(market, name, kind=kind)
        await with_cash(market, firm, RICH_MINOR)
        firms.append(an_actor(firm, role))
    first = market.clock.now() + FURNISHING
    for start in range(0, AUCTIONS, AT_ONCE):
        numbers = range(start, start + AT_ONCE)
        await asyncio.gather(*(an_auction(market, *firms, first, number) for number in numbers))
    return first


async def an_auction(
    market: Market, mill: Actor, trader: Actor, first: datetime, number: int
) -> None:
    terms = opening.AuctionTerms(
        side="sell",
        cell=Cell("SUGAR-W1", "GX", f"{first.year + 1}-03"),
        lots=100,
        closes_at=first + timedelta(milliseconds=number * 1000 // AUCTIONS),
        start_minor=START_MINOR,
        step_minor=100,
        soft_close_s=0,
    )
    opened = await opening.open_auction(market, mill, a_command(), terms)
    auction_id = opened.answer["auction_id"]
    await bidding.place_bid(market, trader, a_command(), auction_id, price_minor=START_MINOR)


async def until(market: Market, first: datetime, kind: str) -> int:
    """Return after how many milliseconds each auction has a fact of this kind in the journal."""
    while True:
        found = await Pool().rows("select count(*) as n from journal where kind = $1", kind)
        if found[0]["n"] == AUCTIONS:
            return (market.clock.now() - first) // timedelta(milliseconds=1)
        await asyncio.sleep(0.02)


async def stamps() -> list[int]:
    """Return by how many milliseconds each close is late, in order."""
    found = await Pool().rows(
        "select j.at, a.closes_at from journal j join auction a on j.stream = 'auction:' || a.id"
        " where j.kind = 'Closed'"
    )
    return sorted((row["at"] - row["closes_at"]) // timedelta(milliseconds=1) for row in found)


def lateness(late: list[int]) -> list[Row]:
    return [
        row(f"{AUCTIONS:,} auctions in a second: late, median", late[len(late) // 2], "ms"),
        row("late, 99 % (500 asked)", late[len(late) * 99 // 100 - 1], "ms"),
        row("late, most", late[-1], "ms"),
    ]


def row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": round(value, 2), "unit": unit}
