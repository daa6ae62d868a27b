"""Timers: none is given up, none waits for a slow one, and ringing twice changes nothing."""

import asyncio
from datetime import datetime, timedelta

from aggregator.clock import SimulatedClock
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
        async with asyncio.timeout(30):
            await has_closed.wait()
    finally:
        await market.tasks.stop()


async def test_a_slow_close_delays_no_other_and_runs_once_at_a_time(orm: str) -> None:
    clock = SimulatedClock(START)
    market = a_market(clock)
    await set_for(market, QUICK, "slow", START)
    told, may_end = list[str](), asyncio.Event()

    async def close(market: Market, key: str) -> None:
        told.append(f"{key} begins")
        if key == "slow" and not may_end.is_set():
            await set_for(market, QUICK, "later", START)
            await may_end.wait()
        told.append(f"{key} ends")

    keep_ringing_all(market, {QUICK: close})
    try:
        async with asyncio.timeout(30):
            while await Pool().rows("select kind from timer"):
                clock.set(clock.now() + timedelta(milliseconds=200))
                await asyncio.sleep(0.01)
                # By then its claim has run out more than once.
                if clock.now() > START + timedelta(seconds=30):
                    may_end.set()
    finally:
        await market.tasks.stop()

    assert told[:4] == ["slow begins", "later begins", "later ends", "slow ends"]


async def test_what_rang_is_gone_while_a_slow_one_rings(orm: str) -> None:
    market = a_market()
    for key in ("quick", "slow"):
        await set_for(market, QUICK, key, START)
    may_end = asyncio.Event()

    async def close(_: Market, key: str) -> None:
        if key == "slow":
            await may_end.wait()

    ringing = asyncio.create_task(ring_due(market, {QUICK: close}))
    async with asyncio.timeout(30):
        while len(await Pool().rows("select key from timer")) == 2:
            await asyncio.sleep(0.01)
    may_end.set()

    assert await ringing == 2
    assert await Pool().rows("select key from timer") == []
