"""What others wrote stands apart, unchanged, and says what it is."""

from __future__ import annotations

import hashlib
import json

from tests.architecture.source import ROOT

VENDOR = ROOT / "web/static/vendor"


def test_a_vendored_library_is_the_one_that_was_taken_in() -> None:
    folders = sorted(VENDOR.iterdir())

    assert [folder.name for folder in folders] == ["uplot"]
    for folder in folders:
        told = json.loads((folder / "vendored.json").read_bytes())
        found = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.iterdir()
            if path.name != "vendored.json"
        }
        assert told["name"] == folder.name
        assert {"version", "licence", "source"} <= told.keys()
        assert "LICENSE" in found
        assert found == told["sha256"]
