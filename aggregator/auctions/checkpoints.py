"""Signed words about each close, kept outside the database.

One line a close in a file of the data folder, each with the hash of the line before it: who
alters the database afterwards has to alter what stands elsewhere too. Copies of the file are
worth most where the operator cannot reach them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from aggregator.auctions.records import Chain
from aggregator.journal.facts import canonical
from aggregator.vault import data_folder, vault

FORMAT = "aggregator.checkpoint/1"
FILE = "checkpoints.jsonl"
_NOTHING_BEFORE = bytes(32).hex()
_TAIL = 4096
_IN_MEMORY: list[bytes] = []


def publish(auction_id: str, chain: Chain, at: str) -> dict[str, Any]:
    """Write the checkpoint of an auction that has just ended, and return it."""
    folder = data_folder()
    if folder is None:
        _IN_MEMORY.append(_line(_IN_MEMORY[-1:], auction_id, chain, at))
        return _read(_IN_MEMORY[-1])
    with _locked(folder.joinpath(FILE)) as file:
        line = _line(_last_lines(file), auction_id, chain, at)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return _read(line)


def of(auction_id: str, chain: Chain, at: str) -> dict[str, Any]:
    """Return an auction's checkpoint; one that a power cut prevented is written now."""
    folder = data_folder()
    known = _IN_MEMORY if folder is None else _lines_of(folder.joinpath(FILE))
    named = (_read(line) for line in known if auction_id.encode() in line)
    mine = (one for one in named if one["auction_id"] == auction_id)
    return next(mine, None) or publish(auction_id, chain, at)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _last_lines(file: BinaryIO) -> list[bytes]:
    """Return the last whole line; half a line that a power cut left is cut off."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - _TAIL)
    file.seek(start)
    tail = file.read()
    whole = tail[: tail.rfind(b"\n") + 1]
    if len(whole) < len(tail):
        file.truncate(start + len(whole))
    return whole.splitlines(keepends=True)[-1:]


def _lines_of(path: Path) -> list[bytes]:
    """Return the whole lines; the last may still be written, or a power cut ended it."""
    found = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [line for line in found if line.endswith(b"\n")]


def _line(before: Sequence[bytes], auction_id: str, chain: Chain, at: str) -> bytes:
    said = {
        "format": FORMAT,
        "auction_id": auction_id,
        "count": chain.count,
        "head": chain.head.hex(),
        "at": at,
        "previous": hashlib.sha256(before[-1]).hexdigest() if before else _NOTHING_BEFORE,
        "key": vault().public_key,
    }
    return canonical({**said, "signature": vault().sign(canonical(said))}) + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found
