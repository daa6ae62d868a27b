"""The auditor sees a deal that was changed while it waited to be published."""

from __future__ import annotations

import pytest

from aggregator.bus.memory import MemoryBus
from aggregator.clock import SimulatedClock
from aggregator.deals.claims import QUALITY
from aggregator.deals.facts import ClaimEnded, DealSettled
from aggregator.deals.store import stream_of
from aggregator.ids import SeededIds
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.prices import publication, verifying
from tests.builders import START, a_market, with_sugar
from tests.integration.prices.test_publication import CELL, published


async def settle_six(*, change: str = "") -> None:
    """Settle six deals of six pairs of groups, and change the first while it waits."""
    await with_sugar(a_market())
    clock = SimulatedClock(START)
    market = Market(clock, MemoryBus(), SeededIds(7, clock), {})
    for number in range(6):
        fact = DealSettled(
            deal_id=f"deal_{number}",
            cell=CELL,
            buyer_id=f"org_B{number}",
            seller_id=f"org_S{number}",
            buyer_group=f"B{number}",
            seller_group=f"S{number}",
            price_minor=490_000 + 1_000 * number,
            lots=100,
            settled_at=START,
        )

        async def step(unit: Unit, fact: DealSettled = fact) -> Answer:
            await unit.record(stream_of(fact.deal_id), fact)
            await publication.on_deal_settled(unit, fact)
            return {}

        await market.perform(Actor.SYSTEM, "settlement.import", step)
        if change and number == 0:
            await Pool().rows(f"update price_deal set {change} returning deal_id")


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        ("", False),
        ("lots = 60", False),  # 40 of them went back
        ("lots = 101", True),
        ("price_minor = 900000", True),
        ("seller_group = 'S9'", True),
        ("deal_id = 'deal_9'", True),
    ],
)
async def test_a_deal_changed_before_it_was_published_is_found(
    orm: str, change: str, *, is_seen: bool
) -> None:
    await settle_six(change=change)

    report = await verifying.verify()

    assert await published()
    assert {found.field for found in report.differences} == ({"deal"} if is_seen else set())


async def test_a_price_that_was_not_paid_in_full_is_found(orm: str) -> None:
    await settle_six()
    ended = ClaimEnded(
        claim_id="clm_1",
        deal_id="deal_0",
        buyer_id="org_B0",
        seller_id="org_S0",
        cause=QUALITY,
        lots=100,
        fault_lots=100,
        compensation_minor=500_000,
        by="silence",
    )

    async def step(unit: Unit) -> Answer:
        await unit.record(stream_of("deal_0"), ended)
        return {}

    clock = SimulatedClock(START)
    market = Market(clock, MemoryBus(), SeededIds(8, clock), {})
    await market.perform(Actor.SYSTEM, "settlement.import", step)
    [found] = (await verifying.verify()).differences

    assert "price_minor=490000" in found.found
    assert "price_minor=485000" in found.expected


async def test_a_deal_changed_after_it_was_published_is_found(orm: str) -> None:
    await settle_six()
    clean = await verifying.verify()

    await Pool().rows(
        "update price_deal set price_minor = price_minor + 9000 where deal_id = any("
        " select deal_id from price_deal where state = 'published' order by price_minor limit 3)"
        " returning deal_id"
    )
    bent = await verifying.verify()

    assert clean.publications > 0
    assert clean.deals >= 3
    assert clean.differences == ()
    assert "inputs_sha256" in {found.field for found in bent.differences}
