"""What becomes of a parked deal: nothing by itself, and what two persons decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.clock import SimulatedClock
from aggregator.errors import NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Market
from aggregator.parties.sessions import member
from aggregator.prices import publication, queries, review_queries, reviewing
from aggregator.standing import queries as standing
from tests.builders import START, a_command, a_market, a_person, an_organisation, with_sugar
from tests.integration.deals.conftest import trading
from tests.integration.deals.playing import settled
from tests.integration.prices.test_publication import CELL, a_wide_market, published, settle

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

__all__ = ["trading"]


async def two_persons(market: Market) -> list[Actor]:
    desk = await an_organisation(market, "The market", kind="operator")
    logins = ("anna-desk", "bert-desk")
    return [await member(await a_person(market, desk, one, "operator"), desk) for one in logins]


async def decided(
    market: Market,
    people: list[Actor],
    verdict: reviewing.Verdict,
    deal_id: str = "deal_100",
    deals: Sequence[str] = (),
) -> None:
    proposed = await reviewing.propose(
        market, people[0], a_command(), deal_id, verdict=verdict, reason="looked at", deals=deals
    )
    motion_id = proposed.answer["motion_id"]
    await reviewing.approve(market, people[1], a_command(), deal_id, motion_id)


async def state_of(deal_id: str) -> tuple[str, str | None]:
    [row] = await Pool().rows(
        "select state, parked_for from price_deal where deal_id = $1", deal_id
    )
    return row["state"], row["parked_for"]


async def test_a_released_deal_waits_for_a_safe_batch_like_any_other(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await settle(market, 100, buyer="D", seller="D", price=700_000)

    await decided(market, people, "release")

    assert await state_of("deal_100") == ("waiting", None)
    assert await published() == []
    [row] = await queries.board()
    assert (row.cell, row.suppressed_by) == (CELL, "min_groups")
    assert await review_queries.parked(people[0], START) == []


async def test_what_is_left_out_moves_no_price(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await settle(market, 100, buyer="D", seller="D", price=700_000, lots=9_000)

    await decided(market, people, "exclude")
    await a_wide_market(market)

    assert await state_of("deal_100") == ("excluded", None)
    assert all(fact.value_minor < 500_000 for fact in await published())
    with pytest.raises(NotFound):
        await decided(market, people, "release")


async def test_some_of_a_circle_are_released_and_the_rest_stays_out(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await a_circle(market)

    await decided(market, people, "release", deals=["deal_002"])
    await decided(market, people, "exclude")

    assert await state_of("deal_002") == ("waiting", None)
    assert await state_of("deal_001") == await state_of("deal_100") == ("excluded", None)
    assert await review_queries.parked(people[0], START) == []


async def test_a_proposal_ends_when_its_circle_grows(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await a_circle(market)
    proposed = await reviewing.propose(
        market, people[0], a_command(), "deal_001", verdict="release", reason="looked at"
    )

    await settle(market, 101, buyer="S", seller="C")

    with pytest.raises(NotFound):
        await reviewing.approve(
            market, people[1], a_command(), "deal_100", proposed.answer["motion_id"]
        )
    [waiting] = await review_queries.parked(people[0], START)
    assert (waiting.trade.deal_id, waiting.proposal) == ("deal_101", None)
    assert [leg.deal_id for leg in waiting.legs] == ["deal_001", "deal_002", "deal_100"]


async def test_who_was_released_is_no_leg_again(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await a_circle(market)
    await decided(market, people, "release")

    await settle(market, 101, buyer="S", seller="C")

    assert await state_of("deal_100") == await state_of("deal_002") == ("waiting", None)
    [waiting] = await review_queries.parked(people[0], START)
    assert (waiting.trade.deal_id, waiting.legs) == ("deal_101", ())
    assert [trade.deal_id for trade in waiting.ring] == ["deal_001", "deal_002"]


async def test_a_released_circle_leaves_no_exclusion(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await a_wide_market(market)
    await settle(market, 50, buyer="S0", seller="B0")
    [waiting] = await review_queries.parked(people[0], START)
    excluded = await Pool().rows("select deal_id from price_exclusion")

    await decided(market, people, "release", "deal_050")

    assert [(leg.deal_id, leg.state) for leg in waiting.legs] == [("deal_000", "published")]
    assert [row["deal_id"] for row in excluded] == ["deal_000"]
    assert await Pool().rows("select deal_id from price_exclusion") == []


async def a_circle(market: Market) -> None:
    """Settle three deals that bring the goods back; the last of them is `deal_100`."""
    await settle(market, 1, buyer="B", seller="S")
    await settle(market, 2, buyer="C", seller="B")
    await settle(market, 100, buyer="S", seller="C")


async def test_a_proposal_stands_for_a_week_and_silence_keeps_the_deal_out(orm: str) -> None:
    clock = SimulatedClock(START)
    market = a_market(clock)
    await with_sugar(market)
    people = await two_persons(market)
    await settle(market, 100, buyer="D", seller="D")
    proposed = await reviewing.propose(
        market, people[0], a_command(), "deal_100", verdict="release", reason="looked at"
    )

    clock.advance(reviewing.STANDS_FOR + timedelta(seconds=1))

    with pytest.raises(WrongState):
        await reviewing.approve(
            market, people[1], a_command(), "deal_100", proposed.answer["motion_id"]
        )
    assert await state_of("deal_100") == ("parked", "same_owner")
    [waiting] = await review_queries.parked(people[1], clock.now())
    assert waiting.proposal is None


async def test_a_deal_in_dispute_is_no_matter_of_the_screen(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    people = await two_persons(market)
    await settle(market, 100, buyer="B", seller="S")
    await Pool().rows(
        "update price_deal set state = 'parked', parked_for = $1 returning deal_id",
        publication.TICKET,
    )

    assert await review_queries.parked(people[0], START) == []
    with pytest.raises(NotFound):
        await decided(market, people, "release")


async def test_a_released_deal_counts_for_the_standing_of_both_sides(trading: Trading) -> None:
    people = await two_persons(trading.market)
    seller, buyer = trading.actor("factory", "owner"), trading.actor("mill", "owner")
    await settle(
        trading.market,
        1,
        buyer=buyer.owner_group,
        seller=seller.owner_group,
        settled_at=trading.clock.now(),
    )
    deal_id = await settled(trading)
    before = await standing.lines(seller, trading.clock.now(), limit=9)

    await decided(trading.market, people, "release", deal_id)

    after = await standing.lines(seller, trading.clock.now(), limit=9)
    assert before == ()
    assert {line.axis for line in after} == {"payment", "forecast", "turnover"}


async def test_turnover_of_a_leg_that_is_left_out_is_taken_back(trading: Trading) -> None:
    people = await two_persons(trading.market)
    seller, buyer = trading.actor("mill", "owner"), trading.actor("factory", "owner")
    deal_id = await settled(trading)
    now = trading.clock.now()
    before = await standing.lines(seller, now, limit=9)
    await settle(
        trading.market,
        1,
        buyer=seller.owner_group,
        seller=buyer.owner_group,
        settled_at=trading.clock.now(),
    )

    await decided(trading.market, people, "exclude", deal_id)

    found = [await standing.lines(actor, now, limit=9) for actor in (seller, buyer)]
    turnover = [[x.is_kept for x in lines if x.axis == "turnover"] for lines in found]
    assert [line.is_kept for line in before if line.axis == "turnover"] == [True]
    assert [sorted(one) for one in turnover] == [[False, True], [False, True]]
