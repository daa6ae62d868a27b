"""A pool's auction with several winners: one price for all members, each supplier paid his bid."""

import json
from random import Random
from typing import Any

import pytest

from aggregator.auctions import bundle, replaying
from aggregator.auctions.bundle import AUDITOR, Reading
from aggregator.auctions.facts import AuctionAwarded
from aggregator.errors import InvalidField
from aggregator.journal.reading import Pool
from aggregator.laboratory.bundle import verify_bundle
from aggregator.laboratory.clearing import GuaranteeBroken, canonical_json
from aggregator.laboratory.pool_evidence import PoolReport, verify_pool
from aggregator.market import Actor, Answer, Unit
from aggregator.notices.queries import notices
from aggregator.pools import queries, shortage
from aggregator.pools.awarding import reference_of
from aggregator.pools.closing import close
from matching.auctions.events import Award
from tests.builders import a_command
from tests.integration.pools.building import CELL, CLOSES_AT, Scene, a_scene, assert_books_agree
from tests.integration.pools.test_pool_life import HOUR
from tests.integration.pools.test_shortage import cash, declare
from tests.integration.pools.test_substitution import DUE_AT, fund, substitute_of, without_cash

SHARED = 60


async def an_auction(
    *lots: int, mode: str = "both", poor: str = "", share: int = SHARED
) -> tuple[Scene, str, str]:
    """Let a, b, c … form a group at 4900.00, whose auction gives nobody more than 60 %."""
    names = "abcde"[: len(lots)]
    scene = await a_scene(f"{names}f", "mno")
    await scene.offer("m", breaks=((1, 490_000),))
    pool_id = await scene.open(mode=mode, max_share=share)
    for name, own in zip(names, lots, strict=True):
        await scene.pledge(name, pool_id, lots=own, size_lots=lots[-1])
    await scene.pledge("f", pool_id, lots=lots[-1], size_lots=lots[-1], limit_minor=489_900)
    for name in poor:
        await without_cash(scene, name)
    await scene.pass_to(CLOSES_AT)
    auction_id = (await scene.view("a", pool_id))["you"]["group"]["auction_id"]
    return scene, pool_id, str(auction_id)


async def an_award(*lots: int, **more: Any) -> tuple[Scene, str]:
    """Let n win 60 of 100 lots at 4850.00 and o the rest at 4890.00."""
    scene, pool_id, auction_id = await an_auction(*lots, **more)
    await scene.bid("n", auction_id, 485_000, 80)
    await scene.bid("o", auction_id, 489_000, 100)
    await scene.pass_to(CLOSES_AT + HOUR)
    return scene, pool_id


async def assert_nothing_is_told_awarded(auction_id: str) -> None:
    raw = await bundle.bundle(auction_id, Reading(AUDITOR))
    assert verify_bundle(raw).replayed
    opened = json.loads(raw)["openings"]
    told = [one["content"] for one in opened if "is_awarded" in one["content"]]
    assert [one["is_awarded"] for one in told] == [False]
    assert (await replaying.replay(auction_id)).difference == ""


async def bought() -> list[tuple[int, int]]:
    found = await Pool().rows(
        "select d.lots, d.goods_minor from deal d join pool_part p on p.deal_id = d.id"
        " join pledge g on g.id = p.pledge_id order by g.seq, d.goods_minor"
    )
    return [(row["lots"], row["goods_minor"]) for row in found]


async def test_members_pay_one_price_and_each_supplier_gets_his_bid(orm: str) -> None:
    scene, pool_id = await an_award(34, 33, 33)

    assert await bought() == [
        (20, 485_000),
        (14, 489_000),
        (20, 485_000),
        (13, 489_000),
        (20, 485_000),
        (13, 489_000),
    ]
    for name, lots, levelled in (("a", 34, "-16.00"), ("b", 33, "8.00"), ("c", 33, "8.00")):
        award = (await scene.view(name, pool_id))["you"]["award"]
        assert (award["lots"], award["goods"], award["levelled"]) == (lots, "4866.00", levelled)
        assert [part["goods"] for part in award["parts"]] == ["4850.00", "4890.00"]
    sold = {name: (await scene.view(name, pool_id))["sold"] for name in "mno"}
    assert sold["m"] == []
    assert [(one["lots"], one["goods"], one["by"]) for one in sold["n"]] == [
        (60, "4850.00", "auction")
    ]
    assert [(one["lots"], one["goods"]) for one in sold["o"]] == [(40, "4890.00")]
    moved = await Pool().rows("select kind from transfer where kind = 'pool.levelled'")
    assert len(moved) == 1
    assert [await scene.held_by(name) for name in "abc"] == [0, 0, 0]
    taken = await Pool().rows("select taken_lots from offer")
    assert [row["taken_lots"] for row in taken] == [0]
    await assert_books_agree()


async def test_the_bundle_of_such_an_auction_verifies_and_closing_again_changes_nothing(
    orm: str,
) -> None:
    scene, pool_id, auction_id = await an_auction(34, 33, 33)
    await scene.bid("n", auction_id, 485_000, 80)
    await scene.bid("o", auction_id, 489_000, 100)
    await scene.pass_to(CLOSES_AT + HOUR)
    before = await scene.journal(pool_id)

    await close(scene.market, pool_id)

    assert await scene.journal(pool_id) == before
    assert verify_bundle(await bundle.bundle(auction_id, Reading(AUDITOR))).replayed
    assert (await replaying.replay(auction_id)).difference == ""


async def test_the_division_is_certified_and_no_single_byte_of_it_can_change(orm: str) -> None:
    _, pool_id = await an_award(34, 33, 33, poor="b")
    raw = canonical_json(await queries.evidence(pool_id)).encode()
    random = Random(7)

    assert verify_pool(raw) == PoolReport(pools=1, divisions=1)

    for _ in range(200):
        place = random.randrange(raw.index(b'"divisions"'), raw.index(b'"instance":{"currency"'))
        changed = bytearray(raw)
        changed[place] ^= 1 << random.randrange(7)
        with pytest.raises(GuaranteeBroken):
            verify_pool(bytes(changed))


@pytest.mark.parametrize("lots", [0, 80])
async def test_where_not_all_lots_are_won_the_standing_offer_counts(orm: str, lots: int) -> None:
    scene, pool_id, auction_id = await an_auction(34, 33, 33)
    if lots:
        await scene.bid("n", auction_id, 485_000, lots)

    await scene.pass_to(CLOSES_AT + HOUR)

    assert await bought() == [(34, 490_000), (33, 490_000), (33, 490_000)]
    award = (await scene.view("a", pool_id))["you"]["award"]
    assert (award["by"], award["parts"], award["levelled"]) == ("offer", [], "0.00")
    assert [one.kind for one in await notices(scene.actors["n"])] == []
    await assert_nothing_is_told_awarded(auction_id)
    await assert_books_agree()


async def test_where_not_all_lots_are_won_and_nothing_is_reserved_the_group_lapses(
    orm: str,
) -> None:
    scene, pool_id, auction_id = await an_auction(34, 33, 33, mode="auction")
    await scene.bid("n", auction_id, 485_000, 100)

    await scene.pass_to(CLOSES_AT + HOUR)

    view = await scene.view("a", pool_id)
    assert (view["phase"], view["you"]["left_out"]) == ("lapsed", "auction_failed")
    assert [await scene.held_by(name) for name in "abcno"] == [0] * 5
    await assert_nothing_is_told_awarded(auction_id)
    await assert_books_agree()


async def test_who_has_less_than_he_is_to_level_pays_what_he_has(orm: str) -> None:
    scene, pool_id, auction_id = await an_auction(2, 1, 1, poor="b")
    await scene.bid("n", auction_id, 100_000, 4)
    await scene.bid("o", auction_id, 489_000, 4)

    await scene.pass_to(CLOSES_AT + HOUR)

    # b's one lot costs 1000.00, 1945.00 below the price of all; his deposit was 510.00.
    paid = {name: (await scene.view(name, pool_id))["you"]["award"]["levelled"] for name in "abc"}
    assert paid == {"a": "0.00", "b": "510.00", "c": "-510.00"}
    assert await cash(scene, "b") == 0
    await assert_books_agree()


async def test_a_supplier_who_falls_short_reduces_only_what_was_bought_of_him(orm: str) -> None:
    scene, pool_id = await an_award(34, 33, 33)
    await fund(scene, "a", "b", "c")

    await declare(scene, pool_id, 30, "n")
    assert [
        (await scene.view(name, pool_id))["you"]["award"]["reduced_lots"] for name in "abc"
    ] == [24, 23, 23]
    (sold,) = (await scene.view("n", pool_id))["sold"]
    assert (sold["lots"], sold["reduced_lots"]) == (60, 30)
    (other,) = (await scene.view("o", pool_id))["sold"]
    assert other["reduced_lots"] is None
    await declare(scene, pool_id, 20, "o")
    assert [
        (await scene.view(name, pool_id))["you"]["award"]["reduced_lots"] for name in "abc"
    ] == [17, 17, 16]
    with pytest.raises(Exception, match="group"):
        await shortage.declare(scene.market, scene.actors["m"], a_command(), pool_id, 1)
    await assert_books_agree()


async def test_freed_lots_are_offered_at_the_price_of_the_deal_that_lapsed(orm: str) -> None:
    scene, pool_id = await an_award(34, 33, 33)
    await fund(scene, "a", "b")

    await scene.pass_to(DUE_AT + HOUR)

    # f's limit bears 4850.00 and its fee, not 4890.00: those lots are the supplier's again.
    offered = await substitute_of(scene, "f", pool_id)
    assert offered is not None
    assert (offered["lots"], offered["goods"]) == (20, "4850.00")
    (sold,) = (await scene.view("o", pool_id))["sold"]
    assert sold["lots"] == 27
    await assert_books_agree()


@pytest.mark.parametrize(
    "terms",
    [
        {"mode": "breaks", "max_share": 60},
        {"mode": "both", "max_share": 9},
        {"mode": "auction", "max_share": 100},
    ],
)
async def test_a_share_that_means_nothing_is_refused(orm: str, terms: dict[str, Any]) -> None:
    scene = await a_scene("a", "m")
    with pytest.raises(InvalidField) as refused:
        await scene.open(**terms)
    assert refused.value.pointer == "/max_share"


@pytest.mark.parametrize(("share", "sold"), [(60, [60, 41]), (50, [51, 50])])
async def test_a_share_gives_way_only_where_whole_lots_need_it(
    orm: str, share: int, sold: list[int]
) -> None:
    scene, pool_id, auction_id = await an_auction(34, 34, 33, share=share)
    for name in "no":
        await scene.bid(name, auction_id, 485_000, 101)

    await scene.pass_to(CLOSES_AT + HOUR)

    assert [(await scene.view(name, pool_id))["sold"][0]["lots"] for name in "no"] == sold


@pytest.mark.parametrize(("lots", "goods_minor"), [(60, 485_000), (100, 490_000)])
async def test_an_auction_that_an_earlier_version_opened_buys_all_and_cheaper_or_nothing(
    orm: str, lots: int, goods_minor: int
) -> None:
    scene, pool_id, auction_id = await an_auction(34, 33, 33)
    won = Award(scene.id_of("n"), "bid-1", lots, goods_minor)
    fact = AuctionAwarded(
        auction_id, reference_of(pool_id, 1), "buy", str(CELL), None, (won,), 100 - lots
    )

    async def step(unit: Unit) -> Answer:
        await unit.record(f"auction:{auction_id}", fact)
        return {}

    await scene.market.perform(Actor.SYSTEM, "auctions.close", step)

    award = (await scene.view("a", pool_id))["you"]["award"]
    assert (award["by"], award["parts"]) == ("offer", [])
    await assert_books_agree()
