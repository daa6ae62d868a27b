"""The sign of life each second; a longer silence was an outage, and the outage rule holds."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from aggregator.auctions import outage as auctions
from aggregator.deals import outage as deals
from aggregator.forwards import outage as forwards
from aggregator.fulfilment import outage as fulfilment
from aggregator.journal.reading import Pool
from aggregator.market import Market
from aggregator.pools import outage as pools
from aggregator.scheduler.outages import TOLERATED

log = structlog.get_logger("heartbeat")

BEAT_EVERY = timedelta(seconds=1)


async def after_silence(market: Market) -> None:
    """Apply the outage rule to what was open while no process gave a sign of life."""
    found = await Pool().rows("select at from heartbeat where id = 1")
    now = market.clock.now()
    if found and now - found[0]["at"] > TOLERATED:
        await auctions.after_outage(market, found[0]["at"], now)
        await pools.after_outage(market, found[0]["at"], now)
        await forwards.after_outage(market, found[0]["at"], now)
        await deals.after_outage(market, found[0]["at"], now)
        await fulfilment.after_outage(market, found[0]["at"], now)
    await _beat(market)


async def keep_beating(market: Market) -> None:
    """Give a sign of life each second; a silence of this process's own is judged too."""
    while True:
        try:
            await after_silence(market)
        except (OSError, Exception) as error:  # noqa: BLE001 - the database may be away
            log.warning("heartbeat_missed", error=type(error).__name__)
            await asyncio.sleep(0.5)
        await market.clock.sleep_until(market.clock.now() + BEAT_EVERY)


async def _beat(market: Market) -> None:
    await Pool().rows(
        "insert into heartbeat (id, at) values (1, $1)"
        " on conflict (id) do update set at = greatest(heartbeat.at, excluded.at) returning id",
        market.clock.now(),
    )
