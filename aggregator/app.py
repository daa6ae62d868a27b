"""A running market: its database, its bus, its timers, from the settings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from aggregator import vault
from aggregator.auctions import beacon
from aggregator.auctions import queries as auctions
from aggregator.auctions.drand import Drand
from aggregator.bus import Bus
from aggregator.bus.memory import MemoryBus
from aggregator.bus.postgres import PostgresBus
from aggregator.clock import DATABASE_TIME, Clock, SystemClock
from aggregator.db import orm, swapping
from aggregator.db.embedded import EmbeddedError, EmbeddedPostgres
from aggregator.db.migrating import migrate
from aggregator.ids import Ids, RandomIds
from aggregator.journal.reading import Pool
from aggregator.logs import logger
from aggregator.market import Market
from aggregator.notices import letters, posting
from aggregator.notices.smtp import Smtp
from aggregator.reactions import ON_FACT, ON_TIMER
from aggregator.settings import Environment, Settings, masked
from aggregator.workers import beating, ringing

_LOOK_AFTER_S = 1
_TRY_AGAIN_S = 4


class DatabaseAway(Exception):
    """The database that the settings name cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the rows are, and whether this process started the server."""

    dsn: str
    embedded: EmbeddedPostgres | None


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Start or find the database and bring its schema up to date.

    Raises:
        DatabaseAway: the database that the settings name cannot be used.

    """
    if settings.database_url is not None:
        await _reach(settings.database_url)
        await migrate(settings.database_url)
        yield Database(settings.database_url, None)
        return
    embedded = EmbeddedPostgres(settings.embedded_database_dir)
    starting = asyncio.get_running_loop().run_in_executor(None, embedded.start)
    try:
        dsn = await asyncio.shield(starting)
        await migrate(dsn)
        yield Database(dsn, embedded)
    finally:
        # No thread can be interrupted: a server whose start has begun is stopped once it stands.
        await asyncio.wait([starting])
        await asyncio.to_thread(embedded.stop)


async def _reach(dsn: str) -> None:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        said = str(error) or type(error).__name__
        raise DatabaseAway(f"AGG_DATABASE_URL, {masked(dsn)}: {said}") from error
    await connection.close()


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
    try:
        clock = clock or await SystemClock.anchored(_database_time)
        market = Market(clock, bus or MemoryBus(), ids or RandomIds(clock), ON_FACT)
        await market.bus.start()
        try:
            yield market
        finally:
            await market.tasks.stop()
            await market.bus.stop()
    finally:
        await orm.close()


async def _database_time() -> datetime:
    found = await Pool().rows(DATABASE_TIME)
    at: datetime = found[0]["at"]
    return at


@asynccontextmanager
async def running_market(
    settings: Settings, *, first: Callable[[str], Awaitable[None]] | None = None
) -> AsyncIterator[Market]:
    """Run a whole market in this process: database, bus, heartbeat and timers.

    `first` is given the database's address once its schema stands, before anything beats.
    """
    async with database(settings) as found:
        vault.install(settings.data_dir)
        posting.install(lets_localhost=settings.env is not Environment.PRODUCTION)
        beacon.install(Drand(settings.beacon_url) if settings.beacon_url else None)
        letters.install(_mail(settings), place=settings.public_address)
        if first is not None:
            await first(found.dsn)
        connections = settings.database_connections
        bus = _bus(settings, found.dsn)
        async with market_on(found.dsn, bus=bus, connections=connections) as market:
            await _look_at_the_keys(settings)
            await start_workers(market)
            if found.embedded is not None:
                market.tasks.start(keep_standing(found.embedded), name="database")
            yield market


async def _look_at_the_keys(settings: Settings) -> None:
    """Say at once that auctions cannot go on here, not when the first one closes."""
    if await auctions.locked_out():
        sys.stderr.write(
            f"aggregator: the keys in {settings.data_dir / 'keys'} do not open auctions that are"
            " under way. Every process of a market needs the same keys: copy that folder.\n"
        )


async def keep_standing(embedded: EmbeddedPostgres) -> None:
    """Start the database again when it has died; requests wait for nothing else."""
    while True:
        await asyncio.sleep(_LOOK_AFTER_S)
        if not embedded.died():
            continue
        logger().error("database_died")
        try:
            await asyncio.to_thread(embedded.start)
        except EmbeddedError as error:
            sys.stderr.write(f"aggregator: {error} It is tried again.\n")
            await asyncio.sleep(_TRY_AGAIN_S)


def _bus(settings: Settings, dsn: str) -> Bus:
    if settings.redis_url is not None:
        # One process needs no Redis, and its client alone is a sixth of the time to start.
        from aggregator.bus.redis import RedisBus

        return RedisBus(settings.redis_url)
    return PostgresBus(dsn) if settings.workers > 1 else MemoryBus()


def _mail(settings: Settings) -> letters.Sender | None:
    if settings.mail_url is None or settings.mail_from is None:
        return None
    return Smtp(settings.mail_url, settings.mail_from)


class MarketInUse(Exception):
    """Another process is in the market that was to be replaced."""


@asynccontextmanager
async def beside(dsn: str) -> AsyncIterator[str]:
    """Lend a fresh database that takes the place of the one at `dsn` if all goes well.

    What an earlier, killed attempt left beside is dropped.

    Raises:
        MarketInUse: somebody is connected to the database that would be replaced; it stays.

    """
    try:
        async with swapping.prepared(dsn) as fresh:
            await migrate(fresh)
            yield fresh
    except asyncpg.ObjectInUseError as error:
        raise MarketInUse from error


async def start_workers(market: Market) -> None:
    """Judge the outage since the last sign of life, then beat and ring until the end."""
    await beating.after_silence(market)
    market.tasks.start(beating.keep_beating(market), name="heartbeat")
    ringing.keep_ringing_all(market, ON_TIMER)
