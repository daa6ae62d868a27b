"""Ringing timers: any process takes what is due, and ringing twice changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from aggregator.market import Market
from aggregator.scheduler import timers

log = structlog.get_logger("timers")

Ring = Callable[[Market, str], Awaitable[None]]
LOOK_EVERY = timedelta(milliseconds=200)
SLOW = ("forwards.close", "pools.close")
"""Kinds that may ring for minutes; each has a loop of its own, so that no auction waits."""


async def ring_due(market: Market, on_timer: Mapping[str, Ring]) -> int:
    """Ring every timer of these kinds that is due now, in order, and return how many rang."""
    rang = 0
    while due := await timers.claim_due(market.clock.now(), on_timer.keys()):
        for timer in due:
            try:
                await on_timer[timer.kind](market, timer.key)
            except Exception as error:
                log.error("timer_failed", kind=timer.kind, key=timer.key, exc_info=error)
            else:
                await timers.done(timer)
                rang += 1
    return rang


def keep_ringing_all(market: Market, on_timer: Mapping[str, Ring]) -> None:
    """Start to ring timers as they fall due, until the market's tasks are stopped."""
    quick = {kind: ring for kind, ring in on_timer.items() if kind not in SLOW}
    market.tasks.start(keep_ringing(market, quick), name="timers")
    for kind in SLOW:
        if kind in on_timer:
            alone = {kind: on_timer[kind]}
            market.tasks.start(keep_ringing(market, alone), name=f"timers {kind}")


async def keep_ringing(market: Market, on_timer: Mapping[str, Ring]) -> None:
    """Ring timers as they fall due, until cancelled."""
    while True:
        try:
            await ring_due(market, on_timer)
        except (OSError, Exception) as error:  # noqa: BLE001 - the database may be away for a while
            log.warning("timers_waiting", error=type(error).__name__)
            await asyncio.sleep(0.5)
        await market.clock.sleep_until(market.clock.now() + LOOK_EVERY)
