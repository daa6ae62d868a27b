"""Nobody loses a window, a deposit or a say because the market was away."""

from datetime import UTC, datetime, timedelta

from aggregator.forwards import calling, outage, proposing, queries
from aggregator.forwards.contract_facts import DeadlineMoved
from aggregator.forwards.facts import StripExtended
from aggregator.forwards.plans import Change
from aggregator.journal.reading import Pool, entries
from tests.builders import a_command
from tests.integration.forwards.signing import signed
from tests.integration.forwards.test_rounds import CLOSES_AT, countered, talking
from tests.integration.forwards.test_stages import AHEAD, DUE, ring

MINUTE = timedelta(minutes=1)


async def moved(strip_id: str) -> list[tuple[str, datetime]]:
    found = await entries(None, f"contracts:{strip_id}")
    return [(e.fact.what, e.fact.until) for e in found if isinstance(e.fact, DeadlineMoved)]


async def test_a_window_that_ended_in_an_outage_has_time_after_it(orm: str) -> None:
    world = await talking()
    await Pool().rows("update strip set state = 'gathering', talks_until = null returning id")
    ended_at = CLOSES_AT + 10 * MINUTE

    await outage.after_outage(world.market, CLOSES_AT - MINUTE, ended_at)
    await outage.after_outage(world.market, CLOSES_AT - MINUTE, ended_at)

    view = await queries.strip(world.strip_id, ended_at)
    assert (view.closes_at, view.phase) == (ended_at + 12 * MINUTE, "gathering")
    assert len(await world.told(StripExtended)) == 1


async def test_a_short_silence_moves_nothing(orm: str) -> None:
    world = await talking()
    await outage.after_outage(world.market, CLOSES_AT, CLOSES_AT + timedelta(seconds=2))

    assert await world.told(StripExtended) == []


async def test_talks_go_on_after_an_outage(orm: str) -> None:
    world = await talking()
    await countered(world)
    began_at = world.market.clock.now() + 59 * MINUTE

    world.market.clock.set(began_at + 30 * MINUTE)
    await outage.after_outage(world.market, began_at, began_at + 30 * MINUTE)
    await world.wait(minutes=30)
    still = await world.phase()
    await world.wait(minutes=2)

    assert (still, await world.phase()) == ("talking", "lapsed")


async def test_a_deposit_due_in_an_outage_can_still_be_paid(orm: str) -> None:
    world = await signed(signing_bps=500, month_bps=1_500)
    await ring(world, AHEAD)
    ended_at = DUE + timedelta(hours=1)

    await outage.after_outage(world.market, DUE - timedelta(hours=1), ended_at)
    await ring(world, ended_at + MINUTE)
    slot = await world.slot(world.buyers[0], world.slot_ids[0])
    assert (slot["state"], slot["stage_due_at"]) == ("open", ended_at + 121 * MINUTE)
    await ring(world, ended_at + 121 * MINUTE)

    slot = await world.slot(world.buyers[0], world.slot_ids[0])
    assert slot["state"] == "lapsed"
    assert await moved(world.strip_id) == [("stage", ended_at + 121 * MINUTE)]


async def test_silence_in_an_outage_confirms_and_refuses_nothing(orm: str) -> None:
    world = await signed()
    market, buyer, slot_id = world.market, world.buyers[0], world.slot_ids[0]
    market.clock.set(datetime(2027, 3, 1, 2, tzinfo=UTC))
    made = await calling.nominate(
        market, buyer, a_command(), slot_id, lots=10, delivery_on=datetime(2027, 3, 15).date()
    )
    await proposing.propose(
        market, world.buyers[1], a_command(), world.slot_ids[1], Change(kind="lots", lots=59)
    )
    [row] = await Pool().rows("select confirm_by from call_off")
    ended_at = row["confirm_by"] + timedelta(days=2)

    await outage.after_outage(market, row["confirm_by"] - MINUTE, ended_at)
    await ring(world, ended_at + MINUTE)
    [call_off] = await Pool().rows("select state from call_off")
    [proposal] = await Pool().rows("select state from contract_proposal")

    assert (call_off["state"], proposal["state"]) == ("nominated", "open")
    assert {what for what, _ in await moved(world.strip_id)} == {"confirm", "proposal"}
    assert made.answer["state"] == "nominated"


async def test_the_last_nomination_is_the_buyers_after_an_outage(orm: str) -> None:
    world = await signed()
    slot = await world.slot(world.buyers[0], world.slot_ids[0])
    by = slot["nominate_by"]

    await outage.after_outage(world.market, by - MINUTE, by + MINUTE)
    await ring(world, by + 2 * MINUTE)
    before = await Pool().rows("select 1 from call_off")
    await ring(world, by + 4 * MINUTE)

    [made] = await Pool().rows('select "by" from call_off')
    assert (before, made["by"]) == ([], "silence")
