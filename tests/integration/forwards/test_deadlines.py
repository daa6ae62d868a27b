"""At the instant of a deadline its rule counts, though its timer has not rung yet."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregator.errors import WrongState
from aggregator.forwards import calling, contract_queries, proposals, proposing, staging
from aggregator.forwards.plans import Change
from aggregator.journal.reading import Pool
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.builders import a_command
from tests.integration.forwards.signing import Signed, signed
from tests.integration.forwards.test_changes import cash, consent, propose, sound
from tests.integration.forwards.test_stages import AHEAD, DUE, ring

# Five trading days before 31 March 2027.
NOMINATE_BY = datetime(2027, 3, 23, 16, tzinfo=UTC)
LAST_DAY = date(2027, 3, 31)


async def nominated(world: Signed, at: datetime, day: date = LAST_DAY) -> str:
    world.market.clock.set(at)
    outcome = await calling.nominate(
        world.market, world.buyers[0], a_command(), world.slot_ids[0], lots=40, delivery_on=day
    )
    return str(outcome.answer["call_off_id"])


async def test_nobody_escapes_his_goods_by_withdrawing_when_nominations_are_over(
    orm: str,
) -> None:
    world = await signed()
    call_off_id = await nominated(world, NOMINATE_BY - timedelta(seconds=1))
    await ring(world, NOMINATE_BY)

    with pytest.raises(WrongState) as refused:
        await calling.withdraw(world.market, world.buyers[0], a_command(), call_off_id)

    assert refused.value.state == "nominations_over"
    await ring(world, NOMINATE_BY + timedelta(days=5))
    assert (await world.slot(world.mill, world.slot_ids[0]))["state"] == "called"


async def test_what_a_sellers_silence_confirmed_is_neither_withdrawn_nor_moved(orm: str) -> None:
    world = await signed()
    call_off_id = await nominated(world, world.market.clock.now(), date(2027, 3, 15))
    # Two trading days, to the end of the second.
    world.market.clock.set(datetime(2027, 1, 8, 16, tzinfo=UTC))

    with pytest.raises(WrongState):
        await calling.withdraw(world.market, world.buyers[0], a_command(), call_off_id)
    with pytest.raises(WrongState):
        await calling.confirm(
            world.market,
            world.mill,
            a_command(),
            call_off_id,
            delivery_on=date(2027, 3, 16),
        )

    await ring_due(world.market, ON_TIMER)
    [made] = (await world.slot(world.mill, world.slot_ids[0]))["call_offs"]
    assert (made["confirmed_by"], made["delivery_on"]) == ("silence", date(2027, 3, 15))


async def test_a_consent_at_the_instant_of_expiry_is_late(orm: str) -> None:
    world = await signed()
    change = Change(kind="lots", lots=44)
    made = await proposing.propose(
        world.market, world.buyers[0], a_command(), world.slot_ids[0], change
    )
    proposal_id = str(made.answer["proposal_id"])
    shown = await proposing.offered(world.market, world.mill, proposal_id)
    world.market.clock.set(datetime.fromisoformat(str(made.answer["expires_at"])))

    with pytest.raises(WrongState) as late:
        await proposing.consent(
            world.market,
            world.mill,
            a_command(),
            proposal_id,
            terms_sha256=str(shown["terms_sha256"]),
        )

    assert late.value.state == "expired"


async def test_a_deposit_paid_at_the_instant_it_is_due_is_late(orm: str) -> None:
    world = await signed(signing_bps=500, month_bps=1_500)
    await ring(world, AHEAD)
    world.market.clock.set(DUE)

    with pytest.raises(WrongState) as late:
        await staging.pay(world.market, world.buyers[0], a_command(), world.slot_ids[0])

    assert late.value.state == "lapsed"


async def test_what_is_proposed_of_a_slot_ends_with_it_and_frees_its_money(orm: str) -> None:
    world = await signed()
    buyer = world.buyers[0]
    waits = await propose(world, buyer, 0, Change(kind="lots", lots=44))
    made = await propose(world, buyer, 0, Change(kind="lots", lots=36))

    await consent(world, world.mill, made["proposal_id"])

    assert (await proposals.load(Pool(), waits["proposal_id"])).state == "expired"
    assert (await proposals.load(Pool(), made["proposal_id"])).state == "executed"
    assert await contract_queries.waiting(world.mill) == []
    assert (await cash(buyer))[1] == 0
    assert await sound()
