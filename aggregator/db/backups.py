"""A whole database in one file, and back: PostgreSQL's own dump, with a signed list of it.

The file is a tar of `manifest.json` and `database.dump`. The manifest names the rows of every
table at the instant of the dump, the dump's size and SHA-256, and the key that signed it. Keys
are never in it: whoever finds a backup reads no sealed bid and signs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from aggregator.clock import DATABASE_TIME
from aggregator.db.programs import EmbeddedError, find_binaries

FORMAT = "aggregator.backup/1"
_MANIFEST, _DUMP = "manifest.json", "database.dump"
_MAX_MANIFEST_BYTES = 1_000_000
_PIECE = 1 << 20
_PATIENT = {"statement_timeout": "0", "lock_timeout": "120s", "timezone": "UTC"}
_TABLES = """
select format('%I', tablename) as name from pg_tables where schemaname = 'public'
order by tablename
"""
_HOLDS_ANYTHING = "select exists (select from journal) or exists (select from organisation)"

Told = Callable[[str], None]


class BackupError(Exception):
    """A backup cannot be made, or cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `rows` counts each table; `schema` is its newest schema file."""

    made_at: str
    schema: str
    rows: Mapping[str, int]
    dump_bytes: int
    sha256: str
    key: str
    format: str = FORMAT

    def said(self) -> bytes:
        """Return what is signed."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()


async def write(
    dsn: str, path: Path, *, key: str, sign: Callable[[bytes], str], told: Told
) -> Manifest:
    """Write the database as of now to `path`, which must not exist; all of it or nothing.

    Raises:
        BackupError: the file is there already, cannot be written, or the dump failed.

    """
    try:
        _require_new(path)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder:
            dump = Path(folder, _DUMP)
            facts = await _dumped(dsn, dump, told)
            size, digest = _measured(dump)
            manifest = Manifest(**facts, dump_bytes=size, sha256=digest, key=key)
            whole = Path(folder, "whole")
            _pack(whole, manifest, sign(manifest.said()), dump)
            os.link(whole, path)
    except FileExistsError as error:
        raise BackupError(f"{path} is there already: a backup replaces nothing.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror or error}.") from error
    return manifest


def read(
    path: Path, folder: Path, *, key: str, is_signed: Callable[[str, str, bytes], bool]
) -> tuple[Manifest, Path]:
    """Check the file at `path` and return its manifest, and its dump unpacked into `folder`.

    `is_signed` says whether a signature of some bytes was made with the private part of `key`.

    Raises:
        BackupError: it is no backup, is cut short, was altered, or is signed with another key.

    """
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|") as packed:
            manifest, signature = _manifest(_member(packed, _MANIFEST))
            if manifest.key != key:
                raise BackupError(
                    f"{path} is of a market with other keys ({manifest.key}; {key} are here):"
                    " without its own it could not open what it has sealed."
                )
            if not is_signed(key, signature, manifest.said()):
                raise BackupError(f"{path} was altered: the signature of its manifest is wrong.")
            dump = folder / _DUMP
            found = _unpacked(_member(packed, _DUMP), dump, manifest.dump_bytes)
    except FileNotFoundError as error:
        raise BackupError(f"{path} is not there.") from error
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} is no backup, or is cut short.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != (manifest.dump_bytes, manifest.sha256):
        raise BackupError(f"{path} was altered or is cut short: the dump is not the signed one.")
    return manifest, dump


async def load(dsn: str, dump: Path, manifest: Manifest, told: Told) -> None:
    """Fill the empty database at `dsn`, and count what came.

    Raises:
        BackupError: PostgreSQL refuses the dump, or another number of rows came out of it.

    """
    arguments = ("--exit-on-error", "--single-transaction", "--no-owner", "--verbose", str(dump))
    heard = _Progress(told, "filling", len(manifest.rows), "processing data for table")
    await _run("pg_restore", dsn, arguments, heard)
    connection = await asyncpg.connect(dsn, server_settings=_PATIENT)
    try:
        rows = await _counted(connection)
    finally:
        await connection.close()
    for table, count in manifest.rows.items():
        if rows.get(table) != count:
            raise BackupError(f"{table} has {rows.get(table)} rows, and {count} were saved.")


async def holds_anything(dsn: str) -> bool:
    """Say whether anything has happened in the market at `dsn`."""
    connection = await asyncpg.connect(dsn, server_settings=_PATIENT)
    try:
        return bool(await connection.fetchval(_HOLDS_ANYTHING))
    finally:
        await connection.close()


async def _dumped(dsn: str, dump: Path, told: Told) -> dict[str, Any]:
    """Dump the database and describe it, both from one snapshot."""
    connection = await asyncpg.connect(dsn, server_settings=_PATIENT)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("select pg_export_snapshot()")
            rows = await _counted(connection)
            made_at = await connection.fetchval(DATABASE_TIME)
            schema = await connection.fetchval(
                "select name from schema_version order by version desc limit 1"
            )
            arguments = (f"--snapshot={snapshot}", "--format=custom", f"--file={dump}")
            heard = _Progress(told, "copying", len(rows), "dumping contents of table")
            await _run("pg_dump", dsn, (*arguments, "--verbose"), heard)
    finally:
        await connection.close()
    return {"rows": rows, "made_at": made_at.isoformat(), "schema": schema}


async def _counted(connection: Any) -> dict[str, int]:
    tables = [row["name"] for row in await connection.fetch(_TABLES)]
    return {name: await connection.fetchval(f"select count(*) from {name}") for name in tables}


class _Progress:
    """Counts tables in what a program says of itself, and keeps its last words."""

    def __init__(self, told: Told, doing: str, tables: int, mark: str) -> None:
        self._told, self._doing, self._mark = told, doing, mark
        self._tables, self._done = tables, 0
        self.last = ""

    def hear(self, line: str) -> None:
        if self._mark in line:
            self._done += 1
            self._told(f"{self._doing} table {self._done} of {self._tables}")
        elif "error" in line:
            self.last = re.sub(r"^\w+: (error: )?", "", line)


async def _run(name: str, dsn: str, arguments: tuple[str, ...], heard: _Progress) -> None:
    """Run a program of PostgreSQL on a database; its password stays out of the process list."""
    address, password = _without_password(dsn)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    try:
        program = find_binaries() / name
        started = await asyncio.create_subprocess_exec(
            program,
            f"--dbname={address}",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
    except (EmbeddedError, OSError) as error:
        raise BackupError(f"The program {name} of PostgreSQL is needed: {error}") from error
    assert started.stderr is not None
    async for line in started.stderr:
        heard.hear(line.decode(errors="replace").strip())
    if await started.wait() != 0:
        raise BackupError(f"{name}: {heard.last or 'it failed without a word'}")


def _without_password(dsn: str) -> tuple[str, str]:
    parts = urlsplit(dsn)
    user, _, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    netloc = f"{name}@{place}" if user else place
    return urlunsplit(parts._replace(netloc=netloc)), unquote(password)


def _require_new(path: Path) -> None:
    if path.exists():
        raise FileExistsError


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _pack(path: Path, manifest: Manifest, signature: str, dump: Path) -> None:
    said = json.dumps({**asdict(manifest), "signature": signature}, indent=1).encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as packed:
            entry = tarfile.TarInfo(_MANIFEST)
            entry.size, entry.mode = len(said), 0o600
            packed.addfile(entry, io.BytesIO(said))
            packed.add(dump, _DUMP, recursive=False)
        file.flush()
        os.fsync(file.fileno())


def _member(packed: tarfile.TarFile, name: str) -> IO[bytes]:
    entry = packed.next()
    file = None if entry is None or entry.name != name else packed.extractfile(entry)
    if file is None:
        raise BackupError(f"This is no backup of a market: {name} is missing.")
    return file


def _manifest(file: IO[bytes]) -> tuple[Manifest, str]:
    raw = file.read(_MAX_MANIFEST_BYTES + 1)
    try:
        said = json.loads(raw)
        signature = said.pop("signature")
        manifest = Manifest(**said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError("This is no backup of a market: its manifest cannot be read.") from error
    if manifest.format != FORMAT:
        raise BackupError(f"This backup is written as {manifest.format}; {FORMAT} is known here.")
    return manifest, str(signature)


def _unpacked(file: IO[bytes], path: Path, size: int) -> tuple[int, str]:
    """Copy a dump of `size` bytes and return its true size and SHA-256."""
    digest, written = hashlib.sha256(), 0
    with path.open("xb") as copy:
        while (piece := file.read(_PIECE)) and written <= size:
            digest.update(piece)
            written += copy.write(piece)
    return written, digest.hexdigest()
