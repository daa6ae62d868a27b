"""Kill the embedded database under its writers: no acknowledged row may be lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter

import asyncpg

from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.processes import recorded_server
from scripts._lent import Found, a_postgres

WRITERS = 4
# The driver's own complaint comes when a socket breaks between two of its states.
BROKEN = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
KINDS = ("a backend", "the postmaster", "every process")


async def storm(seconds: int, seed: int) -> Found:
    async with a_postgres() as (postgres, _):
        return await stormed(postgres, seconds, random.Random(seed))


async def stormed(postgres: EmbeddedPostgres, seconds: int, chance: random.Random) -> Found:
    dsn = postgres.dsn()
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "create table told (writer int, number int, primary key (writer, number))"
    )
    await connection.close()
    until = time.monotonic() + seconds
    acknowledged: dict[int, int] = dict.fromkeys(range(WRITERS), 0)
    kills: Counter[str] = Counter()
    slowest = 0.0
    writers = [asyncio.ensure_future(write(dsn, n, acknowledged, until)) for n in acknowledged]
    while time.monotonic() < until:
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        kind = chance.choice(KINDS)
        kill(postgres, kind, chance)
        kills[kind] += 1
        began = time.monotonic()
        await asyncio.to_thread(postgres.start)
        slowest = max(slowest, time.monotonic() - began)
    await asyncio.gather(*writers)
    violations = await audit(postgres.start(), acknowledged)
    figures = {
        **{f"kills of {kind}": kills[kind] for kind in KINDS},
        "acknowledged rows": sum(acknowledged.values()),
        "slowest restart, ms": int(slowest * 1000),
    }
    return figures, violations


async def write(dsn: str, writer: int, acknowledged: dict[int, int], until: float) -> None:
    """Write 1, 2, 3 …; a number whose fate is unknown is asked for again, as a client would."""
    while time.monotonic() < until:
        with contextlib.suppress(*BROKEN):
            connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
            try:
                while time.monotonic() < until:
                    await connection.execute(
                        "insert into told values ($1, $2) on conflict do nothing",
                        writer,
                        acknowledged[writer] + 1,
                    )
                    acknowledged[writer] += 1
            finally:
                connection.terminate()
        await asyncio.sleep(0.02)


def kill(postgres: EmbeddedPostgres, kind: str, chance: random.Random) -> None:
    server = recorded_server(postgres.data_dir)
    if server is None:
        return
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.pid)], capture_output=True, text=True, check=False
    )
    children = sorted(int(line) for line in listed.stdout.split())
    victims = {
        "a backend": [chance.choice(children)] if children else [],
        "the postmaster": [server.pid],
        "every process": [*children, server.pid],
    }
    for victim in victims[kind]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


async def audit(dsn: str, acknowledged: dict[int, int]) -> list[str]:
    connection = await asyncpg.connect(dsn)
    violations = []
    for writer, told in acknowledged.items():
        kept, highest = await connection.fetchrow(
            "select count(*), coalesce(max(number), 0) from told where writer = $1", writer
        )
        if kept != highest or highest not in {told, told + 1}:
            violations.append(
                f"writer {writer} was told {told}; {kept} rows up to {highest} are there"
            )
    await connection.close()
    return violations
