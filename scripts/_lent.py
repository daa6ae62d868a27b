"""What benchmarks and storms are lent: each other's modules, and databases of their own."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import ModuleType

from tortoise import Tortoise

from aggregator.db import orm
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.migrating import migrate

Found = tuple[dict[str, int], list[str]]
"""What a storm did, by name, and a sentence for each guarantee that did not hold."""

SCRIPTS = Path(__file__).resolve().parent


def loaded(kind: str, name: str) -> ModuleType:
    """Return one of the modules in `scripts/bench.d` or `scripts/storm.d`."""
    path = SCRIPTS / f"{kind}.d" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{kind}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Data classes look their own module up while they are made.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def a_postgres(
    *, durable: bool = True, is_started: bool = True
) -> AsyncIterator[tuple[EmbeddedPostgres, Path]]:
    """Lend a fresh PostgreSQL and the folder that it is in."""
    folder = Path(tempfile.mkdtemp(prefix="market-"))
    postgres = EmbeddedPostgres(folder / "pg", durable=durable)
    try:
        if is_started:
            await asyncio.to_thread(postgres.start)
        yield postgres, folder
    finally:
        await asyncio.to_thread(postgres.stop)
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def a_database() -> AsyncIterator[tuple[str, Path]]:
    """Lend a fresh database that waits for its disk, migrated, and the folder that it is in."""
    async with a_postgres() as (postgres, folder):
        dsn = postgres.dsn()
        await migrate(dsn)
        yield dsn, folder


@asynccontextmanager
async def the_orm_on(dsn: str, models: str, *, connections: int) -> AsyncIterator[None]:
    """Connect the ORM alone, as its manual has it, to the tables of a module's models."""
    credentials = {**orm.credentials(dsn), "minsize": connections, "maxsize": connections}
    driver = {"engine": "tortoise.backends.asyncpg", "credentials": credentials}
    await Tortoise.init(
        config={
            "connections": {"default": driver},
            "apps": {"plain": {"models": [models], "default_connection": "default"}},
            "use_tz": True,
            "timezone": "UTC",
        },
        _enable_global_fallback=True,
    )
    try:
        yield
    finally:
        await Tortoise.close_connections()


def tried(
    seconds: int,
    seed: int,
    trial: Callable[[Random, Counter[str]], list[str]],
    is_full: Callable[[Counter[str]], bool],
) -> Found:
    """Try drawn cases until one breaks a guarantee, or enough are tried and the time is over."""
    until = time.monotonic() + seconds
    done: Counter[str] = Counter()
    broken: list[str] = []
    number = 0
    while not broken and (not is_full(done) or time.monotonic() < until):
        number += 1
        found = trial(Random(f"{seed}/{number}"), done)
        broken = [f"{sentence} (case {number} of seed {seed})" for sentence in found]
    return dict(sorted(done.items())), broken
