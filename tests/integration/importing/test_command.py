"""`aggregator import`: the same rules as on the pages, with exit codes for a program."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from aggregator import vault
from aggregator.cli import main
from aggregator.db import orm
from tests.builders import a_market, a_person, an_organisation, with_sugar

FILE = "Product,Region,First month,Lots,Limit\nSUGAR-W1,GX,2099-03,10,5100.00\n"


async def opened(dsn: str) -> None:
    """Found a firm with a buyer, and the sugar that he buys."""
    await orm.connect(dsn)
    try:
        market = a_market()
        await with_sugar(market)
        firm = await an_organisation(market, "Firm")
        await a_person(market, firm, "lilei", "buyer")
    finally:
        await orm.close()


def test_a_file_is_previewed_imported_and_refused_a_second_time(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGG_ENV", "test")
    monkeypatch.setenv("AGG_DATABASE_URL", dsn)
    monkeypatch.setenv("AGG_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(vault._INSTALLED, "vault", vault.vault())
    monkeypatch.setattr(vault._INSTALLED, "folder", None)
    asyncio.run(opened(dsn))
    path, bad = tmp_path / "needs.csv", tmp_path / "bad.csv"
    path.write_text(FILE)
    bad.write_text(FILE.replace("5100.00", "5100.001"))

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["import", "requests", *arguments, "--as", "lilei"])
        return code, capsys.readouterr().out

    previewed = run(str(path), "--preview", "--json")
    wrong = run(str(bad), "--json")
    made = run(str(path), "--json")
    again = run(str(path), "--json")
    absent = run(str(tmp_path / "nothing.csv"))
    stranger = main(["import", "requests", str(path), "--as", "hanmeimei", "--json"])

    assert (previewed[0], json.loads(previewed[1])["items"][0]["rows"]) == (0, [2])
    assert (wrong[0], json.loads(wrong[1])["faults"][0]["column"]) == (1, "E")
    assert (made[0], json.loads(made[1])["made"]) == (0, 1)
    assert (again[0], json.loads(again[1])["figures"]["reason"]) == (1, "already_imported")
    assert (absent[0], stranger) == (1, 1)
    with pytest.raises(SystemExit) as misused:
        main(["import", "prices", str(path), "--as", "lilei"])
    assert misused.value.code == 2
