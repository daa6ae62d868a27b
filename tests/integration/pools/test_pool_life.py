"""A pool from its opening to deals: by breaks, by auction, or the better of both."""

import json
from datetime import timedelta

import pytest

from aggregator.journal.reading import Pool
from aggregator.pools.facts import (
    FirmingBegan,
    PledgesLeftOut,
    PoolAwarded,
    PoolClosed,
    PoolLapsed,
)
from aggregator.supply import offering
from matching.auctions.refusals import AboveCeiling
from matching.clearing.certificate import check
from matching.clearing.form import GuaranteeBroken
from tests.builders import a_command
from tests.integration.pools.building import (
    CLOSES_AT,
    FIRMING_AT,
    Scene,
    a_scene,
    assert_books_agree,
)

HOUR = timedelta(hours=1)


async def five_members(scene: Scene, mode: str) -> str:
    pool_id = await scene.open(mode=mode)
    for name in "abcde":
        await scene.pledge(name, pool_id)
    return pool_id


async def test_a_pool_reaches_its_break_in_firming_and_is_bought_by_the_offer(orm: str) -> None:
    scene = await a_scene()
    offer_id = await scene.offer("m")
    pool_id = await scene.open()
    for name in "abcd":
        await scene.pledge(name, pool_id, freight_minor=3_000)
    await scene.pass_to(FIRMING_AT)
    assert (await scene.view("a", pool_id))["progress"]["percent"] == 80
    await scene.pledge("e", pool_id, freight_minor=1_000)

    await scene.pass_to(CLOSES_AT)

    deals = await scene.deals()
    assert [(d["lots"], d["goods_minor"], d["freight_minor"]) for d in deals] == [
        (100, 490_000, 3_000),
        (100, 490_000, 3_000),
        (100, 490_000, 3_000),
        (100, 490_000, 3_000),
        (100, 490_000, 1_000),
    ]
    assert {d["seller_id"] for d in deals} == {scene.id_of("m")}
    award = (await scene.view("e", pool_id))["you"]["award"]
    assert award == {
        "lots": 100,
        "reduced_lots": None,
        "goods": "4900.00",
        "freight": "10.00",
        "fee": "9.80",
        "landed": "4919.80",
        "by": "offer",
        "deal_id": deals[4]["id"],
        "parts": [],
        "levelled": "0.00",
    }
    kinds = [type(fact) for fact in await scene.facts(pool_id)]
    assert kinds[-2:] == [PoolClosed, PoolAwarded]
    assert FirmingBegan in kinds
    taken = await Pool().rows("select taken_lots from offer where id = $1", offer_id)
    assert taken[0]["taken_lots"] == 500
    for name in "abcde":
        assert await scene.held_by(name) == 0
    await assert_books_agree()


async def test_closing_twice_changes_nothing(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await five_members(scene, "breaks")
    await scene.pass_to(CLOSES_AT)
    before = await scene.journal(pool_id)

    from aggregator.pools.closing import close

    await close(scene.market, pool_id)

    assert await scene.journal(pool_id) == before
    assert len(await scene.deals()) == 5


async def test_the_auction_buys_when_it_is_better_than_the_offer(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await five_members(scene, "both")
    await scene.pass_to(CLOSES_AT)
    group = (await scene.view("a", pool_id))["you"]["group"]
    assert (group["at_most"]["goods"], group["lots"]) == ("4900.00", 100)
    await scene.bid("m", group["auction_id"], 489_900)
    await scene.bid("n", group["auction_id"], 485_000)

    await scene.pass_to(CLOSES_AT + HOUR)

    deals = await scene.deals()
    assert {(d["seller_id"], d["goods_minor"]) for d in deals} == {(scene.id_of("n"), 485_000)}
    view = await scene.view("a", pool_id)
    assert (view["phase"], view["you"]["award"]["by"]) == ("awarded", "auction")
    taken = await Pool().rows("select taken_lots from offer")
    assert [row["taken_lots"] for row in taken] == [0]
    await assert_books_agree()


async def test_the_offer_buys_when_no_auction_betters_it(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await five_members(scene, "both")
    await scene.pass_to(CLOSES_AT)
    auction_id = (await scene.view("a", pool_id))["you"]["group"]["auction_id"]
    with pytest.raises(AboveCeiling):
        await scene.bid("n", auction_id, 490_000)

    await scene.pass_to(CLOSES_AT + HOUR)

    deals = await scene.deals()
    assert {(d["seller_id"], d["goods_minor"]) for d in deals} == {(scene.id_of("m"), 490_000)}
    assert (await scene.view("a", pool_id))["you"]["award"]["by"] == "offer"
    assert await scene.held_by("n") == 0
    await assert_books_agree()


async def test_a_pool_by_auction_alone_lapses_without_a_bid(orm: str) -> None:
    scene = await a_scene()
    offer_id = await scene.offer("m")
    pool_id = await five_members(scene, "auction")
    await scene.pass_to(CLOSES_AT)
    taken = await Pool().rows("select taken_lots from offer where id = $1", offer_id)
    assert taken[0]["taken_lots"] == 0

    await scene.pass_to(CLOSES_AT + HOUR)

    view = await scene.view("a", pool_id)
    assert (view["phase"], view["you"]["left_out"]) == ("lapsed", "auction_failed")
    assert await scene.deals() == []
    assert [await scene.held_by(name) for name in "abcde"] == [0] * 5
    await assert_books_agree()


async def test_members_may_not_supply_their_own_auction(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await five_members(scene, "auction")
    await scene.pass_to(CLOSES_AT)
    auction_id = (await scene.view("a", pool_id))["you"]["group"]["auction_id"]
    trading = scene.actors["a"]
    scene.actors["a2"] = type(trading)(
        trading.person_id,
        trading.organisation_id,
        trading.owner_group,
        frozenset({"seller"}),
        frozenset({"auctions.bid"}),
    )

    with pytest.raises(Exception, match="related_to_owner"):
        await scene.bid("a2", auction_id, 480_000)


async def test_a_lapse_releases_every_deposit_and_tells_the_reason(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m", breaks=((300, 495_000),))
    pool_id = await scene.open()
    await scene.pledge("a", pool_id)
    await scene.pledge("b", pool_id)
    await scene.pledge("c", pool_id, limit_minor=400_000)
    await scene.pledge("d", pool_id, lots=20, size_lots=20)
    assert await scene.held_by("a") == 5_100_000

    await scene.pass_to(CLOSES_AT)

    (lapsed,) = [f for f in await scene.facts(pool_id) if isinstance(f, PoolLapsed)]
    assert [(left.organisation_id, left.reason) for left in lapsed.left_out] == [
        (scene.id_of("a"), "too_few_members"),
        (scene.id_of("b"), "too_few_members"),
        (scene.id_of("c"), "limit_below_all_prices"),
        (scene.id_of("d"), "no_similar_size"),
    ]
    assert [await scene.held_by(name) for name in "abcd"] == [0] * 4
    view = await scene.view("c", pool_id)
    assert (view["phase"], view["you"]["left_out"]) == ("lapsed", "limit_below_all_prices")
    assert await scene.deals() == []
    await assert_books_agree()


async def test_firms_of_one_owner_count_once(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    for name in "abc":
        actor = scene.actors[name]
        group = "group a" if name == "b" else actor.owner_group
        scene.actors[name] = type(actor)(
            actor.person_id, actor.organisation_id, group, actor.roles, actor.grants
        )
        await scene.pledge(name, pool_id)
    assert (await scene.view("c", pool_id))["progress"] is None

    await scene.pass_to(CLOSES_AT)

    assert (await scene.view("c", pool_id))["you"]["left_out"] == "too_few_members"


async def test_who_is_left_out_of_an_awarded_pool_is_told_why(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await five_members(scene, "breaks")
    await scene.pledge("f", pool_id, limit_minor=480_000)

    await scene.pass_to(CLOSES_AT)

    (out,) = [f for f in await scene.facts(pool_id) if isinstance(f, PledgesLeftOut)]
    assert [left.organisation_id for left in out.left_out] == [scene.id_of("f")]
    view = await scene.view("f", pool_id)
    assert (view["phase"], view["you"]["award"]) == ("awarded", None)
    assert view["you"]["left_out"] == "limit_below_all_prices"
    assert await scene.held_by("f") == 0
    await assert_books_agree()


async def test_tolerance_is_taken_only_as_far_as_the_break_needs(orm: str) -> None:
    scene = await a_scene("abc")
    await scene.offer("m", breaks=((310, 480_000),))
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id, tolerance_lots=20)
    assert await scene.held_by("a") == 6_120_000

    await scene.pass_to(CLOSES_AT)

    assert [d["lots"] for d in await scene.deals()] == [104, 103, 103]
    await assert_books_agree()


async def test_the_fee_never_lifts_a_landed_price_above_the_limit(orm: str) -> None:
    scene = await a_scene("abcd")
    await scene.offer("m", breaks=((300, 490_000),))
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id, limit_minor=491_000)
    await scene.pledge("d", pool_id, limit_minor=490_900)

    await scene.pass_to(CLOSES_AT)

    award = (await scene.view("a", pool_id))["you"]["award"]
    assert award["landed"] == "4909.80"
    assert (await scene.view("d", pool_id))["you"]["left_out"] == "limit_below_all_prices"


async def test_a_pool_is_prolonged_once_when_every_member_agrees(orm: str) -> None:
    scene = await a_scene("abcd")
    await scene.offer("m", breaks=((400, 490_000),))
    pool_id = await scene.open(prolong_minutes=60)
    for name in "abc":
        await scene.pledge(name, pool_id, agrees_to_prolong=True)

    await scene.pass_to(CLOSES_AT)

    view = await scene.view("a", pool_id)
    assert (view["phase"], view["is_prolonged"]) == ("firming", True)
    assert await scene.held_by("a") > 0
    await scene.pledge("d", pool_id)
    await scene.pass_to(CLOSES_AT + HOUR)
    assert len(await scene.deals()) == 4
    await assert_books_agree()


async def test_a_pool_lapses_when_one_member_does_not_agree_or_it_fails_twice(orm: str) -> None:
    scene = await a_scene("abcd")
    await scene.offer("m", breaks=((400, 490_000),))
    one = await scene.open(prolong_minutes=60)
    two = await scene.open(prolong_minutes=60)
    for name in "abc":
        await scene.pledge(name, one, agrees_to_prolong=name != "c")
        await scene.pledge(name, two, agrees_to_prolong=True)

    await scene.pass_to(CLOSES_AT)
    assert (await scene.view(None, one))["phase"] == "lapsed"
    assert (await scene.view(None, two))["phase"] == "firming"
    await scene.pass_to(CLOSES_AT + HOUR)

    assert (await scene.view(None, two))["phase"] == "lapsed"
    assert [await scene.held_by(name) for name in "abc"] == [0] * 3
    await assert_books_agree()


async def test_the_stored_result_passes_the_checker_and_a_mutated_one_does_not(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await five_members(scene, "breaks")

    await scene.pass_to(CLOSES_AT)

    (row,) = await Pool().rows(
        "select instance::text as instance, result::text as result from pool_clearing"
    )
    instance, result = json.loads(row["instance"]), json.loads(row["result"])
    check(instance, result)
    closed = next(f for f in await scene.facts(pool_id) if isinstance(f, PoolClosed))
    assert result["certificate"]["inputs_sha256"] == closed.inputs_sha256
    result["pools"][0]["goods_minor"] -= 1
    with pytest.raises(GuaranteeBroken):
        check(instance, result)


async def kinds_told(scene: Scene, name: str) -> list[str]:
    found = await Pool().rows(
        "select kind from notice where organisation_id = $1 order by at, id", scene.id_of(name)
    )
    return sorted(row["kind"] for row in found)


async def test_members_are_told_of_firming_close_award_and_lapse(orm: str) -> None:
    scene = await a_scene("abcd")
    await scene.offer("m", breaks=((300, 490_000),))
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id)
    await scene.pledge("d", pool_id, limit_minor=400_000)

    await scene.pass_to(FIRMING_AT)
    assert [await kinds_told(scene, name) for name in "am"] == [["pool_firming"], []]
    await scene.pass_to(CLOSES_AT)

    assert await kinds_told(scene, "a") == [
        "deal_formed",
        "pool_awarded",
        "pool_closed",
        "pool_firming",
    ]
    assert await kinds_told(scene, "d") == ["pledge_left_out", "pool_firming"]
    assert await kinds_told(scene, "m") == ["deal_formed"] * 3 + ["pool_sold"]


async def test_a_prolongation_is_told_once_to_each_and_happens_once(orm: str) -> None:
    scene = await a_scene("abcd")
    await scene.offer("m", breaks=((400, 490_000),))
    pool_id = await scene.open(prolong_minutes=60)
    for name in "abc":
        await scene.pledge(name, pool_id, agrees_to_prolong=True)

    await scene.pass_to(CLOSES_AT)
    await scene.pass_to(CLOSES_AT + HOUR)
    await scene.pass_to(CLOSES_AT + 2 * HOUR)

    for name in "abc":
        told = await kinds_told(scene, name)
        assert told == ["pool_firming", "pool_lapsed", "pool_prolonged"]
    assert await kinds_told(scene, "d") == []


async def test_a_supplier_outbid_after_his_offer_ended_has_his_deposit_back(orm: str) -> None:
    scene = await a_scene()
    offer_id = await scene.offer("m")
    pool_id = await five_members(scene, "both")
    await scene.pass_to(CLOSES_AT)
    auction_id = (await scene.view("a", pool_id))["you"]["group"]["auction_id"]
    await offering.withdraw_offer(scene.market, scene.actors["m"], a_command(), offer_id)
    reserved = await scene.held_by("m")
    await scene.bid("n", auction_id, 485_000)

    await scene.pass_to(CLOSES_AT + HOUR)

    # Ten per cent of 5000.00 for the 500 lots that the group had reserved.
    assert (reserved, await scene.held_by("m")) == (25_000_000, 0)
    await assert_books_agree()
