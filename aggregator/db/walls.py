"""The second wall: what is read for somebody's eyes is read as a role that sees his rows only.

The first wall is the programs: they check the act and ask for the firm's own rows. Should one of
them forget, PostgreSQL still shows the role `market_reader` only what the policies of the schema
admit for the firm, the person and the desk that the transaction was opened for. Everything a
GET reads goes this way without saying so, because the viewer stands in the task's context.
Writers, reactions, timers and what folds many firms' facts into one view keep the service's role.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import asyncpg

from aggregator.db import orm

READER = "market_reader"

_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{0,200}\Z")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes: a firm's person, or nobody's, perhaps at a desk of the market."""

    organisation_id: str = ""
    person_id: str = ""
    desk: str = ""

    def __post_init__(self) -> None:
        for value in (self.organisation_id, self.person_id, self.desk):
            if not _PLAIN.match(value):
                raise ValueError(f"not an id: {value!r}")

    @property
    def settings(self) -> str:
        """The statements that put an open transaction behind the wall until it ends."""
        return (
            f"set local role {READER}; set local search_path = seen, public;"
            f" set local market.viewer = '{self.organisation_id}';"
            f" set local market.person = '{self.person_id}';"
            f" set local market.desk = '{self.desk}'"
        )


_VIEWER: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def viewer() -> Viewer | None:
    """Return for whose eyes this task reads, None when it works for the market itself."""
    return _VIEWER.get()


@contextmanager
def behind(seen_by: Viewer | None) -> Iterator[None]:
    """Read for these eyes until the block is left; None reads as the market itself."""
    before = _VIEWER.set(seen_by)
    try:
        yield
    finally:
        _VIEWER.reset(before)


async def rows(seen_by: Viewer, sql: str, args: Sequence[object]) -> Sequence[Mapping[str, Any]]:
    """Run one query behind the wall, in a transaction of its own that can write nothing."""
    async with orm.raw() as connection:
        await connection.execute(f"begin read only; {seen_by.settings}")
        try:
            found = await connection.fetch(sql, *args)
        except BaseException:
            if not connection.is_closed():
                await connection.execute("rollback")
            raise
        await connection.execute("commit")
    return [dict(row) for row in found]


class NoReader(Exception):
    """The server refuses the role that the wall needs; the message says what to do."""


async def ensure_reader(connection: asyncpg.Connection) -> None:
    """Make the role of the wall, which all databases of a server share, and let us take it on.

    Raises:
        NoReader: the database's user may not make it.

    """
    user = await connection.fetchval("select current_user")
    try:
        if not await connection.fetchval("select 1 from pg_roles where rolname = $1", READER):
            await connection.execute(_MAKE)
        if not await _takes_on(connection):
            await connection.execute(f'grant {READER} to "{user}"')
    except asyncpg.InsufficientPrivilegeError as error:
        raise NoReader(
            f"The database's user {user} may not make the role {READER}, behind which every"
            f" firm's rows are read. Let an administrator run once: create role {READER}"
            f' nologin; grant {READER} to "{user}";'
        ) from error


async def _takes_on(connection: asyncpg.Connection) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(f"set local role {READER}")
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


# Another database of the same server may be migrated at this moment.
_MAKE = f"""
do $$ begin
  create role {READER} nologin noinherit nosuperuser nobypassrls;
exception when duplicate_object or unique_violation then null;
end $$
"""
