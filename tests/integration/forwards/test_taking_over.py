"""Who takes more lots than he had buys them, inside a mandate as with an order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.forwards import proposing
from aggregator.forwards.ordering import OrderTerms, place_order
from aggregator.forwards.plans import Change
from aggregator.journal.reading import Pool
from aggregator.mandates import granting, policies, queries
from aggregator.mandates.errors import BeyondMandate
from aggregator.mandates.granting import MandateTerms
from aggregator.market import Actor, Market
from tests.builders import a_command, an_actor
from tests.integration.forwards.signing import (
    TENORS,
    Signed,
    a_firm,
    a_strip,
    signed,
    with_members,
    with_place,
)
from tests.integration.forwards.test_changes import consent, propose, sound

PRICE = 491_000
LOTS = 25


async def bound(market: Market, firm: Actor, act: str = "forwards.order") -> Actor:
    """Let nobody of a firm do this without a mandate; return its owner."""
    await Pool().rows(
        "insert into person (id, login, name, password_hash, created_at)"
        " values ('per_boss', 'boss', 'boss', 'none', now()) returning id"
    )
    boss = an_actor(firm.organisation_id, "owner", person="per_boss")
    policy = policies.PolicyTerms(act=act, chain=("role:owner",))
    await policies.set_policy(market, boss, a_command(), policy)
    return boss


async def granted(
    world: Signed, boss: Actor, clerk: Actor, lots: int, max_lots: int | None = None
) -> str:
    terms = MandateTerms(
        max_lots=max_lots,
        person_id=clerk.person_id,
        acts=("forwards.order",),
        per_act_minor=lots * PRICE,
        total_minor=lots * PRICE,
        ends_at=world.market.clock.now() + timedelta(days=30),
    )
    made = await granting.grant(world.market, boss, a_command(), terms)
    return str(made.answer["mandate_id"])


async def used(boss: Actor, mandate_id: str) -> int:
    found = await queries.mandates(boss)
    return int(next(row["used_minor"] for row in found if row["mandate_id"] == mandate_id))


async def a_taker(world: Signed, region: str = "GX") -> Actor:
    taker = await a_firm(world.market, "taker")
    await with_members(taker)
    await with_place(world.market, taker, region=region)
    return an_actor(
        taker.organisation_id,
        "buyer",
        group="taker",
        person=f"per_{taker.organisation_id}",
    )


async def test_a_slot_is_taken_over_inside_a_mandate_only(orm: str) -> None:
    world = await signed()
    taker = await a_taker(world)
    boss = await bound(world.market, taker)
    change = Change(kind="transfer", lots=LOTS)
    made = await propose(world, world.buyers[1], 1, change, "taker")

    with pytest.raises(BeyondMandate):
        await consent(world, taker, made["proposal_id"])
    mandate_id = await granted(world, boss, taker, LOTS)
    done = await consent(world, taker, made["proposal_id"])

    assert done["state"] == "executed"
    assert await used(boss, mandate_id) == LOTS * PRICE
    again = await propose(world, world.buyers[2], 2, change, "taker")
    with pytest.raises(BeyondMandate):
        await consent(world, taker, again["proposal_id"])
    assert await sound()


async def test_a_take_over_that_comes_to_nothing_frees_the_mandate(orm: str) -> None:
    world = await signed()
    taker = await a_taker(world, "GD")
    boss = await bound(world.market, taker)
    mandate_id = await granted(world, boss, taker, LOTS)
    change = Change(kind="transfer", lots=LOTS, freight_minor=10_600)
    made = await propose(world, world.buyers[1], 1, change, "taker")
    await consent(world, taker, made["proposal_id"])
    assert await used(boss, mandate_id) == LOTS * PRICE

    await proposing.withdraw(world.market, world.mill, a_command(), made["proposal_id"])

    assert await used(boss, mandate_id) == 0
    assert await sound()


async def test_more_lots_of_ones_own_slot_need_a_mandate_for_what_is_added(orm: str) -> None:
    world = await signed()
    await bound(world.market, world.buyers[0])

    with pytest.raises(BeyondMandate) as refused:
        await propose(world, world.buyers[0], 0, Change(kind="lots", lots=44))
    await propose(world, world.buyers[0], 0, Change(kind="lots", lots=36))

    assert refused.value.asked_minor == 4 * PRICE


async def test_an_order_over_months_counts_in_its_own_first_month(orm: str) -> None:
    world = await signed()
    firm = world.buyers[0]
    boss = await bound(world.market, firm)
    clerk = an_actor(
        firm.organisation_id,
        "buyer",
        group=firm.owner_group,
        person=f"per_{firm.organisation_id}",
    )
    await granted(world, boss, clerk, lots=1_000, max_lots=50)
    strip_id = await a_strip(world.market, closes_at=world.market.clock.now() + timedelta(days=1))
    may = TENORS[2]
    block = OrderTerms(form="block", limit_minor=PRICE, schedule={may: 40})
    period = OrderTerms(form="period", limit_minor=PRICE, tenor=may, lots=20)
    await place_order(world.market, clerk, a_command(), strip_id, block)

    with pytest.raises(BeyondMandate) as refused:
        await place_order(world.market, clerk, a_command(), strip_id, period)

    assert refused.value.rule == "lots"


async def test_a_move_counts_in_its_new_month_and_uses_no_more_money(orm: str) -> None:
    world = await signed()
    firm = world.buyers[0]
    boss = await bound(world.market, firm)
    clerk = replace(firm, person_id=f"per_{firm.organisation_id}")
    moving = Change(kind="month", tenor=TENORS[2])
    refusals = []
    for lots, max_lots in ((40, 39), (39, 40)):
        mandate_id = await granted(world, boss, clerk, lots, max_lots)
        with pytest.raises(BeyondMandate) as refused:
            await propose(world, clerk, 0, moving)
        refusals.append(refused.value.rule)
        await granting.revoke(world.market, boss, a_command(), mandate_id)
    mandate_id = await granted(world, boss, clerk, 40, 40)

    await propose(world, clerk, 0, moving)
    with pytest.raises(BeyondMandate) as twice:
        await propose(world, clerk, 0, moving)

    assert (refusals, twice.value.rule) == (["lots", "per_act"], "lots")
    assert await used(boss, mandate_id) == 0
    assert await sound()


async def test_who_swaps_into_a_month_needs_a_mandate_for_it(orm: str) -> None:
    world = await signed()
    first, second = world.buyers[0], world.buyers[1]
    await bound(world.market, second)
    made = await propose(world, first, 0, Change(kind="swap", tenor=TENORS[1]), "buyer1")

    with pytest.raises(BeyondMandate):
        await consent(world, second, made["proposal_id"], world.slot_ids[1])
