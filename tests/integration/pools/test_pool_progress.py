"""Progress is stated on a beat, and no member finds out what another pledged."""

import json

import pytest

from aggregator.bus.memory import MemoryBus
from aggregator.clock import SimulatedClock
from aggregator.db import orm as market_orm
from aggregator.ids import SeededIds
from aggregator.journal.reading import Pool
from aggregator.market import Market
from aggregator.pools import pledging, queries, store
from aggregator.pools.errors import ChangesAreSpent, ConsentStays, NoLeavingInFirming
from aggregator.pools.facts import ProgressStated
from aggregator.reactions import ON_FACT
from tests.builders import a_command
from tests.conftest import Databases
from tests.integration.pools.building import CLOSES_AT, FIRMING_AT, START, Scene, a_scene


async def progress(scene: Scene, pool_id: str) -> int | None:
    found = (await scene.view(None, pool_id))["progress"]
    return found["percent"] if found else None


async def a_pool_of_three(scene: Scene) -> tuple[str, dict[str, str]]:
    await scene.offer("m")
    pool_id = await scene.open(prolong_minutes=60)
    return pool_id, {name: await scene.pledge(name, pool_id) for name in "abc"}


async def test_a_pledge_shows_only_at_the_next_beat(orm: str) -> None:
    scene = await a_scene()
    pool_id, _ = await a_pool_of_three(scene)
    before = await progress(scene, pool_id)
    await scene.beat()
    after = await progress(scene, pool_id)

    assert (before, after) == (None, 60)


async def test_a_member_who_moves_back_and_forth_sees_no_step_turn(orm: str) -> None:
    scene = await a_scene()
    pool_id, pledges = await a_pool_of_three(scene)
    await scene.beat()

    seen = set()
    for lots in (199, 150, 101, 149, 150, 198, 50):
        await scene.change("a", pool_id, pledges["a"], lots=lots)
        seen.add(await progress(scene, pool_id))
        await scene.beat()
        seen.add(await progress(scene, pool_id))

    assert seen == {60}
    stated = [fact for fact in await scene.facts(pool_id) if isinstance(fact, ProgressStated)]
    assert len(stated) == 1


async def test_firming_states_where_the_pool_stands_and_the_beat_goes_on(orm: str) -> None:
    scene = await a_scene()
    pool_id, pledges = await a_pool_of_three(scene)
    await scene.beat()
    await scene.change("a", pool_id, pledges["a"], lots=190)

    await scene.pass_to(FIRMING_AT)
    at_firming = await progress(scene, pool_id)
    for name in "def":
        await scene.pledge(name, pool_id, lots=50)
    await scene.beat()
    in_firming = await progress(scene, pool_id)
    await scene.pass_to(CLOSES_AT)
    left = await Pool().rows("select kind from timer where key = $1", pool_id)

    assert (at_firming, in_firming) == (70, 100)
    assert await progress(scene, pool_id) is None
    await scene.beat()
    assert left == [] or [row["kind"] for row in left] == ["pools.progress"]
    assert await Pool().rows("select kind from timer where key = $1", pool_id) == []


async def test_a_prolonged_pool_goes_on_telling_its_progress(orm: str) -> None:
    scene = await a_scene()
    await scene.offer("m", breaks=((1000, 490_000),))
    pool_id = await scene.open(prolong_minutes=60)
    for name in "abc":
        await scene.pledge(name, pool_id, agrees_to_prolong=True)
    await scene.pass_to(CLOSES_AT)
    for name in "def":
        await scene.pledge(name, pool_id)
    at_once = await progress(scene, pool_id)

    await scene.beat()

    assert (at_once, await progress(scene, pool_id)) == (30, 60)


async def test_what_joining_and_leaving_would_do_comes_from_the_statement_alone(orm: str) -> None:
    scene = await a_scene()
    pool_id, pledges = await a_pool_of_three(scene)
    await scene.beat()
    asked = {"lots": 150, "tolerance_lots": 0, "limit_minor": None, "freight_minor": 0}

    joining = await queries.preview(scene.actors["d"], pool_id, **asked)
    raising = await queries.preview(scene.actors["a"], pool_id, **asked)
    leaving = (await scene.view("a", pool_id))["you"]["leaving"]
    await scene.change("b", pool_id, pledges["b"], lots=199)

    deep = {"from_lots": 500, "price": "4900.00", "reached_lots": 300}
    assert joining["progress_with_you"] == {**deep, "percent": 90}
    assert raising["progress_with_you"] == {**deep, "percent": 70}
    assert leaving["progress_without_you"] == {
        "from_lots": 300,
        "price": "4950.00",
        "percent": 60,
        "reached_lots": 1,
    }
    assert joining == await queries.preview(scene.actors["d"], pool_id, **asked)
    assert leaving == (await scene.view("a", pool_id))["you"]["leaving"]


async def test_a_pledge_changes_and_comes_back_twenty_times_and_leaves_any_time(orm: str) -> None:
    scene = await a_scene()
    pool_id, pledges = await a_pool_of_three(scene)
    for lots in range(101, 101 + store.MAX_CHANGES - 1):
        await scene.change("a", pool_id, pledges["a"], lots=lots)
    await scene.change("a", pool_id, pledges["a"], lots=lots)  # changes nothing, counts nothing
    assert (await scene.view("a", pool_id))["you"]["changes_left"] == 1
    await pledging.withdraw(scene.market, scene.actors["a"], a_command(), pool_id, pledges["a"])
    again = await scene.pledge("a", pool_id)

    with pytest.raises(ChangesAreSpent):
        await scene.change("a", pool_id, again, lots=120)
    await pledging.withdraw(scene.market, scene.actors["a"], a_command(), pool_id, again)
    with pytest.raises(ChangesAreSpent):
        await scene.pledge("a", pool_id)
    await scene.pass_to(FIRMING_AT)
    await scene.pledge("a", pool_id)

    assert await scene.held_by("a") > 0


async def test_consent_to_a_prolongation_is_taken_back_only_before_firming(orm: str) -> None:
    scene = await a_scene()
    pool_id, pledges = await a_pool_of_three(scene)
    await scene.change("a", pool_id, pledges["a"], agrees_to_prolong=True)
    await scene.change("a", pool_id, pledges["a"], agrees_to_prolong=False)
    await scene.change("b", pool_id, pledges["b"], agrees_to_prolong=True)
    await scene.pass_to(FIRMING_AT)

    await scene.change("a", pool_id, pledges["a"], agrees_to_prolong=True)
    for name in "ab":
        with pytest.raises(ConsentStays):
            await scene.change(name, pool_id, pledges[name], agrees_to_prolong=False)
    with pytest.raises(NoLeavingInFirming):
        await pledging.withdraw(scene.market, scene.actors["a"], a_command(), pool_id, pledges["a"])


async def a_world(lots: dict[str, int]) -> list[str]:
    """Play a pool whose steps are the same; return all that `a` and everybody saw of it."""
    clock = SimulatedClock(START)
    scene = await a_scene(market=Market(clock, MemoryBus(), SeededIds(7, clock), ON_FACT))
    await scene.offer("m")
    pool_id = await scene.open()
    seen = []

    async def look() -> None:
        seen.append(json.dumps([await scene.view(None, pool_id), await scene.view("a", pool_id)]))

    own = await scene.pledge("a", pool_id)
    for name in "bcd":
        await scene.pledge(name, pool_id, lots=lots[name])
        await look()
    for wanted in (120, 80, 140, 100):
        await scene.beat()
        await look()
        await scene.change("a", pool_id, own, lots=wanted)
        await look()
    for name in "ef":
        await scene.pledge(name, pool_id, lots=lots[name])
        await look()
    await scene.pass_to(FIRMING_AT)
    await look()
    return seen


async def test_other_volumes_in_the_same_steps_are_the_same_to_a_member(
    databases: Databases,
) -> None:
    worlds = []
    for lots in (
        {"b": 90, "c": 100, "d": 110, "e": 60, "f": 60},
        {"b": 131, "c": 77, "d": 104, "e": 70, "f": 59},
    ):
        name = await databases.create()
        await market_orm.connect(databases.server.dsn(name))
        try:
            worlds.append(await a_world(lots))
        finally:
            await market_orm.close()
            await databases.drop(name)

    assert worlds[0] == worlds[1]
