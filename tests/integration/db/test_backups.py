"""Backups: all of a market or nothing, and nothing that was altered."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import vault
from aggregator.auctions import store
from aggregator.cli import main
from aggregator.db import orm
from aggregator.workers import beating
from tests.integration.auctions.building import PRICE, STEP, Scene, a_scene, journal_of


@pytest.fixture
def folder(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an installation's keys in `var`; the commands work on `dsn`."""
    monkeypatch.setenv("AGG_ENV", "test")
    monkeypatch.setenv("AGG_DATABASE_URL", dsn)
    monkeypatch.setenv("AGG_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(vault._INSTALLED, "vault", vault.vault())
    monkeypatch.setattr(vault._INSTALLED, "folder", None)
    vault.install(tmp_path / "var")
    return tmp_path


async def begun(dsn: str) -> tuple[Scene, str]:
    """Begin an auction with one bid and a sign of life, and leave."""
    await orm.connect(dsn)
    try:
        scene = await a_scene()
        auction_id = await scene.open()
        await scene.bid("ann", auction_id, PRICE)
        await beating.after_silence(scene.market)
        return scene, auction_id
    finally:
        await orm.close()


async def bid_again(dsn: str, scene: Scene, auction_id: str) -> int:
    await orm.connect(dsn)
    try:
        await scene.bid("bob", auction_id, PRICE + STEP)
        return len(await journal_of(auction_id))
    finally:
        await orm.close()


async def facts(dsn: str, auction_id: str) -> int:
    await orm.connect(dsn)
    try:
        return len(await journal_of(auction_id))
    finally:
        await orm.close()


async def phase_after(dsn: str, scene: Scene, auction_id: str, lost: timedelta) -> str:
    """Wake the market after so long a silence."""
    await orm.connect(dsn)
    try:
        scene.clock.set(scene.clock.now() + lost)
        await beating.after_silence(scene.market)
        return (await store.read(None, auction_id)).phase
    finally:
        await orm.close()


def test_what_was_saved_comes_back_and_what_was_there_is_kept(
    dsn: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = str(folder / "market.backup")
    scene, auction_id = asyncio.run(begun(dsn))
    before = asyncio.run(facts(dsn, auction_id))
    assert main(["backup", saved]) == 0
    after = asyncio.run(bid_again(dsn, scene, auction_id))

    assert main(["restore", saved]) == 1
    assert "--replace" in capsys.readouterr().err
    assert asyncio.run(facts(dsn, auction_id)) == after > before

    assert main(["restore", "--replace", saved]) == 0
    assert asyncio.run(facts(dsn, auction_id)) == before
    assert main(["verify", "ledger"]) == main(["replay"]) == 0

    assert main(["restore", "--replace", str(folder / "var" / "replaced-1.backup")]) == 0
    assert asyncio.run(facts(dsn, auction_id)) == after
    assert main(["backup", saved]) == 1
    assert "is there already" in capsys.readouterr().err


def test_an_auction_that_was_open_comes_back_suspended(dsn: str, folder: Path) -> None:
    saved = str(folder / "market.backup")
    scene, auction_id = asyncio.run(begun(dsn))
    assert main(["backup", saved]) == main(["restore", "--replace", saved]) == 0

    phase = asyncio.run(phase_after(dsn, scene, auction_id, timedelta(hours=3)))

    assert phase == "paused"


def turned(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def test_what_was_altered_or_belongs_elsewhere_is_refused_and_changes_nothing(
    dsn: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, wrong = folder / "market.backup", folder / "wrong.backup"
    _, auction_id = asyncio.run(begun(dsn))
    assert main(["backup", str(saved)]) == 0
    raw = saved.read_bytes()

    def refused() -> str:
        capsys.readouterr()
        assert main(["restore", "--replace", str(wrong)]) == 1
        return capsys.readouterr().err

    assert "is not there" in refused()
    wrong.write_bytes(b"PK\x03\x04" + bytes(5000))
    assert "is no backup" in refused()
    for size in (100, 700, 5_000, len(raw) * 2 // 3):
        wrong.write_bytes(raw[:size])
        assert "no backup" in refused()
    schema = raw.index(b'"schema": "') + len(b'"schema": "')
    for at, said in ((schema, "signature"), (len(raw) * 2 // 3, "altered")):
        shutil.copy(saved, wrong)
        turned(wrong, at)
        assert said in refused()
    shutil.copytree(folder / "var" / "keys", folder / "keys")
    shutil.rmtree(folder / "var" / "keys")
    shutil.copy(saved, wrong)
    assert "put the keys" in refused()
    vault.install(folder / "var")
    assert "other keys" in refused()
    assert asyncio.run(facts(dsn, auction_id)) > 0
    assert list((folder / "var").glob("replaced-*")) == []
