"""Bundles of real auctions: who may have one, what it opens, and what the journal says again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator import vault
from aggregator.auctions import bundle, checkpoints, replaying, store
from aggregator.auctions.bundle import AUDITOR, PUBLIC, Reading
from aggregator.db.orm import raw
from aggregator.errors import NotFound, WrongState
from aggregator.journal.appending import GENESIS, chain_hash
from aggregator.journal.reading import Pool, chained
from aggregator.laboratory.bundle import verify_bundle
from aggregator.vault import KeyLost, Vault
from matching.auctions import engine
from matching.clearing.form import GuaranteeBroken
from tests.builders import START
from tests.integration.auctions.building import CLOSES_AT, PRICE, STEP, a_scene

MINUTE = timedelta(minutes=1)


def published(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / checkpoints.FILE).read_bytes().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys and checkpoints in a folder, as a served market has them."""
    monkeypatch.setattr(vault, "_INSTALLED", vault._Installed(vault.vault()))
    vault.install(tmp_path)
    return tmp_path


async def test_everybody_may_check_an_auction_that_is_over(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="full")
    await scene.bid("ann", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE + STEP, 60)
    with pytest.raises(WrongState):
        await bundle.bundle_for(None, auction_id)

    await scene.pass_to(CLOSES_AT)
    reports = {
        name: verify_bundle(await bundle.bundle_for(scene.actors.get(name), auction_id))
        for name in ("nobody", "ann", "cat", "mill", "operator")
    }

    assert {report.head for report in reports.values()} == {reports["nobody"].head}
    assert all(report.replayed for report in reports.values())
    assert [report.audience for report in reports.values()] == [
        "public",
        "bidder",
        "bidder",
        "owner",
        "operator",
    ]


async def test_a_hidden_bid_opens_to_its_bidder_alone(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="blind", reserve_minor=PRICE)
    await scene.bid("ann", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE + STEP)
    await scene.pass_to(CLOSES_AT)

    raw = await bundle.bundle_for(scene.actors["ann"], auction_id)
    report = verify_bundle(raw)
    everybody = verify_bundle(await bundle.bundle(auction_id, Reading(PUBLIC)))
    auditor = verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR)))

    assert (report.own_bids, report.replayed) == (1, False)
    assert (everybody.own_bids, everybody.replayed) == (0, False)
    assert auditor.replayed
    assert scene.id_of("bob") not in raw.decode()
    assert str(PRICE + STEP) not in raw.decode()


async def test_a_bidders_receipts_stand_in_his_own_bundle(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure="full")
    first = await scene.bid("ann", auction_id, PRICE)
    rival = await scene.bid("bob", auction_id, PRICE + STEP)
    scene.clock.set(CLOSES_AT - MINUTE)
    late = await scene.bid("ann", auction_id, PRICE + 2 * STEP)
    await scene.pass_to(CLOSES_AT + 5 * MINUTE)

    raw = await bundle.bundle_for(scene.actors["ann"], auction_id)
    given = [first["hash"], late["hash"]]

    assert verify_bundle(raw, receipts=given).receipts == 2
    for receipt, why in ((rival["hash"], "is no bid of this reader"), ("0" * 64, "no record ends")):
        with pytest.raises(GuaranteeBroken, match=f"receipts: .*{why}"):
            verify_bundle(raw, receipts=[*given, receipt])
    with pytest.raises(GuaranteeBroken, match="its bidder's own bundle"):
        verify_bundle(await bundle.bundle(auction_id, Reading(PUBLIC)), receipts=given)


async def test_who_is_not_invited_finds_no_bundle(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(invited=(scene.id_of("ann"),))
    await scene.pass_to(CLOSES_AT)

    verify_bundle(await bundle.bundle_for(scene.actors["ann"], auction_id))

    for stranger in (None, scene.actors["bob"]):
        with pytest.raises(NotFound):
            await bundle.bundle_for(stranger, auction_id)


async def test_each_end_is_signed_into_a_file_outside_the_database(
    orm: str, installed: Path
) -> None:
    scene = await a_scene()
    sold, stopped, late = [await scene.open() for _ in range(3)]
    await scene.stop("cancel", stopped, "wrong lots")
    await scene.pass_to(CLOSES_AT)

    lines = published(installed)
    report = verify_bundle(await bundle.bundle(sold, Reading(PUBLIC)), vault.vault().public_key)

    assert {line["auction_id"] for line in lines} == {sold, stopped, late}
    assert lines[0]["previous"] == "0" * 64
    assert len({line["previous"] for line in lines}) == 3
    assert report.head in {line["head"] for line in lines}
    assert (installed / "keys" / "sealing.key").stat().st_mode & 0o077 == 0


async def test_half_a_line_of_a_power_cut_is_written_again(orm: str, installed: Path) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    (installed / checkpoints.FILE).write_bytes(b'{"auction_id":"')

    await scene.pass_to(CLOSES_AT)

    (line,) = published(installed)
    assert line["auction_id"] == auction_id


async def test_a_bundle_is_not_kept_back_by_half_a_line_of_a_power_cut(
    orm: str, installed: Path
) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.pass_to(CLOSES_AT)
    file = installed / checkpoints.FILE
    file.write_bytes(file.read_bytes()[:-30])

    verify_bundle(await bundle.bundle(auction_id, Reading(PUBLIC)))

    (line,) = published(installed)
    assert line["auction_id"] == auction_id


async def test_the_journal_plays_an_auction_again(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)
    scene.clock.set(START + 58 * MINUTE)
    await scene.bid("bob", auction_id, PRICE + STEP)
    await scene.stop("pause", auction_id, "storm")
    scene.clock.set(START + 59 * MINUTE)
    await scene.stop("resume", auction_id)
    await scene.pass_to(CLOSES_AT + 10 * MINUTE)

    same = await replaying.replay(auction_id)
    verified = verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR)))

    assert (same.state, same.difference) == ("closed", "")
    assert verified.replayed


async def test_an_auction_of_before_a_rule_closes_and_is_played_again(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await a_scene()
    with monkeypatch.context() as before:
        before.setattr(engine, "check_reserve", lambda _: None)
        auction_id = await scene.open(reserve_minor=PRICE - STEP)
    await scene.bid("ann", auction_id, PRICE)
    await scene.pass_to(CLOSES_AT)

    same = await replaying.replay(auction_id)
    verified = verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR)))

    assert (same.state, same.difference, verified.replayed) == ("closed", "", True)


async def test_facts_that_have_gained_a_field_since_are_chained_as_they_were_written(
    orm: str,
) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.pass_to(CLOSES_AT)
    links = await chained(None, store.stream_of(auction_id))

    head = GENESIS
    async with raw() as connection:
        await connection.execute("set session_replication_role = replica")
        for entry, body in links:
            body.pop("lot_fee_minor", None)
            kind = type(entry.fact).__name__
            head = chain_hash(head, entry.stream, entry.seq, kind, body, entry.at)
            await connection.execute(
                "update journal set body = (body::jsonb - 'lot_fee_minor')::json, hash = $3"
                " where stream = $1 and seq = $2",
                entry.stream,
                entry.seq,
                head,
            )
        await connection.execute("set session_replication_role = origin")

    assert (await replaying.replay(auction_id)).difference == ""


async def test_a_row_that_was_altered_shows_in_the_replay(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await scene.bid("ann", auction_id, PRICE)
    await Pool().rows(
        "update auction set closes_at = closes_at + interval '1 second' where id = $1 returning id",
        auction_id,
    )

    found = await replaying.replay(auction_id)

    assert "the row closes at" in found.difference


async def test_a_row_that_says_an_ended_auction_is_to_come_shows_in_the_replay(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(opens_at=START + MINUTE)
    assert (await replaying.replay(auction_id)).difference == ""
    await scene.pass_to(CLOSES_AT)
    await Pool().rows(
        "update auction set state = 'scheduled' where id = $1 returning id", auction_id
    )

    found = await replaying.replay(auction_id)

    assert found.difference == "the row says scheduled, the journal closed"


def test_two_makers_of_a_folder_get_the_same_keys(tmp_path: Path) -> None:
    first, second = Vault.at(tmp_path), Vault.at(tmp_path)

    wrapped = first.wrap(b"secret", "for this")

    assert first == second
    assert second.unwrap(wrapped, "for this") == b"secret"
    for other, purpose in ((Vault.in_memory(), "for this"), (first, "for that")):
        with pytest.raises(KeyLost):
            other.unwrap(wrapped, purpose)
    assert json.dumps(wrapped).find("secret") == -1
