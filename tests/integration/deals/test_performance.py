"""The seller's deposit is held before goods are promised, or asked for at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.catalogue.tenors import Cell
from aggregator.deals import funding, queries, store
from aggregator.deals.reducing import reduce_within, reduction_of
from aggregator.errors import InsufficientFunds
from aggregator.fulfilment import shipping
from aggregator.journal.reading import Pool
from aggregator.market import Unit
from aggregator.supply import capacity, deposits, offering
from tests.integration.deals.playing import RICH, accounts, act, held, is_sound

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

DEPOSIT = 4_950_000
TERMS = offering.OfferTerms(
    cell=Cell("SUGAR-W1", "GX", "2027-03"),
    breaks=((1, 500_000), (300, 490_000)),
    capacity_lots=400,
)
OFFERED = 400 * 50_000


async def unsecured(trading: Trading, cash: int = 0) -> str:
    """Return a funded deal whose seller had only `cash` when it formed."""
    await trading.give("factory", RICH)
    if cash:
        await trading.give("mill", cash)
    deal_id = await trading.form()
    await act(funding.fund, trading, "factory", "finance", deal_id)
    return deal_id


async def published(trading: Trading) -> str:
    outcome = await act(offering.publish_offer, trading, "mill", "seller", TERMS)
    return str(outcome.answer["offer_id"])


async def test_nothing_is_offered_without_the_deposit(trading: Trading) -> None:
    await trading.give("mill", OFFERED - 1)

    with pytest.raises(InsufficientFunds) as refusal:
        await published(trading)

    assert refusal.value.required_minor == OFFERED
    assert await held() == 0
    assert await Pool().rows("select id from offer") == []


async def test_an_offer_holds_its_deposit_until_it_is_withdrawn(trading: Trading) -> None:
    await trading.give("mill", OFFERED)
    offer_id = await published(trading)
    before = await held()

    await act(offering.withdraw_offer, trading, "mill", "seller", offer_id)

    assert (before, await held()) == (OFFERED, 0)
    await is_sound()


async def test_reserved_lots_stay_covered_until_they_are_dealt(trading: Trading) -> None:
    await trading.give("mill", OFFERED)
    offer_id = await published(trading)

    async def reserve(unit: Unit) -> dict[str, object]:
        await capacity.take(unit, offer_id, 100)
        return {}

    async def deal(unit: Unit) -> dict[str, object]:
        await deposits.bind(unit, offer_id, 100)
        return {}

    system = trading.actor("operator", "operator")
    await trading.market.perform(system, "pools.open", reserve, command=trading.command())
    await act(offering.withdraw_offer, trading, "mill", "seller", offer_id)
    reserved = await held()
    await trading.market.perform(system, "pools.open", deal, command=trading.command())

    assert (reserved, await held()) == (100 * 50_000, 0)
    await is_sound()


async def test_a_missing_deposit_is_held_when_it_ships(trading: Trading) -> None:
    deal_id = await unsecured(trading, 1_000_000)
    with pytest.raises(InsufficientFunds) as refusal:
        await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await trading.give("mill", 3_950_000)

    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")

    deal = await store.load(Pool(), deal_id)
    assert refusal.value.required_minor == 3_950_000
    assert (deal.state, deal.performance_minor, deal.missing_minor) == ("shipping", DEPOSIT, 0)
    assert await held() == DEPOSIT
    await is_sound()


async def test_lots_given_up_forfeit_their_share_of_the_whole_deposit(trading: Trading) -> None:
    deal_id = await unsecured(trading, 1_000_000)

    async def reduce(unit: Unit) -> dict[str, object]:
        await reduce_within(unit, deal_id, 40)
        return {}

    mill = trading.actor("mill", "seller")
    before = (await accounts())["cash factory"]
    with pytest.raises(InsufficientFunds) as refusal:
        await trading.market.perform(mill, "pools.shortfall", reduce)
    await trading.give("mill", 3_950_000)

    await trading.market.perform(mill, "pools.shortfall", reduce)
    after = (await accounts())["cash factory"]
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=40, carrier="Rail")

    deal = await store.load(Pool(), deal_id)
    reduction = await reduction_of(Pool(), deal_id)
    assert refusal.value.required_minor == 3_950_000
    assert reduction is not None
    assert after - before == 2_970_000 + reduction.refunded_minor
    assert (deal.forfeited_minor, await held()) == (2_970_000, DEPOSIT - 2_970_000)
    await is_sound()


async def test_a_missing_deposit_that_came_in_time_is_held(trading: Trading) -> None:
    deal_id = await unsecured(trading)
    await trading.give("mill", RICH)

    await trading.at(trading.clock.now() + timedelta(days=2))

    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.performance_minor) == ("funded", DEPOSIT)


async def test_a_deposit_that_never_came_is_the_sellers_default(trading: Trading) -> None:
    deal_id = await unsecured(trading, 1_000_000)

    await trading.at(trading.clock.now() + timedelta(days=2))

    assert (await store.load(Pool(), deal_id)).state == "defaulted"
    found = await accounts()
    assert (found["cash factory"], found["cash mill"]) == (RICH + 1_000_000, 0)
    assert await held() == 0
    await is_sound()


async def test_what_is_missing_is_the_sellers_own_affair(trading: Trading) -> None:
    deal_id = await unsecured(trading, 1_234_567)

    buys = await queries.deal(trading.actor("factory", "buyer"), deal_id)
    sells = await queries.deal(trading.actor("mill", "seller"), deal_id)

    assert (buys.missing_minor, sells.missing_minor) == (None, DEPOSIT - 1_234_567)
    assert (buys.performance_minor, sells.performance_minor) == (DEPOSIT, 1_234_567)
    assert "1234567" not in str(buys)
    assert "DepositAsked" in [entry.fact for entry in sells.timeline]
    assert "DepositAsked" not in [entry.fact for entry in buys.timeline]
    told = await Pool().rows("select organisation_id from notice where kind = 'deposit_asked'")
    assert [row["organisation_id"] for row in told] == [trading.id_of("mill")]
