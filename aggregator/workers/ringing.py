"""Ringing timers: any process takes what is due, and ringing twice changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from aggregator.market import Market
from aggregator.scheduler import timers

log = structlog.get_logger("timers")

Ring = Callable[[Market, str], Awaitable[None]]
LOOK_EVERY = timedelta(milliseconds=200)
ALONE = (
    "auctions.close",
    "auctions.conclude",
    "forwards.close",
    "notices.deliver",
    "notices.post",
    "pools.close",
)
"""Kinds with a loop of their own: a thousand auctions end in a second, other kinds may ring for
minutes, others wait for foreign machines, and none of them waits for another."""
TOGETHER = frozenset({"auctions.close", "notices.deliver", "notices.post"})
"""Kinds of which all that are due ring at once."""
MOST_TOGETHER, MOST_IN_ROW = 200, 50


async def ring_due(
    market: Market, on_timer: Mapping[str, Ring], *, under_way: set[str] | None = None
) -> int:
    """Ring every timer of these kinds that is due now, in order, and return how many rang.

    `under_way` has the keys that this process rings already; they are left to it.
    """
    rang = 0
    under_way = set() if under_way is None else under_way
    most = MOST_TOGETHER if on_timer.keys() <= TOGETHER else MOST_IN_ROW
    while due := await timers.claim_due(market.clock.now(), on_timer.keys(), limit=most):
        together = [timer for timer in due if timer.kind in TOGETHER]
        rang += await _ring_together(market, on_timer, together, under_way)
        for timer in due:
            if timer.kind not in TOGETHER and await _rings(market, on_timer, timer):
                await timers.done([timer])
                rang += 1
    return rang


async def _ring_together(
    market: Market,
    on_timer: Mapping[str, Ring],
    together: Sequence[timers.Due],
    under_way: set[str],
) -> int:
    """Ring at once, and remove what has rung while a slow one still rings."""
    begun = {
        market.tasks.start(_rings(market, on_timer, timer), name=f"timer {timer.key}"): timer
        for timer in together
        if timer.key not in under_way
    }
    under_way.update(timer.key for timer in begun.values())
    waiting, rang = set(begun), 0
    try:
        while waiting:
            over, waiting = await asyncio.wait(waiting, timeout=LOOK_EVERY.total_seconds())
            ended = [begun[one] for one in over if one.result()]
            if ended:
                await timers.done(ended)
            rang += len(ended)
            under_way.difference_update(begun[one].key for one in over)
    finally:
        under_way.difference_update(timer.key for timer in begun.values())
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
    """Ring timers as they fall due, until cancelled; what rings together waits for no slow one."""
    patience_s = LOOK_EVERY.total_seconds() if on_timer.keys() <= TOGETHER else None
    under_way = set[str]()
    while True:
        one = market.tasks.start(_look(market, on_timer, under_way), name="timers due")
        await asyncio.wait({one}, timeout=patience_s)
        await market.clock.sleep_until(market.clock.now() + LOOK_EVERY)


async def _look(market: Market, on_timer: Mapping[str, Ring], under_way: set[str]) -> None:
    try:
        await ring_due(market, on_timer, under_way=under_way)
    except (OSError, Exception) as error:  # noqa: BLE001 - the database may be away for a while
        log.warning("timers_waiting", error=type(error).__name__)
        await asyncio.sleep(0.5)
