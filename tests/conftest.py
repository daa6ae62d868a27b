"""A real PostgreSQL, with an empty market for each test, and a real browser."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from playwright.async_api import Browser, async_playwright

from aggregator.db import orm as market_orm
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.migrating import migrate

# The same examples on every run and machine; a busy machine breaks no deadline.
settings.register_profile("market", deadline=None, derandomize=True)
settings.register_profile("storm", deadline=None, database=None)
settings.load_profile("market")
# Else a property's examples come partly from the figures in whatever modules are loaded, and one
# that fails in a whole run passes by itself.
assert callable(providers._get_local_constants)
providers._get_local_constants = Constants

TEMPLATE = "market_template"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A test's browser talks to the test's server and to nobody else.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


# Journal and ledger refuse to be emptied; only a superuser who says so may pass their triggers.
_EMPTY = """
set session_replication_role = replica;
do $$ declare found text; begin
  for found in select tablename from pg_tables
    where schemaname = 'public' and tablename <> 'schema_version'
  loop execute format('delete from %I', found); end loop;
  for found in select sequencename from pg_sequences where schemaname = 'public'
  loop execute format('alter sequence %I restart', found); end loop;
end $$
"""

# Tables, columns, constraints and triggers, by name: what a test may have changed of the schema.
_SHAPE = """
select md5(string_agg(shape, ',' order by shape)) from (
  select format('%s.%s:%s', attrelid::regclass, attname, atttypid) from pg_attribute
    join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and attnum > 0
  union all select conname from pg_constraint where connamespace = 'public'::regnamespace
  union all select tgname || tgenabled::text from pg_trigger where not tgisinternal
) as shapes (shape)
"""


@dataclass
class Databases:
    """Copies of the migrated template on the test server."""

    server: EmbeddedPostgres
    admin: asyncpg.Connection
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    shared: str = ""
    shape: str = ""
    sweeper: asyncpg.Connection | None = None

    async def create(self) -> str:
        """Return the name of a fresh database with the whole schema and no rows."""
        name = f"market_{next(self.numbers)}"
        await self.admin.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
        return name

    async def emptied(self) -> str:
        """Return the name of the shared database, with the whole schema and no rows.

        Emptying takes milliseconds where making a database takes a second on a busy machine.
        """
        if self.shared:
            if await self._is_empty_again():
                return self.shared
            await self.drop(self.shared)
        self.shared = await self.create()
        self.shape = await (await self._connected()).fetchval(_SHAPE)
        return self.shared

    async def _is_empty_again(self) -> bool:
        """Empty the shared database; False when a test has changed its very schema."""
        sweeper = await self._connected()
        await self.admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = $1 and pid <> $2",
            self.shared,
            sweeper.get_server_pid(),
        )
        await sweeper.execute(_EMPTY)
        return bool(await sweeper.fetchval(_SHAPE) == self.shape)

    async def _connected(self) -> asyncpg.Connection:
        """Return a connection to the shared database that stays from test to test.

        A new one would look up all tables first, which takes ten times as long as emptying them.
        """
        if self.sweeper is not None:
            # A test may have ended it, or its database.
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self.sweeper.execute("select")
        if self.sweeper is None or self.sweeper.is_closed():
            self.sweeper = await asyncpg.connect(self.server.dsn(self.shared))
        return self.sweeper

    async def drop(self, name: str) -> None:
        await self.admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def quick_disk() -> str:
    """A folder for databases that are thrown away: in memory where there is room for them."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2_000_000_000
    return str(memory) if roomy else tempfile.gettempdir()


@pytest.fixture(scope="session")
def server(quick_disk: str) -> Iterator[EmbeddedPostgres]:
    """One server for the whole run; it forgets on a crash, which makes it quick."""
    # Short, because a socket's address is; not below pytest's own folder, which is long.
    folder = Path(tempfile.mkdtemp(prefix="market-", dir=quick_disk))
    postgres = EmbeddedPostgres(folder / "pg", durable=False)
    postgres.start()
    yield postgres
    postgres.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def databases(server: EmbeddedPostgres) -> AsyncIterator[Databases]:
    admin = await asyncpg.connect(server.dsn(), server_settings={"statement_timeout": "0"})
    await admin.execute(f"create database {TEMPLATE}")
    await migrate(server.dsn(TEMPLATE))
    await admin.execute(f"alter database {TEMPLATE} with is_template true allow_connections false")
    found = Databases(server, admin)
    yield found
    if found.sweeper is not None:
        await found.sweeper.close()
    await admin.close()


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """The address of a migrated database without rows that no other test uses meanwhile."""
    return databases.server.dsn(await databases.emptied())


@pytest.fixture
async def orm(dsn: str) -> AsyncIterator[str]:
    """Tortoise connected to a fresh database; the value is its address."""
    await market_orm.connect(dsn)
    yield dsn
    await market_orm.close()


def chromium() -> str | None:
    """Return the program that browser tests use: `AGG_CHROME`, or the first on PATH."""
    named = os.environ.get("AGG_CHROME")
    found = (path for name in CHROMIUMS if (path := shutil.which(name)))
    return named or next(found, None)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium without a window; each test opens contexts of its own in it."""
    program = chromium()
    if program is None:
        absent = "No Chromium: install one (apt-get install chromium) or name it in AGG_CHROME."
        if os.environ.get("AGG_REQUIRE_BROWSER") == "1":
            pytest.fail(absent)
        pytest.skip(absent)
    # Chromium's own sandbox refuses to run as root.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=program, args=["--headless=new", *QUIET, *sandbox]
        )
        yield opened
        await opened.close()
