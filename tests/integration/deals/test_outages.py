"""Nobody defaults, and nobody's silence counts, because the market was away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.deals import answering, cancelling, claims, outage, queries, store
from aggregator.deals.facts import DealExtended
from aggregator.fulfilment import lanes, shipping, ticket_rows, tickets
from aggregator.fulfilment import outage as fulfilment_outage
from aggregator.fulfilment.lanes import Lane
from aggregator.journal.reading import Pool, entries
from tests.integration.deals.playing import (
    RICH,
    accept,
    act,
    deliver,
    funded,
    give_back,
    is_sound,
    settled,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

MINUTE = timedelta(minutes=1)


async def away(trading: Trading, due_at: datetime) -> datetime:
    """Let the market be away for ten minutes around an instant; return when it is back."""
    ended_at = due_at + 9 * MINUTE
    for _ in range(2):
        await outage.after_outage(trading.market, due_at - MINUTE, ended_at)
        await fulfilment_outage.after_outage(trading.market, due_at - MINUTE, ended_at)
    await trading.at(ended_at)
    return ended_at


async def moved(deal_id: str) -> list[str]:
    told = await entries(None, f"deal:{deal_id}")
    return [entry.fact.what for entry in told if isinstance(entry.fact, DealExtended)]


async def test_a_call_due_in_an_outage_can_still_be_paid(trading: Trading) -> None:
    await trading.give("factory", RICH)
    await trading.give("mill", RICH)
    deal_id = await trading.form()
    due_at = (await store.load(Pool(), deal_id)).funding_due_at

    ended_at = await away(trading, due_at)
    deal = await store.load(Pool(), deal_id)
    [call] = await Pool().rows("select due_at from money_call where state = 'open'")
    await trading.at(ended_at + 11 * MINUTE)

    assert (deal.state, deal.due_at) == ("formed", ended_at + 11 * MINUTE)
    assert call["due_at"] == deal.due_at
    assert (await store.load(Pool(), deal_id)).state == "lapsed"
    assert await moved(deal_id) == ["formed"]
    await is_sound()


async def test_a_seller_has_time_after_an_outage_to_complete_his_deposit(trading: Trading) -> None:
    await trading.give("factory", RICH)
    deal_id = await trading.form()

    await away(trading, trading.clock.now() + timedelta(days=2))
    await trading.give("mill", RICH)
    await trading.at(trading.clock.now() + 11 * MINUTE)

    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.missing_minor) == ("formed", 0)
    assert await moved(deal_id) == ["deposit"]
    seen = await queries.deal(trading.actor("factory", "buyer"), deal_id)
    assert "DealExtended" not in [entry.fact for entry in seen.timeline]


async def test_silence_in_an_outage_accepts_and_concedes_nothing(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await away(trading, trading.clock.now() + timedelta(days=3))
    await accept(trading, deal_id, 60)
    [claim_id] = await claims.claims_of(Pool(), deal_id)

    await away(trading, trading.clock.now() + timedelta(days=3))
    said = {"reason": "dry on arrival"}
    answer = await act(answering.contest, trading, "mill", "seller", deal_id, claim_id, **said)

    assert answer.answer["state"] == "contested"
    assert await moved(deal_id) == ["delivered", "claim"]


async def test_a_proposal_to_cancel_outlives_an_outage(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(cancelling.cancel, trading, "factory", "buyer", deal_id)

    await away(trading, trading.clock.now() + timedelta(days=3))
    await act(cancelling.cancel, trading, "mill", "seller", deal_id)

    assert (await store.load(Pool(), deal_id)).state == "cancelled"
    assert await moved(deal_id) == ["proposal"]


async def test_no_desk_is_silent_because_the_market_was_away(trading: Trading) -> None:
    deal_id = await settled(trading)
    said = {"matter": "quality", "lots": 10, "reason": "yellow"}
    raised = await act(tickets.raise_ticket, trading, "factory", "buyer", deal_id, **said)
    ticket_id = str(raised.answer["ticket_id"])

    ended_at = await away(trading, trading.clock.now() + timedelta(days=14))
    (waiting,) = [
        desk for desk in await ticket_rows.desks_of(Pool(), ticket_id) if desk.state == "waiting"
    ]
    await act(tickets.decide, trading, "operator", "operator", ticket_id, lots=10)

    assert (waiting.desk, waiting.due_at) == ("market", ended_at + 11 * MINUTE)
    assert await moved(deal_id) == ["ticket"]
    (ticket,) = await ticket_rows.tickets_of(Pool(), deal_id)
    assert ticket.state == "upheld"
    await is_sound()


async def test_lots_can_still_go_back_after_an_outage(trading: Trading) -> None:
    deal_id = await settled(trading)

    ended_at = await away(trading, trading.clock.now() + timedelta(days=30))
    deal = await store.load(Pool(), deal_id)
    await give_back(trading, deal_id, 10)

    assert deal.return_until == ended_at + 11 * MINUTE
    assert await moved(deal_id) == ["return"]
    await is_sound()


async def test_a_shipment_is_not_late_because_the_market_was_away(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(lanes.publish, trading, "operator", "operator", Lane("GX", "GX", 48))
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    started = trading.clock.now()
    await trading.at(started + timedelta(hours=40))

    ended_at = await away(trading, started + timedelta(hours=48))
    in_time = await ticket_rows.tickets_of(Pool(), deal_id)
    run = await lanes.run_of(Pool(), deal_id)
    await trading.at(ended_at + 11 * MINUTE)

    assert run is not None
    assert (run["due_at"], in_time) == (ended_at + 11 * MINUTE, [])
    assert await moved(deal_id) == ["lane"]
    assert len(await ticket_rows.tickets_of(Pool(), deal_id)) == 1


async def test_a_short_silence_moves_nothing(trading: Trading) -> None:
    deal_id = await funded(trading)
    due_at = (await store.load(Pool(), deal_id)).due_at
    assert due_at is not None

    await outage.after_outage(trading.market, due_at, due_at + timedelta(seconds=2))

    assert await moved(deal_id) == []
