"""Package auctions on real rows: sealed bids on bundles, an exact award, deals, its proof."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.auctions import bidding, bundle, queries, replaying
from aggregator.auctions.bundle import AUDITOR, PUBLIC, Reading
from aggregator.auctions.facts import ActSealed, AuctionAwarded, AuctionFailed
from aggregator.auctions.opening import TenorLots
from aggregator.errors import InvalidField
from aggregator.journal.reading import Pool
from aggregator.laboratory.bundle import verify_bundle
from aggregator.ledger import verifying
from matching.auctions.events import PackagePlaced, PackagesCleared
from matching.auctions.refusals import (
    BadAttributes,
    BelowFloor,
    NotImproving,
    OtherGroup,
    RepeatedItem,
    TooManyPackages,
    UnknownItem,
    WrongCommand,
)
from matching.auctions.rules import MAX_PACKAGES_A_BIDDER, Criterion
from tests.builders import a_command
from tests.integration.auctions.building import (
    CLOSES_AT,
    PRICE,
    STEP,
    Scene,
    a_scene,
    facts_of,
    opened_within,
)

JAN, FEB, MAR = "2027-03", "2027-04", "2027-05"
MONTHS = (TenorLots(JAN, 10, PRICE), TenorLots(FEB, 20, PRICE), TenorLots(MAR, 5, PRICE))


async def packages(scene: Scene, **terms: Any) -> str:
    given = {"format": "packages", "items": MONTHS, "lots": 35, "start_minor": None, **terms}
    return await scene.open(**given)


async def place(
    scene: Scene,
    name: str,
    auction_id: str,
    items: Any,
    price_minor: int,
    xor: str | None = None,
    attributes: dict[str, int] | None = None,
) -> dict[str, Any]:
    outcome = await bidding.place_package(
        scene.market,
        scene.actors[name],
        a_command([name, items, price_minor, xor]),
        auction_id,
        items=items,
        price_minor=price_minor,
        xor=xor,
        attributes=attributes,
    )
    return outcome.answer


async def test_boxes_and_answers_have_one_size_whatever_the_package(orm: str) -> None:
    scene = await a_scene()
    names = ["\U00020000" * 39 + chr(0x20001 + place) for place in range(10)]
    scored = tuple(Criterion(name, 1, -1_000_000, 1_000_000) for name in names)
    items = tuple(TenorLots(JAN, 1, PRICE) for _ in range(20))
    auction_id = await packages(scene, items=items, lots=20, criteria=scored)
    every = [JAN, *(f"{JAN}/{number}" for number in range(2, 21))]

    await place(scene, "ann", auction_id, [JAN], PRICE, None, dict.fromkeys(names, 0))
    longest = dict.fromkeys(names, -1_000_000)
    await place(scene, "bob", auction_id, every, 10**13, "G" * 20, longest)

    boxes = await facts_of(auction_id, ActSealed)
    assert (len(boxes), len({len(box.box) for box in boxes})) == (2, 1)
    kept = await Pool().rows("select answer from command where act = 'auctions.bid'")
    assert (len(kept), len({len(row["answer"]) for row in kept})) == (2, 1)


async def test_the_best_set_of_packages_becomes_deals_with_its_proof(orm: str) -> None:
    scene = await a_scene()
    auction_id = await packages(scene)
    # Ann would take the first two or the last; Bob's and Cat's together are worth more.
    await place(scene, "ann", auction_id, [FEB, JAN], PRICE + 5 * STEP, "either")
    await place(scene, "ann", auction_id, [MAR], PRICE + 9 * STEP, "either")
    receipt = await place(scene, "bob", auction_id, [FEB, MAR], PRICE + 6 * STEP)
    await place(scene, "cat", auction_id, [JAN], PRICE + 10 * STEP)
    assert len(await facts_of(auction_id, ActSealed)) == 4
    assert not await facts_of(auction_id, PackagePlaced)

    await scene.pass_to(CLOSES_AT)

    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    won = {(one.bidder, one.item): (one.lots, one.price_minor) for one in awarded.awards}
    assert won == {
        (scene.id_of("bob"), FEB): (20, PRICE + 6 * STEP),
        (scene.id_of("bob"), MAR): (5, PRICE + 6 * STEP),
        (scene.id_of("cat"), JAN): (10, PRICE + 10 * STEP),
    }
    (proof,) = await facts_of(auction_id, PackagesCleared)
    assert proof.proved
    assert proof.value_minor == proof.bound_minor == sum(n * price for n, price in won.values())
    assert receipt["bid_id"] in proof.winners
    formed = await Pool().rows("select body from journal where kind = 'DealFormed'")
    assert len(formed) == 3


async def test_no_package_beyond_the_reserve_wins_and_who_cannot_see_it_verifies_all_the_same(
    orm: str,
) -> None:
    scene = await a_scene()
    auction_id = await packages(scene, reserve_minor=PRICE + 5 * STEP, disclosure="full")
    await place(scene, "ann", auction_id, [JAN, FEB, MAR], PRICE + 4 * STEP)
    await place(scene, "bob", auction_id, [MAR], PRICE + 5 * STEP)

    await scene.pass_to(CLOSES_AT)

    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    assert [(won.bidder, won.item) for won in awarded.awards] == [(scene.id_of("bob"), MAR)]
    for reading in (Reading(AUDITOR), Reading(PUBLIC)):
        assert verify_bundle(await bundle.bundle(auction_id, reading)).replayed
    assert (await replaying.replay(auction_id)).difference == ""


async def test_packages_compare_with_their_scored_terms_and_are_paid_their_prices(orm: str) -> None:
    scene = await a_scene()
    days = Criterion("days early", STEP, 0, 30)
    auction_id = await packages(scene, criteria=(days,), disclosure="full")
    await place(scene, "ann", auction_id, [JAN, FEB, MAR], PRICE, attributes={"days early": 7})
    await place(scene, "bob", auction_id, [JAN, MAR], PRICE + STEP, attributes={"days early": 0})
    told = await place(
        scene, "cat", auction_id, [FEB], PRICE + 2 * STEP, attributes={"days early": 10}
    )
    with pytest.raises(BadAttributes) as unnamed:
        await place(scene, "cat", auction_id, [FEB], PRICE + 9 * STEP)
    later = {"days early": 1}
    with pytest.raises(NotImproving) as worse:
        await place(scene, "cat", auction_id, [FEB], PRICE + 9 * STEP, attributes=later)

    await scene.pass_to(CLOSES_AT)

    # Seven steps on 35 lots are less than twelve on 20 and one on 15.
    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    won = {(one.bidder, one.item, one.price_minor) for one in awarded.awards}
    bob, cat = scene.id_of("bob"), scene.id_of("cat")
    assert told["score_minor"] == PRICE + 12 * STEP
    assert unnamed.value.figures()["name"] == "days early"
    assert (worse.value.price_minor, worse.value.next_allowed_minor) == (
        PRICE + 10 * STEP,
        PRICE + 13 * STEP,
    )
    assert won == {
        (bob, JAN, PRICE + STEP),
        (bob, MAR, PRICE + STEP),
        (cat, FEB, PRICE + 2 * STEP),
    }
    assert (await queries.auction(None, auction_id))["packages"][0]["attributes"]
    for reading in (Reading(AUDITOR), Reading(PUBLIC)):
        assert verify_bundle(await bundle.bundle(auction_id, reading)).replayed
    assert (await replaying.replay(auction_id)).difference == ""


async def test_where_no_package_reaches_the_reserve_that_is_said(orm: str) -> None:
    scene = await a_scene()
    auction_id = await packages(scene, reserve_minor=PRICE + 5 * STEP)
    await place(scene, "ann", auction_id, [JAN, FEB, MAR], PRICE + 4 * STEP)

    await scene.pass_to(CLOSES_AT)

    (failed,) = await facts_of(auction_id, AuctionFailed)
    assert failed.outcome == "reserve_not_met"
    assert verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR))).replayed


async def test_a_public_reserve_refuses_what_is_beyond_it(orm: str) -> None:
    scene = await a_scene()
    reserve = PRICE + 5 * STEP
    auction_id = await packages(scene, reserve_minor=reserve, reserve_is_public=True)

    with pytest.raises(BelowFloor) as refused:
        await place(scene, "ann", auction_id, [JAN, FEB], reserve - STEP)

    assert refused.value.floor_minor == reserve


async def test_packages_are_verified_and_replayed_like_any_bid(orm: str) -> None:
    scene = await a_scene()
    auction_id = await packages(scene)
    await place(scene, "ann", auction_id, [JAN, FEB], PRICE + STEP, "a")
    await place(scene, "ann", auction_id, [MAR], PRICE + STEP, "a")
    await place(scene, "bob", auction_id, [FEB], PRICE + 3 * STEP)
    await scene.pass_to(CLOSES_AT)

    loser = verify_bundle(await bundle.bundle_for(scene.actors["ann"], auction_id))
    raw = await bundle.bundle(auction_id, Reading(AUDITOR))

    assert (await replaying.replay(auction_id)).difference == ""
    assert verify_bundle(raw).replayed
    assert (loser.own_bids, loser.replayed) == (2, False)
    assert not (await verifying.verify()).differences
    kinds = [one["kind"] for one in json.loads(raw)["records"]]
    assert (kinds.count("package"), kinds.count("proof")) == (3, 1)


async def test_a_buyer_takes_every_item_or_nothing(orm: str) -> None:
    scene = await a_scene()
    wanted = {"format": "packages", "items": MONTHS, "lots": 35, "start_minor": None}
    whole, torn = [await opened_within(scene, f"pool:{n}", **wanted) for n in range(2)]
    for auction_id in (whole, torn):
        await place(scene, "ann", auction_id, [JAN, FEB], PRICE - STEP)
    await place(scene, "bob", whole, [MAR], PRICE)

    await scene.pass_to(CLOSES_AT)

    (awarded,) = await facts_of(whole, AuctionAwarded)
    assert sum(one.lots for one in awarded.awards) == 35
    assert not await facts_of(torn, AuctionAwarded)


async def test_a_package_that_breaks_a_rule_is_refused_with_its_figure(orm: str) -> None:
    scene = await a_scene()
    auction_id = await packages(scene)
    await place(scene, "ann", auction_id, [JAN, FEB], PRICE + STEP, "a")

    with pytest.raises(UnknownItem, match="unknown_item"):
        await place(scene, "ann", auction_id, ["2027-09"], PRICE)
    with pytest.raises(RepeatedItem):
        await place(scene, "ann", auction_id, [JAN, JAN], PRICE)
    with pytest.raises(BelowFloor) as low:
        await place(scene, "ann", auction_id, [MAR], PRICE - STEP)
    with pytest.raises(OtherGroup):
        await place(scene, "ann", auction_id, [FEB, JAN], PRICE + 2 * STEP)
    with pytest.raises(NotImproving) as worse:
        await place(scene, "ann", auction_id, [FEB, JAN], PRICE + STEP, "a")
    with pytest.raises(WrongCommand):
        await scene.bid("ann", auction_id, PRICE)

    assert low.value.floor_minor == PRICE
    assert worse.value.next_allowed_minor == PRICE + 2 * STEP


async def test_a_firm_has_at_most_twenty_packages(orm: str) -> None:
    scene = await a_scene()
    months = tuple(TenorLots(JAN, 1, PRICE) for _ in range(7))
    auction_id = await packages(scene, items=months, lots=7)
    names = [JAN, *(f"{JAN}/{n}" for n in range(2, 8))]
    pairs = [[one, other] for i, one in enumerate(names) for other in names[i + 1 :]]
    assert len(pairs) == MAX_PACKAGES_A_BIDDER + 1
    for pair in pairs[:-1]:
        await place(scene, "ann", auction_id, pair, PRICE)

    with pytest.raises(TooManyPackages) as bomb:
        await place(scene, "ann", auction_id, pairs[-1], PRICE)
    await place(scene, "ann", auction_id, pairs[0], PRICE + STEP)

    assert bomb.value.max_packages == MAX_PACKAGES_A_BIDDER


async def test_nobody_sees_a_rivals_package_before_the_close_nor_after_it_if_blind(
    orm: str,
) -> None:
    scene = await a_scene()
    auction_id = await packages(scene)
    await place(scene, "ann", auction_id, [JAN], PRICE)
    before = await everybodys_views(scene, auction_id)
    await place(scene, "bob", auction_id, [JAN, FEB, MAR], PRICE + STEP)

    assert await everybodys_views(scene, auction_id) == before
    mine = await queries.auction(scene.actors["bob"], auction_id)
    assert mine["my_packages"][0]["items"] == [JAN, FEB, MAR]
    await scene.pass_to(CLOSES_AT)
    loser = await queries.auction(scene.actors["ann"], auction_id)
    owner = await queries.auction(scene.actors["mill"], auction_id)
    assert loser["my_outcome"] == "outbid"
    assert loser["result"] == {"is_awarded": True, "is_proved": True}
    assert "packages" not in loser
    assert [one["is_won"] for one in owner["packages"]] == [False, True]


async def everybodys_views(scene: Scene, auction_id: str) -> list[dict[str, Any]]:
    eyes = [None, *(scene.actors[name] for name in ("ann", "cat", "mill", "operator"))]
    return [await queries.auction(actor, auction_id) for actor in eyes]


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"items": MONTHS * 7, "lots": 245}, "/items"),
        ({"lots": 34}, "/lots"),
        ({"reserve_is_public": True}, "/reserve_is_public"),
        ({"start_minor": PRICE}, "/start"),
        ({"max_share": 50}, "/max_share"),
        ({"tie": "draw"}, "/tie"),
    ],
)
async def test_terms_that_packages_do_not_know_are_refused(
    orm: str, terms: dict[str, Any], pointer: str
) -> None:
    scene = await a_scene()

    with pytest.raises(InvalidField) as refused:
        await packages(scene, **terms)

    assert refused.value.pointer == pointer
