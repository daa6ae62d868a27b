"""Timers: none is given up, none waits for a slow one, and ringing twice changes nothing."""

import asyncio
from datetime import datetime, timedelta

from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import set_timer
from aggregator.workers.ringing import keep_ringing_all, ring_due
from tests.builders import START, a_market

SLOW, QUICK = "forwards.close", "auctions.close"


async def set_for(market: Market, kind: str, key: str, due_at: datetime) -> None:
    async def step(unit: Unit) -> Answer:
        await set_timer(unit, kind, key, due_at)
        return {}

    await market.perform(Actor.SYSTEM, "test.timer", step)


async def test_a_timer_that_fails_for_a_day_still_rings(orm: str) -> None:
    market = a_market()
    await set_for(market, QUICK, "a", START)
    rung: list[datetime] = []

    async def broken_until_tomorrow(market: Market, _: str) -> None:
        rung.append(market.clock.now())
        if market.clock.now() < START + timedelta(days=1):
            raise OSError("no space left on device")

    for minutes in range(0, 60 * 25, 5):
        market.clock.set(START + timedelta(minutes=minutes))
        await ring_due(market, {QUICK: broken_until_tomorrow})

    assert rung[-1] >= START + timedelta(days=1)
    assert await Pool().rows("select kind from timer") == []


async def test_a_timer_set_anew_while_it_rings_stays(orm: str) -> None:
    market = a_market()
    await set_for(market, QUICK, "a", START)

    async def once_more(market: Market, key: str) -> None:
        await set_for(market, QUICK, key, START + timedelta(seconds=5))

    assert await ring_due(market, {QUICK: once_more}) == 1

    [timer] = await Pool().rows("select due_at from timer")
    assert timer["due_at"] == START + timedelta(seconds=5)


async def test_an_auction_closes_while_a_strip_is_being_cleared(orm: str) -> None:
    market = a_market()
    await set_for(market, SLOW, "strip", START)
    await set_for(market, QUICK, "auction", START)
    is_clearing, has_closed = asyncio.Event(), asyncio.Event()

    async def clear_for_minutes(_: Market, __: str) -> None:
        is_clearing.set()
        await has_closed.wait()

    async def close(_: Market, __: str) -> None:
        await is_clearing.wait()
        has_closed.set()

    keep_ringing_all(market, {SLOW: clear_for_minutes, QUICK: close})
    try:
        async with asyncio.timeout(5):
            await has_closed.wait()
    finally:
        await market.tasks.stop()
