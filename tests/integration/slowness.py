"""A disk that is slow as long as a test wants it to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aggregator.db import orm as market_orm


@asynccontextmanager
async def slow_disk() -> AsyncIterator[None]:
    """Let nobody's journal grow: who writes waits."""
    async with market_orm.raw() as connection, connection.transaction():
        await connection.execute("lock table journal in share mode")
        yield


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.005)
