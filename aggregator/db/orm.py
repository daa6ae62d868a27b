"""The one place that starts and stops Tortoise.

Rows are for their own capability: no module outside a capability imports its `models`. The
schema comes from the SQL files, never from here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from tortoise import Tortoise

from aggregator.db.calls import Call, statement
from aggregator.db.guards import SESSION_GUARDS

MODEL_MODULES: list[str] = ["aggregator.db.models"]
"""The modules that hold rows, lowest layer first."""

_APP = "market"


async def connect(dsn: str, *, max_connections: int = 10) -> None:
    """Open a pool of connections, each bound by the session guards."""
    await Tortoise.init(
        config={
            "connections": {
                "default": {
                    "engine": "tortoise.backends.asyncpg",
                    "credentials": {**credentials(dsn), "minsize": 1, "maxsize": max_connections},
                }
            },
            "apps": {_APP: {"models": list(MODEL_MODULES), "default_connection": "default"}},
            "use_tz": True,
            "timezone": "UTC",
        },
        # A server answers requests in other tasks than the one that started it, and Tortoise
        # would find no connection there.
        _enable_global_fallback=True,
    )


async def close() -> None:
    """Close every connection."""
    await Tortoise.close_connections()


@asynccontextmanager
async def raw() -> AsyncIterator[asyncpg.Connection]:
    """Lend the driver's own connection: the open transaction's one inside a transaction."""
    async with Tortoise.get_connection("default").acquire_connection() as connection:
        yield cast(asyncpg.Connection, connection)


class Writing:
    """One connection, of the driver's own, that runs one transaction after the other.

    It looks rows up by their keys whatever the planner believes of tables that were small when
    it was asked, and nothing else is run on it while it is lent.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writing]:
        """Run a transaction; it is durable when the block has been left without an error."""
        await self._connection.execute(_BEGIN)
        try:
            yield self
        except BaseException:
            if not self._connection.is_closed():
                await self._connection.execute("rollback")
            raise
        await self._connection.execute("commit")

    async def call(self, calls: Sequence[Call]) -> None:
        """Make calls as one statement; outside a transaction they are durable when it returns."""
        sql, given = statement(calls)
        await self._connection.fetch(sql, *given)

    async def execute_query_dict(
        self, sql: str, values: Sequence[object]
    ) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = await self._connection.fetch(sql, *values)
        return found

    async def execute_query(self, sql: str, values: Sequence[object]) -> None:
        await self._connection.execute(sql, *values)


_BEGIN = (
    "begin; set local enable_seqscan = off; set local enable_hashjoin = off;"
    " set local enable_mergejoin = off"
)


@asynccontextmanager
async def writing() -> AsyncIterator[Writing]:
    """Lend a connection to the process's one writer."""
    async with raw() as connection:
        yield Writing(connection)


async def copy_rows(
    connection: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Copy rows into a table, inside the transaction of `connection`, Tortoise's or ours."""
    driver: asyncpg.Connection = connection._connection  # Tortoise has no other name for it
    await driver.copy_records_to_table(table, records=rows, columns=columns)


def credentials(dsn: str) -> dict[str, Any]:
    """Take a `postgresql://` address apart for Tortoise.

    `host` in the query names a socket's folder; `sslmode` and `password` are the driver's; any
    other name there is a setting of the server.
    """
    address = urlsplit(dsn)
    query = dict(parse_qsl(address.query))
    host = query.pop("host", None) or (unquote(address.hostname) if address.hostname else None)
    found: dict[str, Any] = {
        "host": host,
        "port": int(query.pop("port", None) or address.port or 5432),
        "user": query.pop("user", None) or unquote(address.username or "") or None,
        "database": unquote(address.path.lstrip("/")) or None,
    }
    password = query.pop("password", None) or unquote(address.password or "")
    if password:
        found["password"] = password
    if "sslmode" in query:
        found["ssl"] = query.pop("sslmode")
    found["server_settings"] = {"application_name": "aggregator", **SESSION_GUARDS, **query}
    return found


def load_models() -> None:
    """Import every module that holds rows, for the tests that compare them with the schema."""
    for name in MODEL_MODULES:
        import_module(name)
