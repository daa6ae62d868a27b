"""Call-offs: nominated, confirmed or silent, and deals to the last lot of the slot."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregator.deals import funding
from aggregator.deals import queries as deal_queries
from aggregator.errors import InvalidField, NotFound, WrongState
from aggregator.forwards import call_offs, calling
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import escrow_balance
from aggregator.ledger.verifying import verify
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from matching.standing.rulebook import FIRST
from tests.builders import a_command, with_tier
from tests.integration.forwards.signing import Signed, signed

MARCH = date(2027, 3, 15)


async def nominate(world: Signed, lots: int, day: date = MARCH) -> str:
    outcome = await calling.nominate(
        world.market,
        world.buyers[0],
        a_command(),
        world.slot_ids[0],
        lots=lots,
        delivery_on=day,
    )
    return str(outcome.answer["call_off_id"])


async def confirm(world: Signed, call_off_id: str, day: date | None = None) -> str:
    outcome = await calling.confirm(
        world.market, world.mill, a_command(), call_off_id, delivery_on=day
    )
    return str(outcome.answer["deal_id"])


async def test_signing_takes_the_deposit_of_each_slot(orm: str) -> None:
    world = await signed()

    slot = await world.slot(world.buyers[0], world.slot_ids[0])

    # 40 lots at 4,910.00, 13 % tax, a fee of 0.2 % and 6 % on it; a tenth of it all.
    total = 40 * 491_000 + 40 * 491_000 * 13 // 100 + 39_280 + 2_357
    assert slot["total_minor"] == total
    assert slot["deposit_minor"] == (total + 5) // 10
    assert await escrow_balance(world.slot_ids[0], "CNY") == slot["deposit_minor"]
    assert (await world.slot(world.mill, world.slot_ids[0]))["deposit_minor"] is None
    assert (await verify()).differences == ()


async def test_no_line_number_tells_a_buyer_of_others(orm: str) -> None:
    world = await signed()

    pairs = list(zip(world.buyers, world.slot_ids, strict=True))

    assert [(await world.slot(buyer, slot_id))["line"] for buyer, slot_id in pairs] == [1, 1, 1]
    assert [(await world.slot(world.mill, slot_id))["line"] for _, slot_id in pairs] == [1, 2, 3]


async def test_partial_call_offs_use_a_slot_up_to_the_last_lot_and_fen(orm: str) -> None:
    world = await signed()
    deposit = (await world.slot(world.buyers[0], world.slot_ids[0]))["deposit_minor"]

    first = await confirm(world, await nominate(world, 13))
    await with_tier(world.buyers[0].organisation_id, 3)
    second = await confirm(world, await nominate(world, 27, date(2027, 3, 22)))

    slot = await world.slot(world.buyers[0], world.slot_ids[0])
    assert (slot["state"], slot["called_lots"], slot["deposit_minor"]) == ("called", 40, 0)
    deals = [await deal_queries.deal(world.buyers[0], deal_id) for deal_id in (first, second)]
    assert [deal.summary.lots for deal in deals] == [13, 27]
    assert deals[1].return_days - deals[0].return_days == FIRST.tiers[3].return_days_more
    assert sum(deal.deposit_minor or 0 for deal in deals) == deposit
    assert await escrow_balance(world.slot_ids[0], "CNY") == 0
    assert deals[0].ship_due_at == datetime(2027, 3, 15, 16, tzinfo=UTC)
    assert deals[0].funding_due_at == datetime(2027, 3, 11, 16, tzinfo=UTC)
    assert {term.dimension: term.promised for term in deals[0].terms}["place"] == "1号仓"
    assert (await verify()).differences == ()


async def test_a_sellers_silence_confirms(orm: str) -> None:
    world = await signed()
    call_off_id = await nominate(world, 40)

    world.market.clock.set(datetime(2027, 1, 8, 16, tzinfo=UTC))
    await ring_due(world.market, ON_TIMER)

    found = await call_offs.load(Pool(), call_off_id)
    assert (found.state, found.confirmed_by) == ("confirmed", "silence")
    assert found.deal_id is not None


async def test_a_buyers_silence_takes_the_rest_on_the_last_trading_day(orm: str) -> None:
    world = await signed()
    await confirm(world, await nominate(world, 10))

    # The last trading day is 31 March; five trading days before it nominations end.
    world.market.clock.set(datetime(2027, 3, 23, 16, tzinfo=UTC))
    await ring_due(world.market, ON_TIMER)
    await ring_due(world.market, ON_TIMER)

    slot = await world.slot(world.mill, world.slot_ids[0])
    [made] = [one for one in slot["call_offs"] if one["by"] == "silence"]
    assert (made["lots"], made["delivery_on"]) == (30, date(2027, 3, 31))
    with pytest.raises(WrongState):
        await calling.withdraw(world.market, world.buyers[0], a_command(), str(made["call_off_id"]))
    world.market.clock.set(datetime(2027, 3, 26, 16, tzinfo=UTC))
    await ring_due(world.market, ON_TIMER)
    assert (await world.slot(world.mill, world.slot_ids[0]))["state"] == "called"
    assert (await verify()).differences == ()


async def test_an_unpaid_call_off_lapses_and_its_part_of_the_deposit_is_the_sellers(
    orm: str,
) -> None:
    world = await signed()
    deal_id = await confirm(world, await nominate(world, 40))

    world.market.clock.set(datetime(2027, 3, 11, 16, tzinfo=UTC))
    await ring_due(world.market, ON_TIMER)

    assert (await deal_queries.deal(world.buyers[0], deal_id)).summary.state == "lapsed"
    assert (await verify()).differences == ()


async def test_a_funded_call_off_waits_for_its_delivery_day(orm: str) -> None:
    world = await signed()
    deal_id = await confirm(world, await nominate(world, 40), date(2027, 3, 18))

    await funding.fund(world.market, world.buyers[0], a_command(), deal_id)

    found = await deal_queries.deal(world.buyers[0], deal_id)
    assert found.summary.due_at == datetime(2027, 3, 18, 16, tzinfo=UTC)


async def test_a_withdrawn_nomination_leaves_its_lots(orm: str) -> None:
    world = await signed()
    call_off_id = await nominate(world, 40)

    await calling.withdraw(world.market, world.buyers[0], a_command(), call_off_id)
    await nominate(world, 40)

    slot = await world.slot(world.buyers[0], world.slot_ids[0])
    assert (slot["nominated_lots"], slot["left_lots"]) == (40, 0)


@pytest.mark.parametrize(
    ("lots", "day", "pointer"),
    [
        (41, MARCH, "/lots"),
        (40, date(2027, 3, 14), "/delivery_on"),  # a Sunday
        (40, date(2027, 4, 1), "/delivery_on"),
    ],
)
async def test_a_faulty_nomination_names_its_field(
    orm: str, lots: int, day: date, pointer: str
) -> None:
    world = await signed()

    with pytest.raises(InvalidField) as refusal:
        await nominate(world, lots, day)

    assert refusal.value.pointer == pointer


async def test_notice_is_counted_in_trading_days(orm: str) -> None:
    world = await signed()
    world.market.clock.set(datetime(2027, 3, 8, 3, tzinfo=UTC))

    with pytest.raises(InvalidField):
        await nominate(world, 40, date(2027, 3, 12))
    await nominate(world, 40, date(2027, 3, 15))


async def test_a_day_too_far_from_the_nominated_one_is_refused(orm: str) -> None:
    world = await signed()
    call_off_id = await nominate(world, 40)

    with pytest.raises(InvalidField):
        await confirm(world, call_off_id, date(2027, 3, 19))


async def test_nobody_else_calls_off_or_confirms(orm: str) -> None:
    world = await signed()
    call_off_id = await nominate(world, 10)

    with pytest.raises(NotFound):
        await calling.confirm(world.market, world.buyers[0], a_command(), call_off_id)
    with pytest.raises(NotFound):
        await calling.confirm(world.market, world.buyers[1], a_command(), call_off_id)
    with pytest.raises(NotFound):
        await calling.nominate(
            world.market,
            world.buyers[1],
            a_command(),
            world.slot_ids[0],
            lots=1,
            delivery_on=MARCH,
        )


async def test_nothing_is_called_off_after_the_last_moment(orm: str) -> None:
    world = await signed()
    world.market.clock.set(datetime(2027, 3, 23, 16, tzinfo=UTC) + timedelta(seconds=1))

    with pytest.raises((WrongState, InvalidField)):
        await nominate(world, 40, date(2027, 3, 31))
