"""What suppliers offer: lawful schedules, one capacity that is never oversold."""

import asyncio
from datetime import timedelta

import pytest

from aggregator.errors import InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Market, Unit
from aggregator.supply import capacity, offering, queries
from tests.builders import START, a_command, a_market
from tests.integration.pools.building import (
    CLOSES_AT,
    Scene,
    a_scene,
    assert_books_agree,
)


async def withdraw(scene: Scene, name: str, offer_id: str) -> None:
    await offering.withdraw_offer(scene.market, scene.actors[name], a_command(), offer_id)


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"breaks": ()}, "/breaks"),
        ({"breaks": tuple((n, 500_000) for n in range(1, 52))}, "/breaks"),
        ({"breaks": ((1, 500_000), (300, 500_100))}, "/breaks/1/price"),
        ({"breaks": ((300, 500_000), (300, 490_000))}, "/breaks/1/from_lots"),
        ({"breaks": ((300, 500_050),)}, "/breaks/0/price"),
        ({"breaks": ((0, 500_000),)}, "/breaks/0/from_lots"),
        ({"capacity_lots": 9, "pack": 10}, "/capacity_lots"),
        ({"breaks": ((300, 500_000),), "capacity_lots": 299}, "/capacity_lots"),
        ({"pack": 0}, "/pack"),
        ({"breaks": ((1, 500_000), (1001, 490_000))}, "/breaks/1/from_lots"),
        ({"breaks": ((1, 500_000), (991, 490_000)), "pack": 30}, "/breaks/1/from_lots"),
        ({"valid_until": START}, "/valid_until"),
        ({"valid_until": START + timedelta(days=365)}, "/valid_until"),
    ],
)
async def test_unlawful_schedules_are_refused_by_field(orm: str, terms: dict, pointer: str) -> None:
    scene = await a_scene("", "m")

    with pytest.raises(InvalidField) as refusal:
        await scene.offer("m", **terms)

    assert refusal.value.pointer == pointer
    assert await queries.offers(scene.actors["m"]) == []


async def test_a_firm_stands_with_five_offers_in_a_cell_and_no_more(orm: str) -> None:
    scene = await a_scene("", "mn")
    made = [await scene.offer("m") for _ in range(offering.MAX_STANDING)]

    with pytest.raises(offering.TooManyOffers) as refusal:
        await scene.offer("m")
    await scene.offer("n")
    await withdraw(scene, "m", made[0])
    await scene.offer("m")

    assert (refusal.value.cell, refusal.value.max_offers) == ("SUGAR-W1/GX/2027-03", 5)


async def test_the_database_itself_refuses_a_rising_price(orm: str) -> None:
    scene = await a_scene("", "m")
    offer_id = await scene.offer("m")

    with pytest.raises(Exception, match="offer_breaks_lawful"):
        await Pool().rows(
            "update offer set breaks = '[[1, 500000], [300, 500100]]' where id = $1 returning id",
            offer_id,
        )
    with pytest.raises(Exception, match="offer_never_oversold"):
        await Pool().rows("update offer set taken_lots = 1001 where id = $1 returning id", offer_id)


async def test_a_pool_shows_the_best_of_the_public_offers_that_stand(orm: str) -> None:
    scene = await a_scene("a")
    first = await scene.offer("m")
    pool_id = await scene.open()
    await scene.offer("n", breaks=((200, 495_000), (300, 491_000)))
    await scene.offer("n", breaks=((1, 400_000),), is_public=False)
    assert (await scene.view(None, pool_id))["breaks"] == [
        {"from_lots": 1, "price": "5000.00"},
        {"from_lots": 200, "price": "4950.00"},
        {"from_lots": 300, "price": "4910.00"},
        {"from_lots": 500, "price": "4900.00"},
    ]

    await withdraw(scene, "m", first)

    assert (await scene.view(None, pool_id))["breaks"] == [
        {"from_lots": 200, "price": "4950.00"},
        {"from_lots": 300, "price": "4910.00"},
    ]
    assert [o.is_public for o in await queries.offers(scene.actors["a"])] == [True]
    assert len(await queries.offers(scene.actors["n"])) == 2


async def test_an_offer_ends_by_withdrawal_or_with_its_validity(orm: str) -> None:
    scene = await a_scene("abc")
    pool_id = await scene.open()
    withdrawn = await scene.offer("m")
    await scene.offer("n", valid_until=CLOSES_AT)
    for name in "abc":
        await scene.pledge(name, pool_id)
    with pytest.raises(NotFound):
        await withdraw(scene, "n", withdrawn)
    await withdraw(scene, "m", withdrawn)
    with pytest.raises(WrongState):
        await withdraw(scene, "m", withdrawn)

    await scene.pass_to(CLOSES_AT)

    states = await Pool().rows("select state from offer order by seq")
    assert [row["state"] for row in states] == ["withdrawn", "expired"]
    assert (await scene.view("a", pool_id))["you"]["left_out"] == "no_offer"


async def test_two_pools_of_two_processes_never_oversell_one_offer(orm: str) -> None:
    from aggregator.pools.closing import close

    scene = await a_scene("abcdef", "m")
    offer_id = await scene.offer("m", breaks=((300, 490_000),), capacity_lots=500)
    one, two = await scene.open(), await scene.open()
    for name in "abc":
        await scene.pledge(name, one)
    for name in "def":
        await scene.pledge(name, two)
    scene.clock.set(CLOSES_AT)
    other = a_market(scene.clock)

    await asyncio.gather(close(scene.market, one), close(other, two), close(other, one))

    (row,) = await Pool().rows("select taken_lots from offer where id = $1", offer_id)
    assert row["taken_lots"] == 300
    phases = sorted([(await scene.view(None, pool))["phase"] for pool in (one, two)])
    assert phases == ["awarded", "lapsed"]
    await assert_books_agree()


async def test_many_takers_of_two_processes_never_oversell(orm: str) -> None:
    scene = await a_scene("", "m")
    offer_id = await scene.offer("m", capacity_lots=100, breaks=((1, 500_000),))
    markets = [scene.market, a_market(scene.clock)]

    async def take(market: Market, lots: int) -> None:
        async def step(unit: Unit) -> dict:
            return {"left": await capacity.take(unit, offer_id, lots)}

        await market.perform(Actor.SYSTEM, "test.take", step)

    found = await asyncio.gather(
        *(take(market, 7) for _ in range(10) for market in markets), return_exceptions=True
    )

    assert sum(error is None for error in found) == 14
    assert all(isinstance(e, capacity.CapacityExceeded) for e in found if e is not None)
    (row,) = await Pool().rows("select taken_lots from offer where id = $1", offer_id)
    assert row["taken_lots"] == 98
