"""A wrong bid is taken out: the mandate bears what stands again."""

from __future__ import annotations

import pytest

from aggregator.auctions import opening, stopping
from aggregator.market import Actor, Answer, Unit
from tests.builders import a_command
from tests.integration.auctions.building import COLLEAGUE, some_terms
from tests.integration.mandates.building import OPERATOR, PRICE, Firm


async def taken_out(firm: Firm, auction_id: str, bid_id: str) -> None:
    proposal = await stopping.propose_withdrawal(
        firm.market, OPERATOR, a_command(), auction_id, bid_id, reason="ten times the price"
    )
    motion_id = proposal.answer["motion_id"]
    await stopping.approve(firm.market, COLLEAGUE, a_command(), auction_id, motion_id)


@pytest.mark.parametrize("reserved", [0, 20 * PRICE])
async def test_a_mandate_bears_what_stands_again(firm: Firm, reserved: int) -> None:
    await firm.bind()
    mandate_id = await firm.mandate(**({"reserve_minor": reserved} if reserved else {}))
    auction_id = await firm.auction(improve="own")
    first = await firm.bid(auction_id, 10)
    wrong = await firm.bid(auction_id, 10, 10 * PRICE)
    before = await firm.of_mandate(mandate_id)

    await taken_out(firm, auction_id, wrong["bid_id"])
    again, held = await firm.of_mandate(mandate_id), await firm.held()
    await taken_out(firm, auction_id, first["bid_id"])
    nothing = await firm.of_mandate(mandate_id)

    assert (before["used_minor"], again["used_minor"]) == (100 * PRICE, 10 * PRICE)
    assert nothing["used_minor"] == 0
    # What the deposit no longer takes is reserved again, and nothing more.
    assert held == max(reserved, PRICE)
    assert await firm.held() == reserved


async def test_a_dearer_bid_that_stands_again_counts_as_it_did(firm: Firm) -> None:
    await firm.hire("trader", "seller")
    await firm.bind()
    mandate_id = await firm.mandate("trader")

    async def step(unit: Unit) -> Answer:
        terms = some_terms(side="buy", improve="own")
        return {"auction_id": await opening.open_within(unit, terms, "pool:p1:1")}

    opened = await firm.market.perform(Actor.SYSTEM, "auctions.open", step)
    auction_id = str(opened.answer["auction_id"])
    await firm.bid(auction_id, 100, by="trader")
    wrong = await firm.bid(auction_id, 100, PRICE // 10, by="trader")
    before = await firm.of_mandate(mandate_id)

    await taken_out(firm, auction_id, wrong["bid_id"])

    again = await firm.of_mandate(mandate_id)
    assert (before["used_minor"], again["used_minor"]) == (10 * PRICE, 100 * PRICE)
