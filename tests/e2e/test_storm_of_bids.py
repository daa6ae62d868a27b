"""The short form of `scripts/storm bids`, with its own seed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aggregator import vault

ROOT = Path(__file__).parents[2]
SECONDS, SEED = 6, 11


@pytest.mark.slow
async def test_a_short_storm_loses_no_bid_and_doubles_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    # Its keys go with its folder; this process keeps its own.
    monkeypatch.setattr(vault, "_INSTALLED", vault._Installed(vault.vault()))
    from scripts._lent import loaded

    figures, violations = await loaded("storm", "bids").storm(SECONDS, SEED)

    assert violations == []
    assert figures["kills in all"] > 0
    assert figures["acknowledged bids"] > 0
    assert figures["bids in the journal"] >= figures["acknowledged bids"]
