"""Lanes warn before it is too late; reviews are marks of settled deals, counted by group."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from aggregator.db import orm as market_orm
from aggregator.errors import Conflict, InvalidField, NotFound, WrongState
from aggregator.fulfilment import lanes, reviewing, shipping, ticket_rows
from aggregator.fulfilment.lanes import Lane
from aggregator.journal.reading import Pool
from tests.integration.deals.playing import act, deliver, funded, settled

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

ALL_FIVE = dict.fromkeys(("time", "place", "price", "manner", "quality", "quantity"), 5)


async def shipped(trading: Trading, hours: int) -> str:
    deal_id = await funded(trading)
    await act(lanes.publish, trading, "operator", "operator", Lane("GX", "GX", hours))
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    return deal_id


async def told(kind: str) -> int:
    (row,) = await Pool().rows("select count(*) as n from notice where kind = $1", kind)
    return int(row["n"])


async def level(trading: Trading, name: str, role: str) -> tuple[int, int, int, int]:
    (found,) = await lanes.service_levels(trading.actor(name, role), trading.clock.now())
    return found.arrived, found.in_time, found.on_the_way, found.at_risk


async def test_a_slow_shipment_is_warned_of_and_then_ticketed(trading: Trading) -> None:
    deal_id = await shipped(trading, 48)
    started = trading.clock.now()

    await trading.at(started + timedelta(hours=35))
    early = await told("lane_at_risk")
    await trading.at(started + timedelta(hours=36))
    warned = await told("lane_at_risk")
    at_risk = await level(trading, "factory", "buyer")
    no_ticket = await ticket_rows.tickets_of(Pool(), deal_id)
    await trading.at(started + timedelta(hours=48))
    (ticket,) = await ticket_rows.tickets_of(Pool(), deal_id)
    await deliver(trading, deal_id, 100)

    assert (early, warned, no_ticket) == (0, 2, [])
    assert at_risk == (0, 0, 1, 1)
    assert (ticket.matter, ticket.opened_by, ticket.lots) == ("delay", trading.id_of("factory"), 0)
    assert await level(trading, "mill", "seller") == (1, 0, 0, 0)
    assert await level(trading, "bakery", "buyer") == (0, 0, 0, 0)
    assert await level(trading, "operator", "operator") == (1, 0, 0, 0)


async def test_a_shipment_in_time_is_no_matter(trading: Trading) -> None:
    deal_id = await shipped(trading, 48)
    await act(lanes.publish, trading, "operator", "operator", Lane("GX", "GX", 1))

    trading.clock.set(trading.clock.now() + timedelta(hours=30))
    await deliver(trading, deal_id, 100)
    await trading.at(trading.clock.now() + timedelta(hours=24))

    assert await told("lane_at_risk") == 0
    assert await level(trading, "mill", "seller") == (1, 1, 0, 0)


async def test_a_lane_between_unknown_regions_is_refused(trading: Trading) -> None:
    with pytest.raises(InvalidField):
        await act(lanes.publish, trading, "operator", "operator", Lane("GX", "XX", 1))


async def test_a_side_reviews_a_settled_deal_once(trading: Trading) -> None:
    early = await funded(trading)
    with pytest.raises(WrongState):
        await act(reviewing.review, trading, "factory", "buyer", early, ALL_FIVE)
    deal_id = await settled(trading)

    await act(reviewing.review, trading, "factory", "buyer", deal_id, ALL_FIVE)
    await act(reviewing.review, trading, "mill", "seller", deal_id, {"price": 1})

    with pytest.raises(Conflict):
        await act(reviewing.review, trading, "factory", "buyer", deal_id, {"time": 1})
    with pytest.raises(NotFound):
        await act(reviewing.review, trading, "rival", "seller", deal_id, {"time": 1})
    async with market_orm.raw() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update review_mark set mark = 1")
    trading.clock.set(trading.clock.now() + timedelta(days=60))
    other = await settled(trading)
    trading.clock.set(trading.clock.now() + timedelta(days=60))
    with pytest.raises(Conflict):
        await act(reviewing.review, trading, "factory", "buyer", other, ALL_FIVE)


@pytest.mark.parametrize("marks", [{}, {"colour": 5}, {"time": 0}, {"time": 6}])
async def test_a_mark_outside_its_range_is_refused(trading: Trading, marks: dict[str, int]) -> None:
    deal_id = await trading.form()

    with pytest.raises(InvalidField):
        await act(reviewing.review, trading, "factory", "buyer", deal_id, marks)


async def test_each_owner_group_counts_once_and_few_are_not_shown(trading: Trading) -> None:
    deal_id = await settled(trading)
    mill = trading.id_of("mill")
    await act(reviewing.review, trading, "factory", "buyer", deal_id, ALL_FIVE)
    reader = trading.actor("bakery", "buyer")
    alone = await reviewing.standing(reader, mill)
    # Two more groups, one of which bought ten times and gave the lowest mark each time.
    for group, mark, deals in (("group-rival", 1, 10), ("group-bakery", 3, 1)):
        for _ in range(deals):
            await _review_of(trading, group, mill, mark)

    found = await reviewing.standing(reader, mill)

    assert alone == []
    assert [(one.axis, one.groups, one.mark_tenths) for one in found] == [("time", 3, 30)]


async def test_no_difference_of_two_means_tells_a_mark(trading: Trading) -> None:
    mill = trading.id_of("mill")
    reader = trading.actor("bakery", "buyer")
    shown = []

    for number, mark in enumerate((5, 5, 5, 1, 1, 1, 1)):
        await _review_of(trading, f"group-{number}", mill, mark)
        found = await reviewing.standing(reader, mill)
        shown.append([(one.groups, one.mark_tenths) for one in found])

    assert shown == [[], [], [(3, 50)], [(3, 50)], [(3, 50)], [(6, 30)], [(6, 30)]]


async def _review_of(trading: Trading, group: str, about_id: str, mark: int) -> None:
    """Put a review of another group into the rows, on a deal of its own."""
    deal_id = await trading.form()
    trading.clock.set(trading.clock.now() + timedelta(seconds=1))
    async with market_orm.raw() as connection:
        await connection.execute(
            "insert into review values ($1, 'buyer', $2, $3, $4, $5)",
            deal_id,
            trading.id_of("bakery"),
            group,
            about_id,
            trading.clock.now(),
        )
        await connection.execute(
            "insert into review_mark values ($1, 'buyer', 'time', $2)", deal_id, mark
        )
