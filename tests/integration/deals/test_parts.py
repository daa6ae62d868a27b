"""Calls that are paid in parts, and where the parts go when the rest never comes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.deals import cancelling, funding, queries, store
from aggregator.errors import InsufficientFunds, InvalidField, WrongState
from aggregator.journal.reading import Pool
from aggregator.settlement import queries as money
from tests.integration.deals.playing import RICH, TOTAL, accounts, act, cash, held, is_sound

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

DEPOSIT = 5_748_740
"""A tenth of the total, half to even."""


async def formed(trading: Trading, cash: int) -> str:
    await trading.give("factory", cash)
    await trading.give("mill", RICH)
    return await trading.form()


async def part(trading: Trading, deal_id: str, amount_minor: int) -> dict[str, object]:
    outcome = await act(
        funding.fund, trading, "factory", "finance", deal_id, amount_minor=amount_minor
    )
    return dict(outcome.answer)


async def test_the_last_part_funds_the_deal(trading: Trading) -> None:
    deal_id = await formed(trading, RICH)

    first = await part(trading, deal_id, 10_000_000)
    (call,) = await money.open_calls(trading.id_of("factory"))
    second = await part(trading, deal_id, 10_000_000)
    last = await act(funding.fund, trading, "factory", "finance", deal_id)

    left = TOTAL - DEPOSIT - 10_000_000
    assert (first["state"], first["left_minor"]) == ("formed", left)
    assert (call.amount_minor, call.paid_minor) == (left, 10_000_000)
    assert second["left_minor"] == left - 10_000_000
    assert (last.answer["state"], last.answer["left_minor"]) == ("funded", 0)
    assert (await accounts())["escrow"] == TOTAL
    assert await money.open_calls(trading.id_of("factory")) == []
    await is_sound()


async def test_a_default_after_a_part_costs_the_deposit_and_no_more(trading: Trading) -> None:
    deal_id = await formed(trading, RICH)
    await part(trading, deal_id, 20_000_000)

    await trading.at(trading.clock.now() + timedelta(days=3))

    assert (await store.load(Pool(), deal_id)).state == "lapsed"
    found = await accounts()
    assert (found["cash factory"], found["cash mill"]) == (RICH - DEPOSIT, RICH + DEPOSIT)
    assert found["escrow"] == 0
    assert await held() == 0
    await is_sound()


async def test_parts_make_up_for_a_deposit_that_was_too_small(trading: Trading) -> None:
    deal_id = await formed(trading, 1_000_000)
    await trading.give("factory", 9_000_000)
    await part(trading, deal_id, 9_000_000)

    await trading.at(trading.clock.now() + timedelta(days=3))

    found = await accounts()
    assert (found["cash factory"], found["cash mill"]) == (10_000_000 - DEPOSIT, RICH + DEPOSIT)
    await is_sound()


async def test_what_the_escrow_has_not_is_not_forfeited(trading: Trading) -> None:
    deal_id = await formed(trading, 1_000_000)

    await trading.at(trading.clock.now() + timedelta(days=3))

    found = await accounts()
    assert (found["cash factory"], found["cash mill"]) == (0, RICH + 1_000_000)
    seen = await queries.deal(trading.actor("factory", "buyer"), deal_id)
    assert seen.timeline[-1].figures == {"forfeited_minor": 1_000_000, "refunded_minor": 0}


async def test_a_part_is_at_least_one_fen_and_at_most_what_is_left(trading: Trading) -> None:
    deal_id = await formed(trading, 10_000_000)

    for amount in (0, -1, TOTAL - DEPOSIT + 1):
        with pytest.raises(InvalidField):
            await part(trading, deal_id, amount)
    with pytest.raises(InsufficientFunds):
        await part(trading, deal_id, 10_000_000)
    await part(trading, deal_id, 4_000_000)
    await trading.at(trading.clock.now() + timedelta(days=3))
    with pytest.raises(WrongState):
        await part(trading, deal_id, 1)


async def test_the_seller_does_not_see_the_parts(trading: Trading) -> None:
    deal_id = await formed(trading, RICH)
    await part(trading, deal_id, 20_000_000)

    sells = await queries.deal(trading.actor("mill", "seller"), deal_id)
    buys = await queries.deal(trading.actor("factory", "buyer"), deal_id)

    assert "DealPartlyFunded" not in [entry.fact for entry in sells.timeline]
    assert "DealPartlyFunded" in [entry.fact for entry in buys.timeline]
    assert sells.escrow_minor is None


async def test_what_comes_back_of_an_unpaid_deal_tells_the_seller_nothing(trading: Trading) -> None:
    """It was all the cash that the buyer had."""
    secret = 1_234_567
    cancelled, defaulted = await formed(trading, secret), ""
    for name, role in (("factory", "buyer"), ("mill", "seller")):
        await act(cancelling.cancel, trading, name, role, cancelled)
    await trading.give("mill", -(await cash(trading, "mill")))
    defaulted = await trading.form()
    await trading.at(trading.clock.now() + timedelta(days=2))

    for deal_id in (cancelled, defaulted):
        told = await queries.deal(trading.actor("mill", "seller"), deal_id)
        own = await queries.deal(trading.actor("factory", "buyer"), deal_id)
        assert told.summary.state in ("cancelled", "defaulted")
        assert str(secret) not in str(told)
        assert own.timeline[-1].figures["refunded_minor"] == secret
    notices = await Pool().rows(
        "select figures::text as figures from notice where organisation_id = $1",
        trading.id_of("mill"),
    )
    assert notices
    assert str(secret) not in str([row["figures"] for row in notices])
    await is_sound()
