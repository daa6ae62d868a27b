"""What a buyer's own settled deals say: his size, his next pool, his saving."""

import json
from datetime import UTC, datetime

import pytest

from aggregator.bus.memory import MemoryBus
from aggregator.catalogue import defining
from aggregator.clock import SimulatedClock
from aggregator.db import orm as market_orm
from aggregator.deals.history import habits, usual_month
from aggregator.errors import NotAllowed, NotFound
from aggregator.ids import SeededIds
from aggregator.journal.reading import Pool
from aggregator.market import Market
from aggregator.pools import queries
from aggregator.pools.errors import SizeNotNearRequest
from aggregator.pools.saving import Published, nearest_to, savings
from aggregator.pools.suggesting import Proposal, Reach, suggestions
from aggregator.reactions import ON_FACT
from tests.builders import a_command, a_market
from tests.conftest import Databases
from tests.integration.demand.building import settle, staff
from tests.integration.pools.building import CLOSES_AT, FIRMING_AT, OPERATOR, Scene, a_scene

PAST = datetime(2026, 11, 20, 1, tzinfo=UTC)
NOW = datetime(2027, 1, 4, 1, tzinfo=UTC)


async def with_past(buyers: str = "abc", market: Market | None = None) -> Scene:
    """Play the scene from 20 November on; the pool's own times are in January."""
    return await a_scene(buyers, "m", market or a_market(SimulatedClock(PAST)))


async def test_a_usual_month_is_the_settled_lots_over_the_months_since(orm: str) -> None:
    scene = await with_past()
    firm = scene.id_of("a")
    assert await usual_month(Pool(), firm, "SUGAR-W1", PAST) is None
    await settle(scene, "a", 200)
    await settle(scene, "b", 70)
    assert await usual_month(Pool(), firm, "SUGAR-W1", PAST) == 200
    await scene.pass_to(NOW)
    await settle(scene, "a", 100)

    assert await usual_month(Pool(), firm, "SUGAR-W1", NOW) == 100
    assert await usual_month(Pool(), firm, "SUGAR-X9", NOW) is None
    assert await usual_month(Pool(), firm, "SUGAR-W1", NOW.replace(year=2028, month=2)) is None
    assert [(h.region, h.monthly_lots) for h in await habits(Pool(), firm, NOW)] == [("GX", 100)]


async def test_a_declared_size_gives_way_to_settled_deals(orm: str) -> None:
    scene = await with_past()
    await settle(scene, "a", 300)
    await scene.pass_to(NOW)
    pool_id = await scene.open()

    pledge_id = await scene.pledge("a", pool_id, lots=60, size_lots=90)
    await scene.pledge("b", pool_id, size_lots=90)
    await scene.pledge("c", pool_id)

    shown = {}
    for name in "abc":
        own = (await scene.view(name, pool_id))["you"]
        shown[name] = (own["size"], own["size_from"])
    assert shown == {"a": (100, "settled"), "b": (90, "declared"), "c": (100, "registered")}
    declared = await Pool().rows("select organisation_id from declared_size")
    assert [row["organisation_id"] for row in declared] == [scene.id_of("b")]
    await scene.change("a", pool_id, pledge_id, lots=500)
    assert (await scene.view("a", pool_id))["you"]["size"] == 100


async def test_without_settled_deals_a_size_must_be_near_the_request(orm: str) -> None:
    scene = await with_past()
    await scene.pass_to(NOW)
    pool_id = await scene.open()

    with pytest.raises(SizeNotNearRequest):
        await scene.pledge("a", pool_id, lots=201)


async def test_the_next_pool_is_suggested_from_ones_own_deals(orm: str) -> None:
    scene = await with_past()
    await settle(scene, "a", 240, goods_minor=500_000, freight_minor=2_050)
    await scene.pass_to(NOW)
    await settle(scene, "a", 60, goods_minor=497_000, freight_minor=1_050)
    pool_id = await scene.open()
    mid_month = CLOSES_AT.replace(day=19)
    later = await scene.open(firming_at=mid_month, closes_at=CLOSES_AT.replace(day=20))
    await scene.pledge("a", later)

    (found,) = await suggestions(scene.actors["a"], NOW)

    # 4970.00 + 10.50 freight + 9.94 fee = 4990.44, down to the tick.
    assert (found.lots, found.limit_minor, found.freight_minor) == (100, 499_000, 1_050)
    assert found.last.landed_minor == 499_044
    assert [(p.pool_id, p.phase, p.is_joined) for p in found.pools] == [
        (pool_id, "gathering", False),
        (later, "gathering", True),
    ]
    (firming,) = await suggestions(scene.actors["a"], FIRMING_AT)
    assert [p.phase for p in firming.pools] == ["firming", "gathering"]
    assert await suggestions(scene.actors["b"], NOW) == []
    with pytest.raises(NotAllowed):
        await suggestions(staff(scene, "m", "seller"), NOW)


async def test_a_proposed_limit_reaches_a_break_and_says_which(orm: str) -> None:
    scene = await with_past()
    await settle(scene, "a", 240, goods_minor=500_000, freight_minor=2_000)
    await scene.pass_to(NOW)
    pool_id = await scene.open()
    (blind,) = await suggestions(scene.actors["a"], NOW)
    await scene.offer("m", breaks=((100, 505_000), (300, 500_000), (600, 495_000)))

    (met,) = await suggestions(scene.actors["a"], NOW)
    await settle(scene, "a", 240, goods_minor=480_000, freight_minor=2_000)
    (raised,) = await suggestions(scene.actors["a"], NOW)

    # 5000.00 + 20.00 freight + 10.00 fee is what was paid; 4950.00 + 20.00 + 9.90 the lowest now.
    assert blind.pools[0].proposal == Proposal(503_000)
    assert met.pools[0].proposal == Proposal(503_000, Reach(300, 503_000))
    assert raised.limit_minor == 482_900
    assert raised.pools[0].proposal == Proposal(498_000, Reach(600, 497_990), is_raised=True)
    cost = await queries.preview(
        scene.actors["a"],
        pool_id,
        lots=240,
        tolerance_lots=0,
        limit_minor=498_000,
        freight_minor=2_000,
    )
    assert [line["is_within_limit"] for line in cost["landed"]] == [False, False, True]


async def test_a_saving_is_against_ones_own_last_price_and_the_published_one(orm: str) -> None:
    scene = await with_past()
    await settle(scene, "a", 300, goods_minor=505_000, freight_minor=3_000)
    await scene.pass_to(NOW)
    await scene.offer("m")
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id, freight_minor=2_000)
    published = [Published("2027-01", 502_500, NOW), Published("2027-05", 497_500, NOW)]

    found = await savings(scene.actors["a"], pool_id, published)

    # Own: 5050.00 + 30.00 + 10.10; published: 5025.00 + 20.00 + 10.05.
    assert found["own_price"]["landed_minor"] == 509_010
    assert found["published_price"]["landed_minor"] == 505_505
    assert (found["published_price"]["tenor"], found["published_price"]["is_same_month"]) == (
        "2027-01",
        False,
    )
    assert found["missing"] == []
    assert [
        (row["from_lots"], row["landed_minor"], row["saving_own_minor"]) for row in found["breaks"]
    ] == [(1, 503_000, 6_010), (300, 497_990, 11_020), (500, 492_980, 16_030)]
    assert [row["saving_published_minor"] for row in found["breaks"]] == [2_505, 7_515, 12_525]
    await scene.pass_to(CLOSES_AT)
    after = await savings(scene.actors["a"], pool_id, published)
    assert after["award"] == {
        "goods_minor": 495_000,
        "landed_minor": 497_990,
        "saving_own_minor": 11_020,
        "saving_published_minor": 7_515,
    }


async def test_a_missing_comparator_is_said_and_not_imputed(orm: str) -> None:
    scene = await with_past()
    await with_region(scene, "YN")
    await settle(scene, "a", 100, region="YN")
    await settle(scene, "b", 100)
    await scene.pass_to(NOW)
    await scene.offer("m")
    pool_id = await scene.open()

    found = await savings(scene.actors["a"], pool_id, [], freight_minor=500)

    assert found["missing"] == ["own_price", "published_price"]
    assert found["own_price"] is found["published_price"] is found["award"] is None
    assert {row["saving_own_minor"] for row in found["breaks"]} == {None}
    assert {row["saving_published_minor"] for row in found["breaks"]} == {None}
    with pytest.raises(NotFound):
        await savings(scene.actors["a"], "pool_nowhere", [])


async def with_region(scene: Scene, code: str) -> None:

    await defining.define_region(
        scene.market,
        OPERATOR,
        a_command(),
        code=code,
        name_zh="云南",
        name_en="Yunnan",
        parent="CN",
    )


def test_the_nearest_month_is_compared_and_the_earlier_of_two() -> None:
    months = [Published(t, 1, NOW) for t in ("2027-06", "2026-12", "2027-01", "2027-05")]

    assert nearest_to("2027-03", months) == months[2]
    assert nearest_to("2027-05", months) == months[3]
    assert nearest_to("2027-03", []) is None


async def a_world(*, rival_lots: int, rival_limit: int) -> list[str]:
    """Return what `a` sees of savings and suggestions where only the rival's secrets differ."""
    clock = SimulatedClock(PAST)
    scene = await with_past("abc", Market(clock, MemoryBus(), SeededIds(7, clock), ON_FACT))
    await settle(scene, "a", 100)
    await settle(scene, "b", rival_lots, goods_minor=rival_limit - 10_000)
    await scene.pass_to(NOW)
    await scene.offer("m")
    pool_id = await scene.open()
    await scene.pledge("a", pool_id)
    await scene.pledge("b", pool_id, limit_minor=rival_limit)
    actor = scene.actors["a"]
    published = [Published("2027-01", 502_500, NOW)]
    return [
        json.dumps(await savings(actor, pool_id, published)),
        repr(await suggestions(actor, NOW)),
    ]


async def test_anothers_history_and_limit_change_nothing_one_is_shown(
    databases: Databases,
) -> None:
    worlds = []
    for rival_lots, rival_limit in ((100, 510_000), (130, 777_700)):
        name = await databases.create()
        await market_orm.connect(databases.server.dsn(name))
        try:
            worlds.append(await a_world(rival_lots=rival_lots, rival_limit=rival_limit))
        finally:
            await market_orm.close()
            await databases.drop(name)

    assert worlds[0] == worlds[1]
