"""50 pairs of worlds that differ in one sealed secret: the same to everybody else, to the byte."""

from __future__ import annotations

import logging
from random import Random

import asyncpg
import structlog

from aggregator.db.migrating import migrate
from scripts._lent import Found, a_postgres
from tests.api.pairing import FIGURES, another, differences, told_in

PAIRS = 50
TEMPLATE = "world"


async def storm(_: int, seed: int) -> Found:
    """Play one world, then 50 that differ from it in one figure, each secret in its turn."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    random, secrets = Random(seed), sorted(FIGURES)
    done, broken = {"pairs": 0, "pieces": 0}, list[str]()
    async with a_postgres(durable=False) as (postgres, _):
        dsn = postgres.dsn()
        await _run(dsn, f"create database {TEMPLATE}")
        await migrate(postgres.dsn(TEMPLATE))
        await _run(dsn, f"create database plain template {TEMPLATE}")
        plain = await told_in(postgres.dsn("plain"))
        for number in range(PAIRS):
            name = secrets[number % len(secrets)]
            drawn = another(random, name)
            await _run(dsn, f"create database other_{number} template {TEMPLATE}")
            other = await told_in(postgres.dsn(f"other_{number}"), **{name: drawn})
            await _run(dsn, f"drop database other_{number} with (force)")
            found = differences(plain, other)
            broken += [f"{name} is {drawn}: {difference}" for difference in found]
            done["pairs"] += 1
            done["pieces"] += len(other.pieces)
    return done, broken


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()
