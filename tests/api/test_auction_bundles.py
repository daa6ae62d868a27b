"""Bundles over HTTP and by command: downloaded, checked without a database, refused if altered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aggregator.cli import main
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served
from tests.api.test_auctions import opened, visitors_of
from tests.builders import START


async def test_a_bundle_is_downloaded_after_the_close_and_verified_from_its_file(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visitors = await visitors_of(served)
    auction_id = await opened(visitors, disclosure="full")
    await visitors["ann"].post(f"/auctions/{auction_id}/bids", {"price": "5000.00"})
    early = await visitors["ann"].get(f"/auctions/{auction_id}/bundle")
    served.market.clock.set(START.replace(hour=2))  # type: ignore[attr-defined]
    await ring_due(served.market, ON_TIMER)

    answer = await visitors["nobody"].get(f"/auctions/{auction_id}/bundle")
    path = tmp_path / "bundle.json"
    path.write_bytes(answer.content)
    holds = main(["verify", "bundle", str(path), "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    path.write_bytes(answer.content.replace(b'"lots":100', b'"lots":101', 1))
    altered = main(["verify", "bundle", str(path)])
    absent = main(["verify", "bundle", str(tmp_path / "nothing")])

    published = (await visitors["nobody"].get("/keys")).json()["signing"]
    assert published == json.loads(answer.content)["signature"]["key"]
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")
    assert answer.headers["Content-Disposition"].endswith(f'"{auction_id}.bundle.json"')
    assert (holds, altered, absent) == (0, 3, 1)
    assert (told["holds"], told["replayed"], told["auction_id"]) == (True, True, auction_id)
    assert main(["verify", "bundle", str(path), "--key", "0" * 64]) == 3
    path.write_bytes(answer.content)
    assert main(["verify", "bundle", str(path), "--receipt", "0" * 64]) == 3


@pytest.mark.parametrize("subject", ["bundle", "pool"])
def test_a_file_larger_than_any_bundle_is_refused_unread(
    subject: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bundle.json"
    with path.open("wb") as file:
        file.truncate(200_000_001)

    assert main(["verify", subject, str(path)]) == 1
    assert capsys.readouterr().err == "refused: at most 200000000 bytes\n"
