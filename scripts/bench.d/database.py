"""The embedded database: how fast it starts, and what a durable commit costs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from aggregator.db.migrating import migrate
from scripts._lent import a_postgres

ROWS = 1000
GROUP = 50


async def measure(_: int) -> list[dict[str, Any]]:
    async with a_postgres(is_started=False) as (postgres, _):
        first = timed(postgres.start)
        began = time.perf_counter()
        await migrate(postgres.dsn())
        schema = time.perf_counter() - began
        postgres.stop()
        second = timed(postgres.start)
        return [
            row("first start", first * 1000, "ms"),
            row("whole schema", schema * 1000, "ms"),
            row("second start", second * 1000, "ms"),
            *await commits(postgres.dsn()),
        ]


async def commits(dsn: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table written (id bigint)")

    async def alone() -> None:
        for number in range(ROWS):
            await connection.execute("insert into written values ($1)", number)

    async def grouped() -> None:
        for start in range(0, ROWS, GROUP):
            async with connection.transaction():
                for number in range(start, start + GROUP):
                    await connection.execute("insert into written values ($1)", number)

    one, many = ROWS / await elapsed(alone), ROWS / await elapsed(grouped)
    await connection.close()
    return [
        row("rows, a durable commit each", one, "/s"),
        row(f"rows, a durable commit for {GROUP}", many, "/s"),
        row("gain of sharing a commit", many / one, "x"),
    ]


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


async def elapsed(act: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


def row(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 2), "unit": unit}
