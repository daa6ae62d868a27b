"""500 races on mandates and approvals: none exceeds a limit, none is carried out twice."""

from __future__ import annotations

import time

import asyncpg

from aggregator.db import orm
from aggregator.db.migrating import migrate
from scripts._lent import Found, a_postgres
from tests.integration.mandates.building import a_firm
from tests.integration.mandates.racing import raced

RACES = 500
SLICE = 50


async def storm(seconds: int, seed: int) -> Found:
    """Race in fresh markets of 50 races each until 500 are run and the time is over."""
    until, done, broken = time.monotonic() + seconds, dict[str, int](), list[str]()
    number = 0
    async with a_postgres(durable=False) as (postgres, _):
        while not broken and (done.get("races", 0) < RACES or time.monotonic() < until):
            number += 1
            name = f"race_{number}"
            await _create(postgres.dsn(), name)
            await migrate(postgres.dsn(name))
            await orm.connect(postgres.dsn(name))
            race = await raced(await a_firm(), SLICE, seed * 1_000 + number)
            await orm.close()
            for figure, count in race.done.items():
                done[figure] = done.get(figure, 0) + count
            broken = [f"{sentence} (market {number} of seed {seed})" for sentence in race.broken]
    return dict(sorted(done.items())), broken


async def _create(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"create database {name}")
    await connection.close()
