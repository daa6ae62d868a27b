"""The sugar story as a command: every chapter holds, and a planted fault is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import ROOT, environment

# Two whole stories at once, on a machine that may be busy with other tests.
PATIENCE_S = 300
pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE_S + 60)]

DEMO = ("demo", "--speed", "max", "--check", "--json")


def telling(module: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *DEMO],
        env=environment(folder),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


Told = dict[str, tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Exit code and report of the story as it is, and of one that is tampered with."""
    folder = tmp_path_factory.mktemp("story")
    running = {
        "honest": telling("aggregator", folder),
        "tampered": telling("tests.e2e.tampered_story", folder),
    }
    found = {}
    for name, process in running.items():
        said, complaint = process.communicate(timeout=PATIENCE_S)
        assert said, complaint
        found[name] = (process.returncode, json.loads(said))
    yield found
    for process in running.values():
        process.kill()


def test_every_check_of_every_chapter_holds(told: Told) -> None:
    code, report = told["honest"]

    assert [check for check in report["checks"] if not check["holds"]] == []
    assert {check["chapter"] for check in report["checks"]} == set("abcdefg")
    assert report["holds"]
    assert code == 0


def test_a_tampered_posting_and_a_tampered_award_are_found(told: Told) -> None:
    code, report = told["tampered"]

    broken = [check for check in report["checks"] if not check["holds"]]
    assert {check["chapter"] for check in broken} == {"g"}
    assert [check["statement"].split()[0] for check in broken] == ["the", "auction"]
    assert broken[0]["statement"] == "the ledger has no difference"
    assert not report["holds"]
    assert code == 3


def test_a_speed_that_is_none_is_a_misuse() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "aggregator", "demo", "--speed", "fast"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
