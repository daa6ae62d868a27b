"""The short form of `scripts/storm feed`, with its own seed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aggregator import vault

ROOT = Path(__file__).parents[2]
SECONDS, SEED = 6, 5


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_short_storm_leaves_every_client_with_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    # Its keys go with its folder; this process keeps its own.
    monkeypatch.setattr(vault, "_INSTALLED", vault._Installed(vault.vault()))
    from scripts._lent import loaded

    figures, violations = await loaded("storm", "feed").storm(SECONDS, SEED)

    assert violations == []
    assert figures["frames taken"] > 0
    assert figures["hostile sockets"] >= 60
