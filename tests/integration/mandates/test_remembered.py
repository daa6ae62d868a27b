"""Bids are decided on what a process remembers; where that is no longer so, they are not."""

from __future__ import annotations

import asyncio

import pytest

from aggregator.auctions import bidding, store
from aggregator.errors import InsufficientFunds
from aggregator.journal.reading import entries
from aggregator.ledger import accounts, holds
from aggregator.mandates.errors import BeyondMandate
from aggregator.market import Actor, Answer, Unit
from matching.auctions.events import BidPlaced
from matching.auctions.refusals import NotImproving
from tests.builders import a_command, a_market
from tests.integration.mandates.building import PRICE, Firm

STEP = 1_000


async def test_a_policy_binds_from_the_next_bid_on(firm: Firm) -> None:
    auction_id = await firm.auction()
    for number in range(3):
        await firm.bid(auction_id, price_minor=PRICE + number * STEP)

    await firm.bind()

    with pytest.raises(BeyondMandate):
        await firm.bid(auction_id, price_minor=PRICE + 3 * STEP)


async def test_money_spent_elsewhere_does_not_cover_a_bid(firm: Firm) -> None:
    auction_id = await firm.auction()
    for number in range(3):
        receipt = await firm.bid(auction_id, price_minor=PRICE + number * STEP)
    cash = accounts.account_id(accounts.CASH, firm.id, "CNY")

    async def spend_all(unit: Unit) -> Answer:
        balance, held, _ = await accounts.lock(unit, cash)
        await holds.place(unit, cash, balance - held, "elsewhere")
        return {}

    await firm.market.perform(Actor.SYSTEM, "test", spend_all)

    with pytest.raises(InsufficientFunds) as refused:
        await firm.bid(auction_id, price_minor=2 * PRICE)
    assert refused.value.available_minor == receipt["deposit_minor"]


async def test_two_processes_on_one_auction_agree_on_one_order(firm: Firm) -> None:
    auction_id = await firm.auction()
    clerk, markets = firm.people["clerk"], (firm.market, a_market(firm.clock))
    refused = 0
    for number in range(0, 40, 4):
        found = await asyncio.gather(
            *(
                bidding.place_bid(
                    market,
                    clerk,
                    a_command(),
                    auction_id,
                    price_minor=PRICE + (number + more) * STEP,
                    lots=10,
                )
                for more in (0, 1)
                for market in markets
            ),
            return_exceptions=True,
        )
        refused += sum(isinstance(one, NotImproving) for one in found)
        assert all(not isinstance(one, Exception) or isinstance(one, NotImproving) for one in found)

    facts = [entry.fact for entry in await entries(None, store.stream_of(auction_id))]
    bids = [fact for fact in facts if isinstance(fact, BidPlaced)]
    assert [bid.seq for bid in bids] == list(range(1, 41 - refused))
    assert [bid.price_minor for bid in bids] == sorted({bid.price_minor for bid in bids})
