"""The schema as numbered SQL files, applied in order and never changed afterwards.

`schema/0007_pools.sql` is version 7. Each file is one transaction under an advisory lock, so any
number of processes may start at once and each file is applied once or not at all. What has been
applied is recorded with the file's SHA-256; a database that this program does not know, or a
file that changed after it was applied, is refused before anything is done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg

from aggregator.db.walls import NoReader, ensure_reader

SCHEMA = Path(__file__).parent / "schema"

_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_LOCK = 0x61_67_67_72
_RECORD = """
create table if not exists schema_version (
    version    integer     primary key check (version > 0),
    name       text        not null,
    sha256     text        not null check (length(sha256) = 64),
    applied_at timestamptz not null default clock_timestamp()
)
"""


class SchemaError(Exception):
    """The database and the schema files do not fit; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True, order=True)
class SchemaFile:
    """One step of the schema."""

    version: int
    name: str
    sql: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Applied:
    """One step that a database has taken."""

    version: int
    name: str
    sha256: str


async def migrate(dsn: str, *, folder: Path = SCHEMA) -> list[str]:
    """Bring the database to the newest schema and return the names of the files applied.

    Raises:
        SchemaError: the files are misnumbered, the database is newer than this program, a file
            was altered after it was applied, one comes too late for its number, or the server
            refuses the reader's role.
    """
    files = schema_files(folder)
    connection = await asyncpg.connect(dsn, server_settings=_PATIENCE)
    done: list[str] = []
    try:
        await _ensure_reader(connection)
        while True:
            name = await _apply_next(connection, files)
            if name is None:
                return done
            done.append(name)
    finally:
        await connection.close()


# A migration may wait for another one, and may itself take long.
_PATIENCE = {
    "lock_timeout": "120s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "60s",
    "application_name": "aggregator migrate",
}


def schema_files(folder: Path = SCHEMA) -> list[SchemaFile]:
    """Return the schema's steps in order."""
    found = []
    for path in folder.glob("*.sql"):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise SchemaError(f"{path.name} is not named like 0001_words.sql.")
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found.append(SchemaFile(int(match[1]), path.name, content.decode(), digest))
    found.sort()
    for before, after in pairwise(found):
        if before.version == after.version:
            raise SchemaError(f"{before.name} and {after.name} have the same number.")
    return found


async def _ensure_reader(connection: asyncpg.Connection) -> None:
    try:
        await ensure_reader(connection)
    except NoReader as error:
        raise SchemaError(str(error)) from error


async def _apply_next(connection: Any, files: Sequence[SchemaFile]) -> str | None:
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_RECORD)
        rows = await connection.fetch(
            "select version, name, sha256 from schema_version order by version"
        )
        applied = [Applied(row["version"], row["name"], row["sha256"]) for row in rows]
        waiting = pending(files, applied)
        if not waiting:
            return None
        step = waiting[0]
        try:
            await connection.execute(step.sql)
        except asyncpg.PostgresError as error:
            raise SchemaError(f"{step.name} failed: {error}") from error
        if not connection.is_in_transaction():
            raise SchemaError(f"{step.name} ends the transaction it runs in.")
        await connection.execute(
            "insert into schema_version (version, name, sha256) values ($1, $2, $3)",
            step.version,
            step.name,
            step.sha256,
        )
        return step.name


def pending(files: Sequence[SchemaFile], applied: Sequence[Applied]) -> list[SchemaFile]:
    """Return the steps still to take, in order.

    Raises:
        SchemaError: the files and what was applied do not fit.
    """
    by_version = {file.version: file for file in files}
    for step in applied:
        file = by_version.get(step.version)
        if file is None:
            raise SchemaError(
                f"The database has had {step.name}, which this program does not know. "
                f"A newer program has used it: start that one, or restore a backup."
            )
        if file.sha256 != step.sha256:
            raise SchemaError(
                f"{file.name} has changed since it was applied (SHA-256 {file.sha256[:12]}… here, "
                f"{step.sha256[:12]}… in the database). Put it back and add a new file instead."
            )
    newest = max((step.version for step in applied), default=0)
    known = {step.version for step in applied}
    waiting = [file for file in files if file.version not in known]
    if waiting and waiting[0].version < newest:
        raise SchemaError(
            f"{waiting[0].name} comes after version {newest:04d} was applied. Give it a higher "
            f"number."
        )
    return waiting
