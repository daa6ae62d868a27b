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
ALONE = ("auctions.close", "auctions.conclude", "forwards.close", "pools.close")
"""Kinds with a loop of their own: a thousand auctions end in a second, other kinds may ring for
minutes, and none of them waits for another."""
TOGETHER = ("auctions.close",)
"""Kinds of which all that are due ring at once."""
MOST_TOGETHER, MOST_IN_ROW = 200, 50


async def ring_due(market: Market, on_timer: Mapping[str, Ring]) -> int:
    """Ring every timer of these kinds that is due now, in order, and return how many rang."""
    rang = 0
    most = MOST_TOGETHER if tuple(on_timer) == TOGETHER else MOST_IN_ROW
    while due := await timers.claim_due(market.clock.now(), on_timer.keys(), limit=most):
        together = [timer for timer in due if timer.kind in TOGETHER]
        rung = await asyncio.gather(*(_rings(market, on_timer, timer) for timer in together))
        ended = [timer for timer, is_done in zip(together, rung, strict=True) if is_done]
        if ended:
            await timers.done(ended)
        rang += len(ended)
        for timer in due:
            if timer.kind not in TOGETHER and await _rings(market, on_timer, timer):
                await timers.done([timer])
                rang += 1
    return rang


async def _rings(market: Market, on_timer: Mapping[str, Ring], timer: timers.Due) -> bool:
    try:
        await on_timer[timer.kind](market, timer.key)
    except Exception as error:
        log.error("timer_failed", kind=timer.kind, key=timer.key, exc_info=error)
        return False
    return True


def keep_ringing_all(market: Market, on_timer: Mapping[str, Ring]) -> None:
    """Start to ring timers as they fall due, until the market's tasks are stopped."""
    quick = {kind: ring for kind, ring in on_timer.items() if kind not in ALONE}
    market.tasks.start(keep_ringing(market, quick), name="timers")
    for kind in ALONE:
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
