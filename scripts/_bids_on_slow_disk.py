"""The bids of `bench.d/bids.py` once more where waiting for the disk takes 2 ms.

How often a way to place bids waits for the disk shows where waiting costs something. What the
machine's own disk takes may be next to nothing, so `fsync` and `fdatasync` are made to take
longer, for the database and for the file journal alike, by a library put before the C library's.
As a program it measures in that surrounding and prints the rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from scripts._lent import loaded

ROOT = Path(__file__).resolve().parent.parent
DELAY_MS = 2
WHERE = f"where an fsync takes {DELAY_MS} ms more"
LIMIT_S = 600
LEFT_OUT = (": wait, median", ": wait, 99 %", " processor time")


def measured(seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows, or one that says why there are none."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        # The database's processes may be another user's.
        Path(folder).chmod(0o755)
        library = Path(folder) / "slow_fsync.so"
        if not _compiled(library):
            yield {"name": f"{WHERE}: not measured, no C compiler", "value": 0, "unit": ""}
            return
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LD_PRELOAD": str(library)}
        ran = subprocess.run(
            [sys.executable, __file__, str(seed)],
            env=environment,
            stdout=subprocess.PIPE,
            timeout=LIMIT_S,
            check=True,
        )
    yield from json.loads(ran.stdout.splitlines()[-1])


def _compiled(library: Path) -> bool:
    compiler = shutil.which("cc")
    if compiler is None:
        return False
    source = ROOT / "scripts" / "_slow_fsync.c"
    command = [compiler, "-O2", "-shared", "-fPIC", f"-DDELAY_US={DELAY_MS * 1000}"]
    asked = [*command, "-o", str(library), str(source), "-ldl"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _rows(seed: int) -> Iterator[dict[str, Any]]:
    bids = loaded("bench", "bids")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(bids.compared(seed))
    quickest = min(found.commit_ms, found.file["a lone bidder"].ms(0.5))
    assert quickest > DELAY_MS, "the disk is as fast as ever"
    for row in bids.told(found):
        if not row["name"].endswith(LEFT_OUT):
            yield {**row, "name": f"{WHERE}: {row['name']}"}


if __name__ == "__main__":
    print(json.dumps(list(_rows(int(sys.argv[1])))))
