"""Who sees what of a pool: steps, never volumes; one's own, never another's."""

import json
import re

import pytest

from aggregator.bus.memory import MemoryBus
from aggregator.clock import SimulatedClock
from aggregator.db import orm as market_orm
from aggregator.errors import NotFound
from aggregator.ids import SeededIds
from aggregator.market import PUBLIC, Market
from aggregator.pools import queries
from aggregator.pools.facts import PoolOpened
from aggregator.pools.outage import after_outage
from aggregator.pools.queries import audience_of
from aggregator.pools.topic import PoolTopic
from aggregator.reactions import ON_FACT
from tests.conftest import Databases
from tests.integration.pools.building import (
    CLOSES_AT,
    FIRMING_AT,
    START,
    Scene,
    a_scene,
)

TOPIC = PoolTopic()


async def frames(scene: Scene, name: str | None, pool_id: str) -> list[str]:
    """Return the distinct successive views of an audience, as the feed numbers them."""
    actor = scene.actors[name] if name else None
    audience = await TOPIC.allow(actor, pool_id)
    state, shown = TOPIC.initial(pool_id), []
    for entry in await scene.journal(pool_id):
        state = TOPIC.evolve(state, entry)
        view = json.dumps(TOPIC.view(state, audience), sort_keys=True)
        if not shown or shown[-1] != view:
            shown.append(view)
    return shown


async def test_progress_shows_from_three_groups_on_in_steps_of_ten_percent(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    seen = []
    for names, lots in (("ab", 60), ("c", 65), ("def", 70)):
        for name in names:
            await scene.pledge(name, pool_id, lots=lots)
        await scene.beat()
        seen.append((await scene.view(None, pool_id))["progress"])

    assert seen == [
        None,
        {
            "from_lots": 300,
            "price": "4950.00",
            "percent": 60,
            "reached_lots": 1,
            "since": "2027-01-04T01:30:00.000Z",
        },
        {
            "from_lots": 500,
            "price": "4900.00",
            "percent": 70,
            "reached_lots": 300,
            "since": "2027-01-04T01:45:00.000Z",
        },
    ]


async def test_the_public_view_has_no_member_and_no_volume(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    for name in "abcde":
        await scene.pledge(name, pool_id, lots=101)
    await scene.pass_to(CLOSES_AT)

    shown = "\n".join(await frames(scene, None, pool_id) + await frames(scene, "f", pool_id))

    for name in "abcdem":
        assert scene.id_of(name) not in shown
        assert f"group {name}" not in shown
    # As numbers of their own: an id may hold these digits by chance.
    assert not re.search(r"(?<![0-9A-Za-z])(101|505)(?![0-9A-Za-z])", shown)
    assert "deal" not in shown


async def test_a_member_sees_his_landed_price_at_each_break(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    await scene.pledge("a", pool_id, limit_minor=498_000, freight_minor=2_000)

    own = (await scene.view("a", pool_id))["you"]

    assert own["landed"] == [
        {
            "from_lots": 1,
            "goods": "5000.00",
            "freight": "20.00",
            "fee": "10.00",
            "landed": "5030.00",
            "is_within_limit": False,
            "saving": "0.00",
        },
        {
            "from_lots": 300,
            "goods": "4950.00",
            "freight": "20.00",
            "fee": "9.90",
            "landed": "4979.90",
            "is_within_limit": True,
            "saving": "50.10",
        },
        {
            "from_lots": 500,
            "goods": "4900.00",
            "freight": "20.00",
            "fee": "9.80",
            "landed": "4929.80",
            "is_within_limit": True,
            "saving": "100.20",
        },
    ]
    assert own["leaving"] == {
        "is_allowed": True,
        "until": "2027-01-06T01:00:00.000Z",
        "releases": "49800.00",
        "progress_without_you": None,
    }


async def test_a_preview_tells_the_same_and_does_nothing(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    before = await scene.journal(pool_id)

    found = await queries.preview(
        scene.actors["a"],
        pool_id,
        lots=100,
        tolerance_lots=20,
        limit_minor=498_000,
        freight_minor=2_000,
    )
    await scene.pledge("a", pool_id, tolerance_lots=20, limit_minor=498_000, freight_minor=2_000)

    own = (await scene.view("a", pool_id))["you"]
    assert found["landed"] == own["landed"]
    assert found["deposit_minor"] == 5_976_000
    assert len(await scene.journal(pool_id)) == len(before) + 1


async def test_a_large_member_is_warned_in_his_own_view_only(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m", breaks=((1, 500_000), (350, 490_000)))
    pool_id = await scene.open()
    await scene.pledge("a", pool_id, lots=150)
    assert (await scene.view("a", pool_id))["you"]["is_large_share"] is None
    await scene.pledge("b", pool_id)
    await scene.pledge("c", pool_id)
    await scene.beat()

    assert (await scene.view("a", pool_id))["you"]["is_large_share"] is True
    assert (await scene.view("b", pool_id))["you"]["is_large_share"] is False


async def test_the_warning_tells_no_more_than_the_progress_band(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m", breaks=((1, 500_000), (1000, 490_000)))
    pool_id = await scene.open()
    for name, lots in (("a", 100), ("b", 100), ("c", 105)):
        await scene.pledge(name, pool_id, lots=lots)
    await scene.beat()

    view = await scene.view("c", pool_id)

    assert view["progress"]["percent"] == 30
    assert view["you"]["is_large_share"] is False
    assert (await scene.view("a", pool_id))["you"]["is_large_share"] is False


async def test_an_absent_pool_is_not_found(orm: str) -> None:
    scene = await a_scene("a", "")

    with pytest.raises(NotFound):
        await TOPIC.allow(scene.actors["a"], "pool_nowhere")
    with pytest.raises(NotFound):
        await queries.pool(None, "pool_nowhere")


async def a_world(limit_minor: int) -> dict[str, list[str]]:
    """Play a whole pool in which only the limit of `a` differs; return what all others saw."""
    clock = SimulatedClock(START)
    market = Market(clock, MemoryBus(), SeededIds(7, clock), ON_FACT)
    scene = await a_scene(market=market)
    await scene.offer("m")
    pool_id = await scene.open(mode="both")
    for name in "bcd":
        await scene.pledge(name, pool_id)
    pledge_id = await scene.pledge("a", pool_id, limit_minor=limit_minor)
    await scene.pass_to(FIRMING_AT)
    await scene.change("a", pool_id, pledge_id, limit_minor=limit_minor + 100)
    await scene.pledge("e", pool_id)
    seen = {}
    for moment in (clock.now(), CLOSES_AT):
        if moment > clock.now():
            await scene.pass_to(moment)
        for name in (None, *"bcdefmn"):
            shown = await frames(scene, name, pool_id)
            shown.append(json.dumps(await scene.view(name, pool_id)))
            shown.append(json.dumps(await queries.pools(scene.actors[name] if name else None)))
            seen[f"{name} {moment}"] = shown
    return seen


async def test_another_limit_of_one_member_leaves_no_trace_for_anyone_else(
    databases: Databases,
) -> None:
    worlds = []
    for limit_minor in (500_000, 777_700):
        name = await databases.create()
        await market_orm.connect(databases.server.dsn(name))
        try:
            worlds.append(await a_world(limit_minor))
        finally:
            await market_orm.close()
            await databases.drop(name)

    assert worlds[0] == worlds[1]


async def test_before_the_close_not_even_an_impossible_limit_shows(databases: Databases) -> None:
    worlds = []
    for limit_minor in (100_000, 777_700):
        name = await databases.create()
        await market_orm.connect(databases.server.dsn(name))
        try:
            seen = await a_world(limit_minor)
            worlds.append({k: v for k, v in seen.items() if str(CLOSES_AT) not in k})
        finally:
            await market_orm.close()
            await databases.drop(name)

    assert worlds[0] == worlds[1]


async def test_a_change_of_a_limit_makes_no_frame_for_others(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m")
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id)
    before = {name: len(await frames(scene, name, pool_id)) for name in (None, "a", "b")}

    await scene.change("a", pool_id, pledge_id, limit_minor=520_000)

    after = {name: len(await frames(scene, name, pool_id)) for name in (None, "a", "b")}
    assert (after[None], after["b"]) == (before[None], before["b"])
    assert after["a"] == before["a"] + 1


async def test_an_outage_gives_its_time_back(orm: str) -> None:
    scene = await a_scene("a")
    pool_id = await scene.open()
    began = CLOSES_AT.replace(minute=CLOSES_AT.minute) - (CLOSES_AT - FIRMING_AT) // 1440
    scene.clock.set(CLOSES_AT + (CLOSES_AT - FIRMING_AT) // 1440)

    await after_outage(scene.market, began, scene.clock.now())
    await after_outage(scene.market, began, scene.clock.now())

    view = await scene.view(None, pool_id)
    assert view["closes_at"] == "2027-01-07T01:04:00.000Z"
    opened = (await scene.facts(pool_id))[0]
    assert isinstance(opened, PoolOpened)
    assert audience_of(None) == PUBLIC
