"""A price appears when a cell's settled deals are safe together, and only then."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from aggregator.deals.facts import DealSettled
from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, entries
from aggregator.market import PUBLIC, Actor, Answer, Market, Unit
from aggregator.prices import publication, queries
from aggregator.prices.facts import DealParked, PricePublished
from aggregator.prices.topic import CurveTopic, PriceTopic
from tests.builders import START, a_market, with_sugar

CELL = "SUGAR-W1/GX/2027-03"


async def settle(
    market: Market,
    number: int,
    *,
    buyer: str,
    seller: str,
    price: int = 490_000,
    lots: int = 100,
    cell: str = CELL,
    settled_at: datetime | None = None,
    before_commit: Callable[[], Awaitable[object]] | None = None,
) -> None:
    fact = DealSettled(
        f"deal_{number:03d}",
        cell,
        f"org_{buyer}",
        f"org_{seller}",
        buyer,
        seller,
        price,
        lots,
        settled_at or START + timedelta(hours=number),
    )

    async def step(unit: Unit) -> Answer:
        await publication.on_deal_settled(unit, fact)
        if before_commit is not None:
            await before_commit()
        return {}

    await market.perform(Actor.SYSTEM, "settlement.import", step)


async def a_wide_market(market: Market, *, skip: int = -1, first: int = 0) -> None:
    for n in range(6):
        if n != skip:
            await settle(
                market, first + n, buyer=f"B{n}", seller=f"S{n}", price=490_000 + 1_000 * n
            )


async def published() -> list[PricePublished]:
    return [entry.fact for entry in await entries(None, publication.STREAM)]


async def test_nothing_is_published_before_the_batch_is_safe(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    for n in range(2):
        await settle(market, n, buyer=f"B{n}", seller=f"S{n}")

    assert await published() == []
    [row] = await queries.board()
    assert (row.cell, row.price, row.suppressed_by) == (CELL, None, "min_groups")


async def test_a_safe_batch_is_published_once_with_the_median(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    await a_wide_market(market)

    facts = await published()
    assert [fact.number for fact in facts] == list(range(1, len(facts) + 1))
    used = await Pool().rows("select count(*) as n from price_deal where state = 'published'")
    assert facts
    assert used[0]["n"] >= 3
    assert all(fact.value_minor % 2_500 == 0 for fact in facts)


async def test_a_batch_of_one_dominant_seller_waits(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    await settle(market, 0, buyer="B0", seller="S0", lots=5_000)
    for n in range(1, 6):
        await settle(market, n, buyer=f"B{n}", seller=f"S{n}", lots=100)

    assert await published() == []
    [row] = await queries.board()
    assert row.suppressed_by is not None


async def test_goods_that_come_back_are_parked_with_all_that_brought_them(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    await settle(market, 1, buyer="B", seller="S")
    await settle(market, 2, buyer="C", seller="B")
    await settle(market, 3, buyer="aside", seller="B")
    await settle(market, 4, buyer="S", seller="C")
    await settle(market, 5, buyer="D", seller="D")

    assert await parked_deals() == [
        ("deal_001", "closed_cycle", "deal_004"),
        ("deal_002", "closed_cycle", "deal_004"),
        ("deal_004", "closed_cycle", "deal_004"),
        ("deal_005", "same_owner", "deal_005"),
    ]
    parked = [e.fact for e in await entries(None, f"cell:{CELL}")]
    assert parked == [
        DealParked("deal_001", "closed_cycle"),
        DealParked("deal_002", "closed_cycle"),
        DealParked("deal_004", "closed_cycle"),
        DealParked("deal_005", "same_owner"),
    ]


async def test_circles_that_share_a_deal_are_one(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    await settle(market, 1, buyer="B", seller="S")
    await settle(market, 2, buyer="S", seller="B")
    await settle(market, 3, buyer="C", seller="B", cell="SUGAR-W1/GX/2027-04")
    await settle(market, 4, buyer="S", seller="C")

    assert [(deal_id, circle) for deal_id, _, circle in await parked_deals()] == [
        (f"deal_{number:03d}", "deal_002") for number in (1, 2, 3, 4)
    ]


async def test_a_published_leg_is_an_exclusion_and_restates_nothing(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    await a_wide_market(market)
    before = await published()
    used = await Pool().rows(
        "select deal_id, buyer_group, seller_group from price_deal where state = 'published'"
        " order by deal_id limit 1"
    )

    await settle(market, 50, buyer=used[0]["seller_group"], seller=used[0]["buyer_group"])

    assert await published() == before
    rows = await Pool().rows("select deal_id, lots, circle, publication_id from price_exclusion")
    assert [tuple(row.values()) for row in rows] == [
        (used[0]["deal_id"], 100, "deal_050", None),
    ]


async def parked_deals() -> list[tuple[str, str, str]]:
    found = await Pool().rows(
        "select deal_id, parked_for, circle from price_deal where state = 'parked' order by deal_id"
    )
    return [(row["deal_id"], row["parked_for"], row["circle"]) for row in found]


async def test_a_circle_over_two_cells_at_one_instant_is_seen(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    is_there = asyncio.Event()

    async def linger() -> None:
        is_there.set()
        await asyncio.sleep(0.3)

    async def buy_back() -> None:
        await is_there.wait()
        await settle(market, 2, buyer="S", seller="B", cell="SUGAR-W1/GX/2027-04")

    await asyncio.gather(settle(market, 1, buyer="B", seller="S", before_commit=linger), buy_back())

    assert await parked_deals() == [
        ("deal_001", "closed_cycle", "deal_002"),
        ("deal_002", "closed_cycle", "deal_002"),
    ]


async def test_a_return_after_publication_restates_nothing(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    await a_wide_market(market)
    before = await published()

    async def step(unit: Unit) -> Answer:
        await publication.exclude(unit, "deal_000", 1)
        return {}

    await market.perform(Actor.SYSTEM, "settlement.import", step)

    assert await published() == before
    rows = await Pool().rows("select deal_id, publication_id from price_exclusion")
    assert [(row["deal_id"], row["publication_id"]) for row in rows] == [("deal_000", None)]


async def test_a_batch_that_is_safe_by_what_leaves_it_is_published(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    await settle(market, 0, buyer="B0", seller="S0", lots=5_000)
    for n in range(1, 6):
        await settle(market, n, buyer=f"B{n}", seller=f"S{n}")
    before = await published()

    async def step(unit: Unit) -> Answer:
        await publication.exclude(unit, "deal_000", 4_900)
        return {}

    await market.perform(Actor.SYSTEM, "settlement.import", step)

    assert before == []
    assert [fact.number for fact in await published()] == [1]


async def test_a_topic_shows_its_own_cells_only(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    await a_wide_market(market)
    prices, curve, found = PriceTopic(), CurveTopic(), await entries(None, publication.STREAM)

    views = {}
    for topic, wanted in (
        *((prices, wanted) for wanted in ("*", "SUGAR-W1/*", CELL, "SUGAR-W1/GX/2027-04")),
        *((curve, wanted) for wanted in ("SUGAR-W1/GX", "SUGAR-W1/YN")),
    ):
        state = topic.initial(wanted)
        for entry in found:
            state = topic.evolve(state, entry)
        views[wanted] = list(topic.view(state, PUBLIC)["prices"])

    assert views == {
        "*": [CELL],
        "SUGAR-W1/*": [CELL],
        CELL: [CELL],
        "SUGAR-W1/GX/2027-04": [],
        "SUGAR-W1/GX": [CELL],
        "SUGAR-W1/YN": [],
    }


async def test_there_is_a_curve_of_each_place_and_of_nothing_else(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    assert await CurveTopic().allow(None, "SUGAR-W1/GX") == PUBLIC
    for absent in ("SUGAR-W1/XX", "SALT/GX", "SUGAR-W1", CELL, ""):
        with pytest.raises(NotFound):
            await CurveTopic().allow(None, absent)
