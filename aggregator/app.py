"""A running market: its database, its bus, its timers, from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aggregator.bus import Bus
from aggregator.bus.memory import MemoryBus
from aggregator.bus.redis import RedisBus
from aggregator.clock import Clock, SystemClock
from aggregator.db import orm, swapping
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.migrating import migrate
from aggregator.ids import Ids, RandomIds
from aggregator.market import Market
from aggregator.reactions import ON_FACT, ON_TIMER
from aggregator.settings import Settings
from aggregator.workers import beating, ringing


@dataclass(frozen=True, slots=True)
class Database:
    """Where the rows are, and whether this process started the server."""

    dsn: str
    embedded: EmbeddedPostgres | None


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Start or find the database and bring its schema up to date."""
    embedded = None
    if settings.database_url is None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        embedded = EmbeddedPostgres(settings.embedded_database_dir)
        dsn = await asyncio.to_thread(embedded.start)
    else:
        dsn = settings.database_url
    try:
        await migrate(dsn)
        yield Database(dsn, embedded)
    finally:
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)


@asynccontextmanager
async def market_on(
    dsn: str,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    bus: Bus | None = None,
    connections: int = 10,
) -> AsyncIterator[Market]:
    """Connect a market to a migrated database, without timers."""
    await orm.connect(dsn, max_connections=connections)
    clock = clock or SystemClock()
    market = Market(clock, bus or MemoryBus(), ids or RandomIds(clock), ON_FACT)
    await market.bus.start()
    try:
        yield market
    finally:
        await market.tasks.stop()
        await market.bus.stop()
        await orm.close()


@asynccontextmanager
async def running_market(
    settings: Settings, *, first: Callable[[str], Awaitable[None]] | None = None
) -> AsyncIterator[Market]:
    """Run a whole market in this process: database, bus, heartbeat and timers.

    `first` is given the database's address once its schema stands, before anything beats.
    """
    bus: Bus = RedisBus(settings.redis_url) if settings.redis_url else MemoryBus()
    async with database(settings) as found:
        if first is not None:
            await first(found.dsn)
        connections = settings.database_connections
        async with market_on(found.dsn, bus=bus, connections=connections) as market:
            await start_workers(market)
            yield market


@asynccontextmanager
async def beside(dsn: str) -> AsyncIterator[str]:
    """Lend a fresh database that takes the place of the one at `dsn` if all goes well.

    What an earlier, killed attempt left beside is dropped. Nobody may be connected to the
    database that is replaced.
    """
    async with swapping.prepared(dsn) as fresh:
        await migrate(fresh)
        yield fresh


async def start_workers(market: Market) -> None:
    """Judge the outage since the last sign of life, then beat and ring until the end."""
    await beating.after_silence(market)
    market.tasks.start(beating.keep_beating(market), name="heartbeat")
    market.tasks.start(ringing.keep_ringing(market, ON_TIMER), name="timers")
