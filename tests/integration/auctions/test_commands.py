"""`aggregator export auction` and `aggregator replay`, run as an operator runs them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from aggregator import vault
from aggregator.laboratory.bundle import verify_bundle
from tests.integration.auctions.building import CLOSES_AT, PRICE, STEP, a_scene
from tests.integration.auctions.test_bundles import installed

__all__ = ["installed"]


async def run(dsn: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aggregator",
        *arguments,
        env={**os.environ, "AGG_DATABASE_URL": dsn, "AGG_DATA_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await running.communicate()
    assert running.returncode is not None
    return running.returncode, said.decode(), complained.decode()


async def test_an_exported_bundle_verifies_and_the_journal_plays_again(
    orm: str, installed: Path
) -> None:
    scene = await a_scene()
    over, running = [await scene.open(disclosure="full") for _ in range(2)]
    await scene.bid("ann", over, PRICE)
    await scene.bid("bob", running, PRICE + STEP)
    await scene.pass_to(CLOSES_AT)
    late = await scene.open(closes_at=CLOSES_AT.replace(hour=23))
    path = installed / "bundle.json"

    exported = await run(orm, installed, "export", "auction", over, "-o", str(path))
    checked = await run(orm, installed, "verify", "bundle", str(path), "--json")
    early = await run(orm, installed, "export", "auction", late)
    replayed = await run(orm, installed, "replay", "--json")
    absent = await run(orm, installed, "replay", "auc_nowhere")

    assert exported[0] == 0, exported
    assert verify_bundle(path.read_bytes(), vault.vault().public_key).auction_id == over
    assert (checked[0], json.loads(checked[1])["replayed"]) == (0, True)
    assert (early[0], absent[0]) == (1, 1)
    found = {one["auction_id"]: one for one in json.loads(replayed[1])}
    assert {one["difference"] for one in found.values()} == {""}
    assert set(found) == {over, running, late}
    assert replayed[0] == 0
