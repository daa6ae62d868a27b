"""`aggregator backup` and `restore`: the whole market in one file, and back."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg

from aggregator import vault
from aggregator.app import database, market_on
from aggregator.db import backups, swapping
from aggregator.db.backups import BackupError, Manifest
from aggregator.db.migrating import migrate
from aggregator.ledger.verifying import verify as verify_ledger
from aggregator.prices.verifying import verify as verify_prices
from aggregator.settings import Settings, load_settings

REFUSED, VIOLATED = 1, 3


class _Broken(Exception):
    """What a backup holds does not add up."""


def add_commands(commands: Any) -> None:  # the type is private to argparse
    backup = commands.add_parser(
        "backup",
        help="write the whole market, as of now, into one file",
        description="The market may go on meanwhile. The folder `keys` of the data folder is not"
        " in it: keep a copy of that elsewhere, for nobody restores without it.",
    )
    backup.add_argument("path", metavar="PATH", type=Path, help="a file that is not there yet")
    backup.add_argument("--json", action="store_true", help="print one JSON document")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser(
        "restore",
        help="bring a market back from a backup; exit 3 if it does not add up",
        description="Nothing else may use the market meanwhile. Signature, rows, ledger and"
        " prices are checked first; only then does it take its place.",
    )
    restore.add_argument("path", metavar="PATH", type=Path)
    restore.add_argument(
        "--replace",
        action="store_true",
        help="also where a market is; that one is backed up into the data folder before",
    )
    restore.add_argument("--json", action="store_true", help="print one JSON document")
    restore.set_defaults(run=_restore)


def _backup(arguments: argparse.Namespace) -> int:
    try:
        manifest = asyncio.run(_backed_up(load_settings(), arguments.path))
    except BackupError as error:
        return _refused(error)
    _tell(arguments, manifest, f"backed up to {arguments.path}")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    try:
        manifest, kept = asyncio.run(_restored(load_settings(), arguments))
    except BackupError as error:
        return _refused(error)
    except _Broken as error:
        print(f"broken: {error} Nothing was restored.", file=sys.stderr)
        return VIOLATED
    if kept is not None:
        print(f"the market that was here is kept in {kept}", file=sys.stderr)
    _tell(arguments, manifest, "restored")
    return 0


async def _backed_up(settings: Settings, path: Path) -> Manifest:
    async with database(settings) as found:
        vault.install(settings.data_dir)
        return await _written(found.dsn, path)


async def _written(dsn: str, path: Path) -> Manifest:
    keys = vault.vault()
    with _Progress() as told:
        return await backups.write(dsn, path, key=keys.public_key, sign=keys.sign, told=told)


async def _restored(
    settings: Settings, arguments: argparse.Namespace
) -> tuple[Manifest, Path | None]:
    keys = settings.data_dir / "keys"
    if not keys.is_dir():
        raise BackupError(f"{keys} is missing: put the keys of the market that was saved there.")
    vault.install(settings.data_dir)
    key = vault.vault().public_key
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as folder:
        manifest, dump = backups.read(
            arguments.path, Path(folder), key=key, is_signed=vault.is_signed
        )
        async with database(settings) as found:
            kept = await _kept(found.dsn, settings.data_dir, replaces=arguments.replace)
            try:
                async with swapping.prepared(found.dsn) as fresh:
                    with _Progress() as told:
                        await backups.load(fresh, dump, manifest, told)
                    await migrate(fresh)
                    await _require_sound(fresh)
            except asyncpg.ObjectInUseError as error:
                raise BackupError(
                    "Another process uses this market: stop it first. Nothing was restored."
                ) from error
    return manifest, kept


async def _kept(dsn: str, folder: Path, *, replaces: bool) -> Path | None:
    """Back up the market that is here, if there is one."""
    if not await backups.holds_anything(dsn):
        return None
    if not replaces:
        raise BackupError("A market is here already: --replace backs it up and takes its place.")
    path = _free_name(folder)
    await _written(dsn, path)
    return path


def _free_name(folder: Path) -> Path:
    names = (folder / f"replaced-{number}.backup" for number in itertools.count(1))
    return next(name for name in names if not name.exists())


async def _require_sound(dsn: str) -> None:
    async with market_on(dsn):
        ledger, prices = await verify_ledger(), await verify_prices()
    for difference in ledger.differences:
        raise _Broken(f"{difference.id}: {difference.rule} ({difference.difference_minor}).")
    for found in prices.differences:
        raise _Broken(f"{found.publication_id}: {found.field} is not what its deals give.")


class _Progress:
    """One line on a terminal that says how far it is; nothing anywhere else."""

    def __enter__(self) -> backups.Told:
        self._shows = sys.stderr.isatty()
        return self._say

    def __exit__(self, *_: object) -> None:
        if self._shows:
            sys.stderr.write("\r\x1b[K")

    def _say(self, text: str) -> None:
        if self._shows:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()


def _tell(arguments: argparse.Namespace, manifest: Manifest, done: str) -> None:
    if arguments.json:
        print(json.dumps(asdict(manifest)))
        return
    rows = sum(manifest.rows.values())
    print(f"{done}: {rows} rows of {len(manifest.rows)} tables as of {manifest.made_at}")


def _refused(error: BackupError) -> int:
    print(f"refused: {error}", file=sys.stderr)
    return REFUSED
