"""The property tests on other examples than the ones that every run of the tests takes."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from xml.etree import ElementTree

from scripts._lent import SCRIPTS, Found

ROOT = SCRIPTS.parent
PROFILE = "storm"
MAX_SEED = 2**31


async def storm(seconds: int, seed: int) -> Found:
    """Run file after file of the property tests, each time from another seed."""
    random, until = Random(seed), time.monotonic() + seconds
    done, broken = {"files": 0, "properties": 0}, list[str]()
    left: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        while time.monotonic() < until:
            if not left:
                left = sorted(ROOT.glob("tests/properties/test_*.py"))
                random.shuffle(left)
            file, drawn = left.pop().relative_to(ROOT), random.randrange(MAX_SEED)
            count, failed = await _run(file, drawn, Path(folder) / "report.xml")
            done["files"] += 1
            done["properties"] += count
            broken += [f"{name} fails from the seed {drawn}: {said}" for name, said in failed]
    return done, broken


async def _run(file: Path, seed: int, report: Path) -> tuple[int, list[tuple[str, str]]]:
    """Return how many tests a file has, and the name and fault of each that fails."""
    report.unlink(missing_ok=True)
    options = ["--hypothesis-profile", PROFILE, "--hypothesis-seed", str(seed)]
    ran = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "pytest", str(file), *options, "--junitxml", str(report)],
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await ran.communicate()
    if not report.exists():
        return 0, [(str(file), told.decode(errors="replace")[-500:])]
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [
        (f"{file}::{case.get('name')}", str(fault.get("message"))[:500])
        for case in cases
        for fault in (*case.findall("failure"), *case.findall("error"))
    ]
    return len(cases), failed
