"""Sealed figures are nowhere in the database before the close, in whatever form."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from aggregator import vault
from aggregator.amounts import decimal_text
from aggregator.auctions import bidding, keys, queries
from aggregator.auctions.evidence import evidence
from aggregator.auctions.facts import ActSealed, BidderEntered
from aggregator.errors import NotFound, RecordedRefusal
from aggregator.journal.reading import Pool
from matching.auctions.events import BidPlaced, StandingSet
from matching.auctions.refusals import NotImproving
from tests.builders import a_command
from tests.integration.auctions.building import (
    CLOSES_AT,
    HOUR,
    PRICE,
    STEP,
    a_scene,
    facts_of,
    rows_of_all_tables,
)

ODD_PRICE, ODD_LOTS = 777_700, 73
UNHEARD_OF = 83_461_900


async def test_a_sealed_bid_stands_in_no_row_before_the_close(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")
    receipt = await scene.bid("ann", auction_id, ODD_PRICE, ODD_LOTS)
    with pytest.raises(NotImproving):
        await scene.bid("ann", auction_id, ODD_PRICE - STEP, ODD_LOTS)

    before = await rows_of_all_tables()
    await scene.pass_to(CLOSES_AT)

    for figure in (str(ODD_PRICE), str(ODD_PRICE - STEP), "7777.00", str(ODD_PRICE * ODD_LOTS)):
        assert figure not in before
    assert not re.search(rf'"lots": ?{ODD_LOTS}\b', before)
    assert receipt["bid_id"] not in before
    assert not await facts_of(auction_id, BidPlaced)
    assert (await evidence(auction_id))["result"]["awards"][0]["price_minor"] == ODD_PRICE


async def test_a_sealed_bid_stands_in_no_file_of_the_database(orm: str) -> None:
    """Neither its tables nor its write-ahead log, which backups and replicas copy."""
    scene = await a_scene()
    sealed, open_to_limits = await scene.open(format="second_price"), await scene.open()
    begun_ns = max(written_ns for _, written_ns in await files_of_the_database())

    await scene.bid("ann", sealed, UNHEARD_OF)
    await bidding.set_standing(
        scene.market, scene.actors["bob"], a_command(), open_to_limits, limit_minor=UNHEARD_OF
    )
    shown = await scene.bid("ann", open_to_limits, PRICE + STEP)

    await Pool().rows("select pg_switch_wal()")
    written = []
    for path, written_ns in await files_of_the_database():
        if written_ns >= begun_ns:
            with contextlib.suppress(FileNotFoundError):
                written.append(path.read_bytes())
    assert any(str(shown["bid_id"]).encode() in content for content in written)
    texts = (str(UNHEARD_OF), decimal_text(UNHEARD_OF, "CNY"), str(UNHEARD_OF * 100))
    figures = [*(text.encode() for text in texts), UNHEARD_OF.to_bytes(8, "little")]
    for figure in figures:
        assert not any(figure in content for content in written), figure


async def files_of_the_database() -> list[tuple[Path, int]]:
    """Return each file with when it was last written; one that goes meanwhile is passed over."""
    [row] = await Pool().rows("select current_setting('data_directory') as folder")
    found = []
    for folder, _, names in os.walk(row["folder"]):
        for path in (Path(folder, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                found.append((path, path.stat().st_mtime_ns))
    return found


async def test_boxes_have_one_size_whatever_is_in_them(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")
    await scene.bid("ann", auction_id, PRICE, 1)
    await scene.bid("bob", auction_id, 99 * PRICE, 100, all_or_none=True)

    boxes = await facts_of(auction_id, ActSealed)

    assert len({len(box.box) for box in boxes}) == 1
    assert len(await facts_of(auction_id, BidderEntered)) == 2


async def test_a_sealed_command_is_answered_again_in_the_same_words(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")
    ann, market = scene.actors["ann"], scene.market
    good, bad = a_command("good"), a_command("bad")

    async def send(command: Any, price_minor: int) -> Any:
        return await bidding.place_bid(market, ann, command, auction_id, price_minor=price_minor)

    first = await send(good, ODD_PRICE)
    again = await send(good, ODD_PRICE)
    with pytest.raises(NotImproving) as refused:
        await send(bad, ODD_PRICE)
    with pytest.raises(RecordedRefusal) as refused_again:
        await send(bad, ODD_PRICE)

    assert first.answer == again.answer
    assert again.replayed
    assert refused_again.value.refusal_code == refused.value.code
    assert refused_again.value.figures() == refused.value.figures()


async def test_no_hold_and_no_use_tells_a_limit(orm: str) -> None:
    scene = await a_scene()
    held = set()
    for limit_minor in (PRICE + STEP, PRICE + 77 * STEP, PRICE * 5 // 4):
        auction_id = await scene.open()
        before = await scene.held_by("ann")
        await bidding.set_standing(
            scene.market, scene.actors["ann"], a_command(), auction_id, limit_minor=limit_minor
        )
        held.add(await scene.held_by("ann") - before)

    assert held == {PRICE * 5 // 4 * 100 // 10}


async def test_a_limit_is_read_by_nobody_but_its_bidder(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await bidding.set_standing(
        scene.market, scene.actors["ann"], a_command(), auction_id, limit_minor=ODD_PRICE
    )

    found = await rows_of_all_tables()

    assert not re.search(rf"\b{ODD_PRICE}\b", found)
    assert not await facts_of(auction_id, StandingSet)
    for name in ("bob", "mill", "operator"):
        seen = await queries.auction(scene.actors[name], auction_id)
        assert "7777.00" not in str(seen)


async def test_an_ended_auctions_evidence_waits_for_its_end(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")

    with pytest.raises(NotFound):
        await evidence(auction_id)


@pytest.mark.parametrize("disclosure", ["rank", "blind"])
async def test_not_even_owner_and_operator_see_hidden_bids_before_the_close(
    orm: str, disclosure: str
) -> None:
    scene = await a_scene()
    auction_id = await scene.open(disclosure=disclosure)
    eyes = [scene.actors["mill"], scene.actors["operator"]]
    before = [await queries.auction(one, auction_id) for one in eyes]

    await scene.bid("ann", auction_id, PRICE + STEP)
    during = [await queries.auction(one, auction_id) for one in eyes]
    await scene.pass_to(CLOSES_AT)
    after = [await queries.auction(one, auction_id) for one in eyes]

    assert before == during
    assert all(seen["standing"][0]["price"] == "5010.00" for seen in after)


async def test_other_keys_are_told_by_the_auctions_that_they_do_not_open(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await a_scene()
    over, under_way = [await scene.open(closes_at=CLOSES_AT + n * HOUR) for n in (0, 1)]
    await scene.pass_to(CLOSES_AT)
    before = await queries.locked_out()

    monkeypatch.setattr(vault, "_INSTALLED", vault._Installed(vault.Vault.in_memory()))
    keys.unwrapped.cache_clear()
    after = await queries.locked_out()

    assert (before, after) == ([], [under_way])
    assert over not in after
