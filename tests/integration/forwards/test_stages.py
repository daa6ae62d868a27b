"""Staged deposits and index-linked prices, with a rule for everybody's silence."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregator.errors import Conflict, InvalidField, WrongState
from aggregator.forwards import calling, proposing, staging
from aggregator.forwards.plans import Change
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import balances, escrow_balance
from aggregator.ledger.verifying import verify
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import START, a_command, a_market, with_sugar
from tests.integration.forwards.signing import MILLION, Signed, a_strip, signed

# Ten trading days before 1 March 2027 is 15 February; the holiday ends on the 10th.
AHEAD = datetime(2027, 2, 14, 16, tzinfo=UTC)
DUE = datetime(2027, 2, 23, 16, tzinfo=UTC)
INDEX = {"index_reference_minor": 500_000, "index_default_minor": 501_000}


async def ring(world: Signed, at: datetime) -> None:
    world.market.clock.set(at)
    await ring_due(world.market, ON_TIMER)


async def publish(value_minor: int, tenor: str = "2027-03") -> None:
    await Pool().rows(
        "insert into price_publication (id, cell, instrument_id, region, tenor, number,"
        " value_minor, currency, volume_band, size_band, method, inputs_sha256, at)"
        " values ('pub_' || $1, $1, 'SUGAR-W1', 'GX', $2, 1, $3, 'CNY', '100-200', '5-10',"
        " 'test', repeat('0', 64), $4) returning number",
        f"SUGAR-W1/GX/{tenor}",
        tenor,
        value_minor,
        START,
    )


async def test_the_second_deposit_is_called_before_the_month_and_paid(orm: str) -> None:
    world = await signed(signing_bps=500, month_bps=1_500)
    buyer, slot_id = world.buyers[0], world.slot_ids[0]
    signing = (await world.slot(buyer, slot_id))["deposit_minor"]

    await ring(world, AHEAD)
    slot = await world.slot(buyer, slot_id)
    assert (slot["stage"], slot["stage_due_at"]) == ("called", DUE)
    with pytest.raises(WrongState):
        await calling.nominate(
            world.market, buyer, a_command(), slot_id, lots=1, delivery_on=date(2027, 3, 15)
        )
    await staging.pay(world.market, buyer, a_command(), slot_id)

    slot = await world.slot(buyer, slot_id)
    total = slot["total_minor"]
    assert signing == (total * 500 + 5_000) // 10_000
    assert slot["deposit_minor"] == signing + (total * 1_500 + 5_000) // 10_000
    assert await escrow_balance(slot_id, "CNY") == slot["deposit_minor"]
    with pytest.raises(WrongState):
        await staging.pay(world.market, buyer, a_command(), slot_id)
    await ring(world, DUE)
    assert (await world.slot(buyer, slot_id))["state"] == "open"
    assert (await verify()).differences == ()


async def test_an_unpaid_stage_costs_the_buyer_his_first_deposit(orm: str) -> None:
    world = await signed(signing_bps=500, month_bps=1_500)
    buyer, slot_id = world.buyers[0], world.slot_ids[0]
    signing = (await world.slot(buyer, slot_id))["deposit_minor"]
    await ring(world, AHEAD)

    await ring(world, DUE)

    assert (await world.slot(buyer, slot_id))["state"] == "lapsed"
    [mill] = [r for r in await balances(world.mill.organisation_id) if r.purpose == "cash"]
    assert mill.balance_minor == MILLION + signing
    assert (await verify()).differences == ()


async def test_the_price_follows_the_index_to_its_fixing(orm: str) -> None:
    world = await signed(**INDEX)
    buyer, slot_id = world.buyers[0], world.slot_ids[0]
    with pytest.raises(WrongState):
        await calling.nominate(
            world.market, buyer, a_command(), slot_id, lots=1, delivery_on=date(2027, 3, 15)
        )
    await publish(497_500)

    await ring(world, AHEAD)

    slot = await world.slot(buyer, slot_id)
    assert (slot["is_fixed"], slot["index_minor"]) == (True, 497_500)
    assert slot["price_minor"] == 491_000 - 2_500
    assert (await verify()).differences == ()


async def test_without_a_publication_the_declared_default_counts(orm: str) -> None:
    world = await signed(**INDEX)

    await ring(world, AHEAD)

    slot = await world.slot(world.buyers[0], world.slot_ids[0])
    assert (slot["index_minor"], slot["price_minor"]) == (501_000, 492_000)


async def test_both_may_fix_the_price_early_by_the_declared_rule(orm: str) -> None:
    world = await signed(**INDEX)
    buyer, slot_id = world.buyers[0], world.slot_ids[0]
    with pytest.raises(Conflict):
        await proposing.preview(world.market, buyer, slot_id, Change(kind="price"))
    await publish(503_000)
    made = await proposing.propose(world.market, buyer, a_command(), slot_id, Change(kind="price"))

    done = await proposing.consent(
        world.market,
        world.mill,
        a_command(),
        made.answer["proposal_id"],
        terms_sha256=made.answer["terms_sha256"],
    )

    fresh = await world.slot(buyer, done.answer["slot_ids"][0])
    assert (fresh["is_fixed"], fresh["price_minor"]) == (True, 494_000)
    assert (await verify()).differences == ()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"signing_bps": 0}, "/signing_bps"),
        ({"signing_bps": 9_000, "month_bps": 1_001}, "/month_bps"),
        ({"index_reference_minor": 500_000}, "/index_default"),
        ({"index_reference_minor": 500_050, "index_default_minor": 1}, "/index_reference"),
        # Nobody has declared the trading days of 2028.
        ({"tenors": ("2027-12", "2028-01")}, "/tenors/1"),
        # Too late for a slot that begins with deposits and notice.
        ({"tenors": ("2027-01",)}, "/tenors/0"),
    ],
)
async def test_a_faulty_window_names_its_field(orm: str, given: dict, pointer: str) -> None:
    market = a_market()
    await with_sugar(market)

    with pytest.raises(InvalidField) as refusal:
        await a_strip(market, **{"closes_at": START + timedelta(days=10), **given})

    assert refusal.value.pointer == pointer
