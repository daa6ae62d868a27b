"""What no window, offer, order, transfer or swap may be: each refused with its rule."""

from datetime import timedelta

import pytest

from aggregator.errors import InvalidField
from aggregator.forwards import proposing
from aggregator.forwards.errors import ClosesIntoCash
from aggregator.forwards.plans import Change
from matching.errors import RuleViolation
from tests.builders import START, a_command, a_market, with_sugar
from tests.integration.forwards.signing import a_firm, signed, with_members
from tests.integration.forwards.test_strip_life import a_buyer, a_mill, a_strip, offer, order


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
