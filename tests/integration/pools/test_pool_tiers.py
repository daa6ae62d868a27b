"""A pledge's tier goes before an earlier arrival among equals, and touches nothing else."""

from __future__ import annotations

from aggregator.journal.reading import Pool
from aggregator.pools import queries
from matching.clearing.certificate import check
from tests.builders import with_tier
from tests.integration.pools.building import CLOSES_AT, Scene, a_scene
from tests.integration.pools.test_shortage import declare, fund, reductions
from tests.integration.pools.test_substitution import DUE_AT, a_default, substitute_of

BREAKS = ((1, 500_000), (305, 490_000))


async def awarded(**tiers: int) -> tuple[Scene, str]:
    """Let a, b and c, 100 lots each, reach 305 lots with five of their tolerance."""
    scene = await a_scene("abc", "m", tiers=tiers)
    await scene.offer("m", breaks=BREAKS)
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id, tolerance_lots=10)
    await scene.pass_to(CLOSES_AT)
    return scene, pool_id


async def lots_of(scene: Scene, pool_id: str) -> dict[str, int]:
    return {name: (await scene.view(name, pool_id))["you"]["award"]["lots"] for name in "abc"}


async def test_odd_lots_go_to_the_higher_tier_and_the_checker_sees_why(orm: str) -> None:
    scene, pool_id = await awarded(c=2)
    proof = await queries.evidence(pool_id)

    assert await lots_of(scene, pool_id) == {"a": 102, "b": 101, "c": 102}
    check(proof["instance"], proof["result"])
    assert sorted(pledge["tier"] for pledge in proof["instance"]["pledges"]) == [0, 0, 2]
    tiers = [(await scene.view(name, pool_id))["you"]["tier"] for name in "ac"]
    assert tiers == [None, "proven"]


async def test_without_tiers_odd_lots_go_to_the_earlier(orm: str) -> None:
    assert await lots_of(*await awarded()) == {"a": 102, "b": 102, "c": 101}


async def test_the_tier_is_that_of_the_pledge_whatever_becomes_of_the_firm(orm: str) -> None:
    scene = await a_scene("a", "m", tiers={"a": 2})
    pool_id = await scene.open()
    pledge_id = await scene.pledge("a", pool_id)
    await with_tier(scene.id_of("a"), 0)

    await scene.change("a", pool_id, pledge_id, lots=110)

    (row,) = await Pool().rows("select tier, deposit_off_bps from pledge")
    assert (row["tier"], row["deposit_off_bps"]) == (2, 2_000)


async def test_a_shortfall_spares_the_higher_tier_among_equals(orm: str) -> None:
    scene = await a_scene("abc", "m", tiers={"c": 1})
    await scene.offer("m", breaks=BREAKS)
    pool_id = await scene.open()
    for name in "abc":
        await scene.pledge(name, pool_id)
    await scene.pass_to(CLOSES_AT)
    for deal in await scene.deals():
        await fund(scene, deal)

    await declare(scene, pool_id, 202)

    assert await reductions() == [67, 67, 68]


async def test_freed_lots_are_offered_to_the_higher_tier_first(orm: str) -> None:
    scene, pool_id = await a_default(tiers={"f": 1})

    await scene.pass_to(DUE_AT)

    asked = [(await substitute_of(scene, name, pool_id) or {}).get("lots") for name in "def"]
    assert asked[2] == 70
