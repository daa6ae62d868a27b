"""A database made beside another one, which takes its place when it is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_PATIENT = {"statement_timeout": "0", "lock_timeout": "120s"}
_ONE_AT_A_TIME = 4_717_001


@asynccontextmanager
async def prepared(dsn: str) -> AsyncIterator[str]:
    """Yield the address of an empty database beside the one at `dsn`; swap them at the end.

    When the body fails, the one at `dsn` stays as it was.
    """
    name = urlsplit(dsn).path.lstrip("/")
    fresh, old = f"{name}_beside", f"{name}_before"
    admin = await asyncpg.connect(_named(dsn, "template1"), server_settings=_PATIENT)
    try:
        await admin.execute("select pg_advisory_lock($1)", _ONE_AT_A_TIME)
        for left in (fresh, old):
            await admin.execute(f'drop database if exists "{left}" with (force)')
        await admin.execute(f'create database "{fresh}" template template0')
        yield _named(dsn, fresh)
        async with admin.transaction():
            await admin.execute(f'alter database "{name}" rename to "{old}"')
            await admin.execute(f'alter database "{fresh}" rename to "{name}"')
        await admin.execute(f'drop database "{old}" with (force)')
    finally:
        await admin.close()


def _named(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
