"""Every format on real rows: who may do what, who wins at which price, and what is held."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from aggregator.auctions import beacon, bidding, bundle, opening, queries, replaying, store
from aggregator.auctions.bundle import AUDITOR, Reading
from aggregator.auctions.facts import AuctionAwarded
from aggregator.auctions.opening import TenorLots
from aggregator.deals.facts import DealFormed
from aggregator.errors import InvalidField
from aggregator.laboratory.bundle import verify_bundle
from aggregator.ledger import verifying
from matching.auctions.events import Closed, DemandPlaced
from matching.auctions.refusals import (
    AllOrNoneRefused,
    BadAttributes,
    OffClock,
    RoundOver,
    TooActive,
    WrongCommand,
)
from matching.auctions.rules import Criterion
from tests.builders import START, a_command
from tests.integration.auctions.building import (
    CLOSES_AT,
    PRICE,
    STEP,
    Scene,
    a_scene,
    facts_of,
)

MINUTE = timedelta(minutes=1)


async def awards_of(auction_id: str) -> list[tuple[str, int, int, str]]:
    (awarded,) = await facts_of(auction_id, AuctionAwarded)
    return [(one.bidder, one.lots, one.price_minor, one.item) for one in awarded.awards]


async def demand(scene: Scene, name: str, auction_id: str, **lots: int) -> dict[str, Any]:
    wanted = {month.replace("_", "-").lstrip("m"): count for month, count in lots.items()}
    outcome = await bidding.place_demand(
        scene.market, scene.actors[name], a_command([name, wanted]), auction_id, wanted
    )
    return outcome.answer


async def standing(scene: Scene, name: str, auction_id: str, limit_minor: int | None) -> Any:
    command = a_command([name, limit_minor])
    outcome = await bidding.set_standing(
        scene.market, scene.actors[name], command, auction_id, limit_minor=limit_minor
    )
    return outcome.answer


async def all_is_well(auction_id: str) -> None:
    """A replay and the auditor's bundle say the same again, and no money is lost."""
    assert (await replaying.replay(auction_id)).difference == ""
    assert verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR))).replayed
    assert not (await verifying.verify()).differences


@pytest.mark.parametrize(
    ("form", "paid"),
    [("sealed_first", PRICE + 2 * STEP), ("second_price", PRICE + STEP)],
)
async def test_sealed_bids_are_opened_by_the_close(orm: str, form: Any, paid: int) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format=form)
    await scene.bid("ann", auction_id, PRICE + STEP)
    await scene.bid("bob", auction_id, PRICE + 2 * STEP)
    hidden = await queries.auction(scene.actors["mill"], auction_id)

    await scene.pass_to(CLOSES_AT)

    assert "standing" not in hidden
    assert "bidders" not in hidden
    assert await awards_of(auction_id) == [(scene.id_of("bob"), 100, paid, "")]
    assert [await scene.held_by(name) for name in ("ann", "cat")] == [0, 0]
    assert len(await facts_of(auction_id, DealFormed)) == 0
    await all_is_well(auction_id)


async def test_a_uniform_sale_charges_all_winners_one_price(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_uniform")
    await scene.bid("ann", auction_id, PRICE + 3 * STEP, 60)
    await scene.bid("bob", auction_id, PRICE + 2 * STEP, 60)
    await scene.bid("cat", auction_id, PRICE, 60)

    await scene.pass_to(CLOSES_AT)

    price = PRICE + 2 * STEP
    ann, bob = scene.id_of("ann"), scene.id_of("bob")
    assert await awards_of(auction_id) == [(ann, 60, price, ""), (bob, 40, price, "")]
    await all_is_well(auction_id)


async def test_every_sealed_bidder_holds_the_same_deposit(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")

    receipts = [
        await scene.bid("ann", auction_id, PRICE, 1),
        await scene.bid("bob", auction_id, 9 * PRICE, 100),
    ]

    held = [await scene.held_by(name) for name in ("ann", "bob")]
    assert held == [PRICE * 100 // 10] * 2
    assert [receipt["deposit_minor"] for receipt in receipts] == held


async def test_the_seed_of_a_draw_is_committed_before_and_shown_after(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")
    before = await queries.auction(None, auction_id)
    for name in ("ann", "bob", "cat"):
        await scene.bid(name, auction_id, PRICE)

    await scene.pass_to(CLOSES_AT)

    (closed,) = await facts_of(auction_id, Closed)
    assert sha256(bytes.fromhex(closed.result.seed)).hexdigest() == before["draw_commitment"]
    assert closed.result.beacon == ""
    assert before["tie"] == "draw"
    await all_is_well(auction_id)


class LateBeacon:
    """Publishes four minutes late, or never."""

    source = "late"

    def __init__(self, scene: Scene, late: timedelta | None) -> None:
        self.scene = scene
        self.late = late

    async def value(self, after: datetime) -> bytes | None:
        if self.late is None or self.scene.clock.now() < after + self.late:
            return None
        return b"\x07" * 32


@pytest.mark.parametrize(("late", "said"), [(4 * MINUTE, "07" * 32), (None, "")])
async def test_a_beacon_is_waited_for_ten_minutes(
    orm: str, late: timedelta | None, said: str
) -> None:
    scene = await a_scene()
    beacon.install(LateBeacon(scene, late))
    try:
        auction_id = await scene.open(format="sealed_first")
        assert (await queries.auction(None, auction_id))["draw_beacon"] == "late"
        await scene.bid("ann", auction_id, PRICE)
        await scene.pass_to(CLOSES_AT)
        waiting = (await store.read(None, auction_id)).phase
        for minutes in (3, 5, 9, 11):
            await scene.pass_to(CLOSES_AT + minutes * MINUTE)
    finally:
        beacon.install(None)

    (closed,) = await facts_of(auction_id, Closed)
    assert waiting == "open"
    assert closed.result.beacon == said
    listed = json.loads(await bundle.bundle(auction_id, Reading(AUDITOR)))["openings"][0]
    assert listed["content"]["beacon"] == "late"
    await all_is_well(auction_id)


@pytest.mark.parametrize("form", ["japanese", "clock"])
async def test_a_clock_that_ends_before_its_close_waits_for_the_beacon_too(
    orm: str, form: Any
) -> None:
    scene = await a_scene()
    items = (TenorLots("2027-03", 100, PRICE),) if form == "clock" else ()
    start_minor = None if form == "clock" else PRICE
    beacon.install(LateBeacon(scene, 4 * MINUTE))
    try:
        auction_id = await scene.open(
            format=form, tie="draw", interval_s=60, items=items, start_minor=start_minor
        )
        if form == "clock":
            await demand(scene, "ann", auction_id, m2027_03=40)
        else:
            await scene.bid("ann", auction_id, PRICE, 40)
        for minutes in (1, 3):
            await scene.pass_to(START + minutes * MINUTE)
        waiting = (await store.read(None, auction_id)).phase
        await scene.pass_to(START + 6 * MINUTE)
    finally:
        beacon.install(None)

    (closed,) = await facts_of(auction_id, Closed)
    assert (waiting, closed.result.beacon) == ("open", "07" * 32)
    assert closed.at < CLOSES_AT
    await all_is_well(auction_id)


async def test_an_auction_draws_without_a_beacon_that_it_did_not_name(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="sealed_first")
    await scene.bid("ann", auction_id, PRICE)
    beacon.install(LateBeacon(scene, None))
    try:
        await scene.pass_to(CLOSES_AT)
    finally:
        beacon.install(None)

    (closed,) = await facts_of(auction_id, Closed)
    assert closed.result.beacon == ""
    await all_is_well(auction_id)


async def test_a_dutch_price_falls_until_lots_are_taken(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="dutch", interval_s=60)
    scene.clock.set(START + 3 * MINUTE)
    with pytest.raises(OffClock):
        await scene.bid("ann", auction_id, PRICE - 4 * STEP, 60)

    first = await scene.bid("ann", auction_id, PRICE - 3 * STEP, 60)
    scene.clock.set(START + 4 * MINUTE)
    last = await scene.bid("bob", auction_id, PRICE, None)
    seen = await queries.auction(scene.actors["bob"], auction_id)
    await scene.pass_to(START + 4 * MINUTE)

    assert (first["price_minor"], first["lots"]) == (PRICE - 3 * STEP, 60)
    assert (last["price_minor"], last["lots"]) == (PRICE - 4 * STEP, 40)
    assert seen["phase"] == "closed"
    assert "clock" not in seen
    assert [lots for _, lots, _, _ in await awards_of(auction_id)] == [60, 40]
    assert (await store.read(None, auction_id)).is_told
    await all_is_well(auction_id)


async def test_a_japanese_price_rises_while_more_is_wanted_than_there_is(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="japanese", interval_s=60)
    for name in ("ann", "bob"):
        await scene.bid(name, auction_id, PRICE, 100)
    scene.clock.set(START + MINUTE)
    with pytest.raises(RoundOver):
        await scene.bid("ann", auction_id, PRICE, 100)
    await scene.pass_to(START + MINUTE)
    second = await queries.auction(scene.actors["ann"], auction_id)
    with pytest.raises(OffClock):
        await scene.bid("ann", auction_id, PRICE, 100)
    with pytest.raises(TooActive):
        await scene.bid("cat", auction_id, PRICE + STEP, 1)
    receipt = await scene.bid("ann", auction_id, PRICE + STEP, 100)

    await scene.pass_to(START + 2 * MINUTE)

    assert (second["round"], second["items"][0]["price"]) == (1, "5010.00")
    assert (receipt["price_minor"], receipt["round"]) == (PRICE + STEP, 1)
    assert [(won[0], won[1]) for won in await awards_of(auction_id)] == [(scene.id_of("ann"), 100)]
    await all_is_well(auction_id)


async def test_a_clock_sells_months_at_one_price_each(orm: str) -> None:
    scene = await a_scene()
    items = (TenorLots("2027-03", 60, PRICE), TenorLots("2027-04", 40, PRICE))
    auction_id = await scene.open(
        format="clock", interval_s=60, items=items, start_minor=None, lots=100
    )
    await demand(scene, "ann", auction_id, m2027_03=60, m2027_04=20)
    await demand(scene, "bob", auction_id, m2027_03=60)
    await scene.pass_to(START + MINUTE)
    moved = await demand(scene, "bob", auction_id, m2027_03=0, m2027_04=20)
    with pytest.raises(TooActive):
        await demand(scene, "ann", auction_id, m2027_03=60, m2027_04=40)
    await demand(scene, "ann", auction_id, m2027_03=60, m2027_04=20)
    with pytest.raises(WrongCommand):
        await scene.bid("ann", auction_id, PRICE, 60)

    await scene.pass_to(START + 2 * MINUTE)

    won = {(firm, item): (lots, price) for firm, lots, price, item in await awards_of(auction_id)}
    assert moved["demand"] == {"2027-03": 0, "2027-04": 20}
    assert won[scene.id_of("ann"), "2027-03"] == (60, PRICE + STEP)
    assert won[scene.id_of("bob"), "2027-04"] == (20, PRICE)
    assert len(await facts_of(auction_id, DemandPlaced)) == 4
    await all_is_well(auction_id)


async def test_the_market_bids_for_who_left_a_limit(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    order = await standing(scene, "ann", auction_id, PRICE + 5 * STEP)
    held = await scene.held_by("ann")

    receipt = await scene.bid("bob", auction_id, PRICE + 2 * STEP)
    seen = await queries.auction(scene.actors["ann"], auction_id)
    rival = await queries.auction(scene.actors["bob"], auction_id)

    assert order["limit_minor"] == PRICE + 5 * STEP
    assert held == PRICE * 5 // 4 * 100 // 10
    assert receipt["is_leading"] is False
    assert (seen["my_limit"], seen["my_best"]) == ("5050.00", "5030.00")
    assert (rival["my_limit"], rival["best"]) == (None, "5030.00")
    await standing(scene, "ann", auction_id, None)
    await scene.pass_to(CLOSES_AT)
    assert await awards_of(auction_id) == [(scene.id_of("ann"), 100, PRICE + 3 * STEP, "")]
    await all_is_well(auction_id)


async def test_who_came_without_a_deposit_gets_his_first_one_back_too(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open()
    await standing(scene, "ann", auction_id, None)
    before = await scene.held_by("ann")
    await scene.bid("ann", auction_id, PRICE)
    held = await scene.held_by("ann")
    await scene.bid("bob", auction_id, PRICE + STEP)

    await scene.pass_to(CLOSES_AT)

    assert (before, held) == (0, PRICE * 100 // 10)
    assert await scene.held_by("ann") == 0
    await all_is_well(auction_id)


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"format": "sealed_first", "soft_close_s": 60}, "/soft_close_s"),
        ({"format": "sealed_first", "start_minor": None}, "/start"),
        ({"format": "sealed_uniform", "improve": "leader"}, "/improve"),
        ({"format": "dutch", "shares": (60, 40), "interval_s": 60}, "/shares"),
        ({"format": "dutch", "interval_s": 60, "reserve_minor": PRICE}, "/reserve_is_public"),
        ({"format": "japanese", "interval_s": 60, "reserve_minor": PRICE}, "/reserve"),
        ({"format": "japanese"}, "/interval_s"),
        ({"interval_s": 60}, "/interval_s"),
        ({"items": (TenorLots("2027-03", 100, PRICE),)}, "/items"),
    ],
)
async def test_terms_of_another_format_are_refused(
    orm: str, terms: dict[str, Any], pointer: str
) -> None:
    scene = await a_scene()

    with pytest.raises(InvalidField) as refused:
        await scene.open(**terms)

    assert refused.value.pointer == pointer


async def test_all_or_nothing_has_no_place_where_prices_are_announced(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(format="dutch", interval_s=60)

    with pytest.raises(AllOrNoneRefused):
        await scene.bid("ann", auction_id, PRICE, 10, all_or_none=True)


def test_every_format_has_a_form() -> None:
    assert opening.AuctionTerms.__dataclass_fields__["format"].default == "english"


async def test_scored_bids_compare_by_score_and_are_paid_as_bid(orm: str) -> None:
    scene = await a_scene()
    auction_id = await scene.open(
        format="sealed_first", criteria=(Criterion("days early", STEP, 0, 30),)
    )
    cheap = await scene.bid("ann", auction_id, PRICE + 10 * STEP, attributes={"days early": 0})
    await scene.bid("bob", auction_id, PRICE + STEP, attributes={"days early": 30})
    with pytest.raises(BadAttributes) as outside:
        await scene.bid("cat", auction_id, PRICE, attributes={"days early": 31})

    await scene.pass_to(CLOSES_AT)

    assert (outside.value.lowest, outside.value.highest) == (0, 30)
    assert cheap["score_minor"] == PRICE + 10 * STEP
    assert await awards_of(auction_id) == [(scene.id_of("bob"), 100, PRICE + STEP, "")]
    loser = await queries.auction(scene.actors["ann"], auction_id)
    assert (loser["my_score"], loser["my_outcome"]) == ("5100.00", "outbid")
    assert loser["my_score_parts"] == [
        {"name": "days early", "value": 0, "unit": "10.00", "worth": "0.00"}
    ]
    assert "5310.00" not in str(loser)
    await all_is_well(auction_id)
