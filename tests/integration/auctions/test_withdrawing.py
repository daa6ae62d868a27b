"""Two persons of the operator take a wrong bid out, in public; its bidder never can."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.amounts import decimal_text
from aggregator.auctions import bidding, bundle, queries, replaying, stopping, store
from aggregator.auctions.bundle import AUDITOR, PUBLIC, Reading
from aggregator.auctions.facts import AuctionAwarded, AuctionFailed
from aggregator.errors import Conflict, NotAllowed, SamePerson
from aggregator.laboratory.bundle import verify_bundle
from aggregator.ledger import verifying
from matching.auctions.refusals import BidLate, UnknownBid, WrongCommand
from tests.builders import a_command, with_cash
from tests.integration.auctions.building import (
    CLOSES_AT,
    COLLEAGUE,
    OPERATOR,
    PRICE,
    RICH,
    STEP,
    Scene,
    a_scene,
    facts_of,
    opened_within,
)

REASON = "ten times the price"


async def proposed(scene: Scene, auction_id: str, bid_id: str, actor: Any = OPERATOR) -> str:
    outcome = await stopping.propose_withdrawal(
        scene.market, actor, a_command(), auction_id, bid_id, reason=REASON
    )
    return str(outcome.answer["motion_id"])


async def spend(scene: Scene, name: str, amount_minor: int) -> None:
    await with_cash(scene.market, scene.id_of(name), -amount_minor)


async def withdraw(scene: Scene, auction_id: str, bid_id: str) -> None:
    motion_id = await proposed(scene, auction_id, bid_id)
    await stopping.approve(scene.market, COLLEAGUE, a_command(), auction_id, motion_id)


@pytest.mark.parametrize("form", ["english", "sealed_first"])
async def test_the_bid_before_it_stands_again_and_everybody_sees_why(orm: str, form: Any) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format=form, improve="own" if form == "english" else "auto")
    await scene.bid("ann", auction_id, PRICE + STEP)
    wrong = await scene.bid("ann", auction_id, 10 * PRICE)
    await scene.bid("bob", auction_id, PRICE + 2 * STEP)
    motion_id = await proposed(scene, auction_id, wrong["bid_id"])
    with pytest.raises(SamePerson):
        await stopping.approve(scene.market, OPERATOR, a_command(), auction_id, motion_id)
    [put] = (await queries.auction(COLLEAGUE, auction_id))["motions"]
    assert put["bid_id"] == wrong["bid_id"]
    told = await queries.auction(scene.actors["mill"], auction_id)
    assert all("bid_id" not in motion for motion in told.get("motions", ()))

    await stopping.approve(scene.market, COLLEAGUE, a_command(), auction_id, motion_id)
    seen = await queries.auction(None, auction_id)
    mine = await queries.auction(scene.actors["ann"], auction_id)
    held = await scene.held_by("ann")
    await scene.pass_to(CLOSES_AT)

    assert [one["reason"] for one in seen["withdrawn"]] == [REASON]
    assert "ann" not in str(seen["withdrawn"])
    assert mine["my_best"] == "5010.00"
    assert held == (PRICE + (STEP if form == "english" else 0)) * 100 // 10
    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    assert awarded.awards[0].bidder == scene.id_of("bob")
    assert (await replaying.replay(auction_id)).difference == ""
    assert verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR))).replayed
    verify_bundle(await bundle.bundle(auction_id, Reading(PUBLIC)))
    assert not (await verifying.verify()).differences


async def test_an_only_bid_frees_its_deposit_and_he_may_bid_again(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await bidding.set_standing(
        scene.market, scene.actors["ann"], a_command(), auction_id, limit_minor=PRICE + 9 * STEP
    )
    wrong = (await queries.auction(scene.actors["mill"], auction_id))["standing"][0]

    await withdraw(scene, auction_id, wrong["bid_id"])
    nothing = await queries.auction(scene.actors["ann"], auction_id)
    free = await scene.held_by("ann")
    await scene.bid("ann", auction_id, PRICE)

    assert (nothing["my_best"], nothing["my_limit"], free) == (None, None, 0)
    assert await scene.held_by("ann") == PRICE * 100 // 10


@pytest.mark.parametrize("rest", [0, 40_000])
async def test_a_dearer_bid_that_stands_again_is_covered_again_or_not_taken_out(
    orm: str, rest: int
) -> None:
    scene = await a_scene()
    auction_id = await opened_within(scene, improve="own")
    await scene.bid("ann", auction_id, PRICE)
    wrong = await scene.bid("ann", auction_id, PRICE // 10)
    assert await scene.held_by("ann") == PRICE // 10 * 100 // 10
    motion_id = await proposed(scene, auction_id, wrong["bid_id"])
    if rest:
        await spend(scene, "ann", RICH - PRICE * 100 // 100 - rest)
        with pytest.raises(Conflict, match="earlier_bid_not_covered") as refused:
            await stopping.approve(scene.market, COLLEAGUE, a_command(), auction_id, motion_id)
        assert str(rest) not in str(refused.value)
    else:
        await stopping.approve(scene.market, COLLEAGUE, a_command(), auction_id, motion_id)

    mine = await queries.auction(scene.actors["ann"], auction_id)

    stands = PRICE // 10 if rest else PRICE
    assert mine["my_best"] == decimal_text(stands)
    assert await scene.held_by("ann") == stands * 100 // 10
    assert not (await verifying.verify()).differences


async def test_who_may_not_and_what_cannot_be_withdrawn(orm: str) -> None:
    scene = await a_scene()
    auction_id, falling = await scene.open(), await scene.open(format="dutch", interval_s=60)
    bid = await scene.bid("ann", auction_id, PRICE)
    taken = await scene.bid("ann", falling, PRICE, 10)

    for name in ("ann", "mill"):
        with pytest.raises(NotAllowed):
            await proposed(scene, auction_id, bid["bid_id"], scene.actors[name])
    with pytest.raises(UnknownBid):
        await proposed(scene, auction_id, "bid_nowhere")
    with pytest.raises(WrongCommand):
        await proposed(scene, falling, taken["bid_id"])
    await withdraw(scene, auction_id, bid["bid_id"])
    with pytest.raises(UnknownBid):
        await proposed(scene, auction_id, bid["bid_id"])
    late = await scene.bid("bob", auction_id, PRICE)
    scene.clock.set(CLOSES_AT)
    with pytest.raises(BidLate):
        await proposed(scene, auction_id, late["bid_id"])


async def test_what_was_taken_out_is_still_told_once_others_have_bid_on(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    wrong = await scene.bid("ann", auction_id, 10 * PRICE)
    await withdraw(scene, auction_id, wrong["bid_id"])
    await scene.bid("bob", auction_id, PRICE)
    await scene.bid("bob", auction_id, PRICE + STEP)

    seen = await queries.auction(None, auction_id)
    store._FOLDS.clear()
    elsewhere = await queries.auction(None, auction_id)

    assert [one["reason"] for one in seen["withdrawn"]] == [REASON]
    assert elsewhere["withdrawn"] == seen["withdrawn"]


@pytest.mark.parametrize("reserve_minor", [None, PRICE])
async def test_an_auction_whose_every_bid_was_taken_out_had_none(
    orm: str, reserve_minor: int | None
) -> None:
    scene = await a_scene()
    auction_id = await scene.open(reserve_minor=reserve_minor)
    wrong = await scene.bid("ann", auction_id, 10 * PRICE)
    await withdraw(scene, auction_id, wrong["bid_id"])

    await scene.pass_to(CLOSES_AT)

    verified = verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR)))
    told = await replaying.replay(auction_id)
    assert (verified.replayed, told.difference) == (True, "")
    [failed] = await facts_of(auction_id, AuctionFailed)
    assert failed.outcome == "no_bids"
