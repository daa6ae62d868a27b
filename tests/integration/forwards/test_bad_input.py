"""What no window, offer, order, transfer or swap may be: each refused with its rule."""

from datetime import date, timedelta

import pytest

from aggregator.catalogue import calendars
from aggregator.catalogue.holidays import OFFICIAL, SpecialDay, Year
from aggregator.errors import Conflict, InvalidField
from aggregator.forwards import proposing
from aggregator.forwards.errors import ClosesIntoCash
from aggregator.forwards.plans import Change
from aggregator.forwards.talks import CounterTerms
from aggregator.journal.reading import Pool
from matching.errors import RuleViolation
from tests.builders import START, a_command, a_market, with_sugar
from tests.integration.forwards.signing import (
    OPERATOR,
    TENORS,
    a_firm,
    a_strip,
    offer,
    order,
    signed,
    with_members,
    with_place,
)
from tests.integration.forwards.test_changes import consent, propose
from tests.integration.forwards.test_stages import INDEX, publish
from tests.integration.forwards.test_strip_life import a_buyer, a_mill


async def test_a_window_that_ends_before_it_begins(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    later = START + timedelta(days=3)

    with pytest.raises(InvalidField, match="after the opening"):
        await a_strip(market, opens_at=later, closes_at=later - timedelta(days=1))


async def test_a_capacity_below_the_minimum_total(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)

    with pytest.raises(InvalidField, match="1 to the 50 lots offered"):
        await offer(market, await a_mill(market), strip_id, capacity=50, min_total=51)


async def test_a_limit_off_tick(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    strip_id = await a_strip(market)

    with pytest.raises((InvalidField, RuleViolation), match="500001"):
        await order(
            market, await a_buyer(market, "buyer"), strip_id, "2027-03", 10, limit_minor=500_001
        )


async def test_a_tenor_without_a_calendar(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    with pytest.raises(InvalidField, match="declared trading calendar"):
        await a_strip(market, tenors=("2039-03",))


async def test_a_transfer_to_a_buyer_without_a_receiving_place(orm: str) -> None:
    world = await signed()
    taker = await a_firm(world.market, "nowhere")
    await with_members(taker)
    change = Change(kind="transfer", lots=10)

    with pytest.raises(InvalidField, match="receiving place"):
        await proposing.propose(
            world.market, world.buyers[0], a_command(), world.slot_ids[0], change, "nowhere"
        )


async def test_a_swap_that_would_close_into_cash(orm: str) -> None:
    world = await signed()
    change = Change(kind="swap", tenor="2027-03")

    with pytest.raises(ClosesIntoCash):
        await proposing.propose(
            world.market, world.buyers[0], a_command(), world.slot_ids[0], change, "buyer2"
        )


async def test_a_swap_for_a_slot_at_another_price_than_the_proposer_consented_to(
    orm: str,
) -> None:
    world = await signed(**INDEX)
    first, second = world.buyers[:2]
    await publish(520_000, "2027-04")
    fixed = await propose(world, second, 1, Change(kind="price"))
    [dear] = (await consent(world, world.mill, fixed["proposal_id"]))["slot_ids"]
    made = await propose(world, first, 0, Change(kind="swap", tenor="2027-04", lots=40), "buyer1")

    with pytest.raises(InvalidField, match="the proposer has consented to"):
        await consent(world, second, made["proposal_id"], dear)


async def test_a_slot_that_would_come_back_to_the_owners_it_left(orm: str) -> None:
    world = await signed()
    sister = await a_firm(world.market, "sister")
    await with_members(sister)
    await with_place(world.market, sister)
    joined = "update organisation set owner_group = 'buyer0' where name = 'sister' returning id"
    await Pool().rows(joined)
    change = Change(kind="transfer", lots=10)
    await propose(world, world.buyers[0], 0, change, "sister")
    left = await propose(world, world.buyers[0], 0, change, "buyer2")
    [slot_id] = (await consent(world, world.buyers[2], left["proposal_id"]))["slot_ids"]

    with pytest.raises(ClosesIntoCash, match="came_from_there"):
        await proposing.propose(
            world.market, world.buyers[2], a_command(), slot_id, change, "sister"
        )


async def test_a_month_without_a_trading_day(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    closed = tuple(SpecialDay(date(2027, 4, n), False, "休市", "closed") for n in range(1, 31))
    declared = Year("Asia/Shanghai", OFFICIAL, closed)
    await calendars.set_year(market, OPERATOR, a_command(), "GX", 2027, declared)

    with pytest.raises(InvalidField, match="declared trading calendar"):
        await a_strip(market)


async def test_a_month_that_the_window_cleared_no_price_for(orm: str) -> None:
    world = await signed(tenors=(*TENORS, "2027-06"))

    for change in (Change(kind="month", tenor="2027-06"), Change(kind="swap", tenor="2027-06")):
        with pytest.raises(InvalidField, match="one of 2027-04, 2027-05"):
            await propose(world, world.buyers[0], 0, change, "buyer1")


async def test_an_order_by_the_owners_of_the_mill_that_the_bundle_talks_with(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    mill = await a_firm(market, "mill", kind="mill")
    await with_members(mill)
    await Pool().rows("update membership set roles = array['seller'] returning 1")
    strip_id = await a_strip(market, talks=CounterTerms(mill.organisation_id))

    with pytest.raises(Conflict, match="both_sides"):
        await order(market, mill, strip_id, "2027-03", 10)
