"""Lots that did not come as promised cost the seller their share of his deposit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.deals import answering, cancelling, claims, store
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.fulfilment import accepting, shipping
from aggregator.journal.reading import Pool
from tests.integration.deals.playing import (
    RICH,
    accept,
    accounts,
    act,
    deliver,
    funded,
    held,
    invoice,
    is_sound,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

DEPOSIT = 4_950_000


async def delivered(trading: Trading, lots: int) -> str:
    deal_id = await funded(trading)
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=lots, carrier="Rail")
    await deliver(trading, deal_id, lots)
    return deal_id


async def only_claim(deal_id: str) -> claims.Claim:
    (found,) = (await claims.claims_of(Pool(), deal_id)).values()
    return found


async def contested(trading: Trading) -> tuple[str, str]:
    """Return a deal of 100 lots of which 40 were refused, and its contested claim."""
    deal_id = await delivered(trading, 100)
    await accept(trading, deal_id, 60)
    claim = await only_claim(deal_id)
    await act(
        answering.contest, trading, "mill", "seller", deal_id, claim.id, reason="dry on arrival"
    )
    return deal_id, claim.id


async def test_one_lot_of_a_hundred_costs_nearly_the_whole_deposit(trading: Trading) -> None:
    deal_id = await delivered(trading, 1)

    await accept(trading, deal_id, 1)
    await invoice(trading, deal_id)

    deal = await store.load(Pool(), deal_id)
    claim = await only_claim(deal_id)
    lost = DEPOSIT * 99 // 100
    assert (deal.state, deal.note, deal.forfeited_minor) == ("settled", "shortfall", lost)
    assert (claim.cause, claim.lots, claim.state) == ("undelivered", 99, "forfeited")
    assert claim.compensation_minor == lost
    found = await accounts()
    accepted = await store.lines_of(Pool(), deal_id, "accepted")
    paid = sum(line.amount_minor for line in accepted)
    assert found["cash factory"] == RICH - paid + lost
    assert found["escrow"] == 0
    assert await held() == 0
    await is_sound()


async def test_a_shortfall_within_tolerance_costs_nothing(trading: Trading) -> None:
    deal_id = await delivered(trading, 99)

    await accept(trading, deal_id, 99)

    assert await claims.claims_of(Pool(), deal_id) == {}
    assert await held() == DEPOSIT


async def test_refused_lots_keep_their_share_held_until_the_seller_answers(
    trading: Trading,
) -> None:
    deal_id = await delivered(trading, 100)
    await accept(trading, deal_id, 60)
    await invoice(trading, deal_id)

    assert await held() == DEPOSIT * 40 // 100
    claim = await only_claim(deal_id)
    assert (claim.cause, claim.state) == ("refused", "open")

    answer = await act(answering.concede, trading, "mill", "seller", deal_id, claim.id)

    assert answer.answer["compensation_minor"] == DEPOSIT * 40 // 100
    assert await held() == 0
    await is_sound()


async def test_silence_concedes_a_claim(trading: Trading) -> None:
    deal_id = await delivered(trading, 100)
    await accept(trading, deal_id, 60)

    await trading.at(trading.clock.now() + timedelta(days=3))

    assert (await only_claim(deal_id)).state == "forfeited"
    await is_sound()


async def test_the_operator_decides_a_contested_claim_in_lots(trading: Trading) -> None:
    deal_id, claim_id = await contested(trading)

    answer = await act(answering.decide, trading, "operator", "operator", claim_id, lots=10)

    claim = await only_claim(deal_id)
    assert answer.answer == {"claim_id": claim_id, "deal_id": deal_id, "lots": 10}
    assert (claim.state, claim.fault_lots) == ("forfeited", 10)
    assert claim.compensation_minor == DEPOSIT * 10 // 100
    await is_sound()


async def test_an_undecided_claim_frees_the_deposit(trading: Trading) -> None:
    deal_id, _ = await contested(trading)

    await trading.at(trading.clock.now() + timedelta(days=14))

    claim = await only_claim(deal_id)
    assert (claim.state, claim.compensation_minor) == ("freed", 0)
    assert await held() == DEPOSIT - DEPOSIT * 40 // 100
    await is_sound()


async def test_undelivered_and_refused_lots_are_claimed_apart(trading: Trading) -> None:
    deal_id = await delivered(trading, 80)

    await accept(trading, deal_id, 70)

    found = (await claims.claims_of(Pool(), deal_id)).values()
    assert [(one.cause, one.lots, one.state) for one in found] == [
        ("undelivered", 20, "forfeited"),
        ("refused", 10, "open"),
    ]
    assert sum(one.deposit_minor for one in found) == DEPOSIT * 30 // 100


async def test_a_refusal_found_right_costs_the_whole_deposit(trading: Trading) -> None:
    deal_id = await delivered(trading, 100)
    await act(accepting.refuse, trading, "factory", "buyer", deal_id, reason="all wet")

    await act(accepting.resolve, trading, "operator", "operator", deal_id, lots=0, fault="seller")

    assert (await store.load(Pool(), deal_id)).state == "cancelled"
    assert (await accounts())["cash factory"] == RICH + DEPOSIT
    assert await held() == 0
    await is_sound()


@pytest.mark.parametrize("is_decided", [True, False])
async def test_one_refused_lot_saves_no_deposit_of_those_that_never_came(
    trading: Trading, *, is_decided: bool
) -> None:
    deal_id = await delivered(trading, 1)
    await act(accepting.refuse, trading, "factory", "buyer", deal_id, reason="all wet")

    if is_decided:
        await act(accepting.resolve, trading, "operator", "operator", deal_id, lots=0)
    else:
        await trading.at(trading.clock.now() + timedelta(days=14))

    assert (await store.load(Pool(), deal_id)).state == "cancelled"
    assert (await accounts())["cash factory"] == RICH + DEPOSIT * 99 // 100
    assert await held() == 0
    await is_sound()


async def test_a_claim_is_answered_once_and_by_its_seller(trading: Trading) -> None:
    deal_id, claim_id = await contested(trading)

    with pytest.raises(NotFound):
        await act(answering.concede, trading, "rival", "seller", deal_id, claim_id)
    with pytest.raises(NotAllowed):
        await act(answering.concede, trading, "factory", "seller", deal_id, claim_id)
    with pytest.raises(NotFound):
        await act(answering.concede, trading, "mill", "seller", deal_id, "clm_other")
    with pytest.raises(WrongState):
        await act(
            answering.contest, trading, "mill", "seller", deal_id, claim_id, reason="once more"
        )
    with pytest.raises(InvalidField):
        await act(answering.decide, trading, "operator", "operator", claim_id, lots=41)
    await act(answering.decide, trading, "operator", "operator", claim_id, lots=0)
    with pytest.raises(WrongState):
        await act(answering.concede, trading, "mill", "seller", deal_id, claim_id)


async def test_a_proposal_to_cancel_is_taken_back(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(cancelling.cancel, trading, "factory", "buyer", deal_id)

    with pytest.raises(Conflict):
        await act(cancelling.withdraw, trading, "mill", "seller", deal_id)
    await act(cancelling.withdraw, trading, "factory", "buyer", deal_id)
    proposed = await act(cancelling.cancel, trading, "mill", "seller", deal_id)

    assert proposed.answer["state"] == "funded"
    assert proposed.answer["cancel_wanted_by"] == trading.id_of("mill")


async def test_a_proposal_to_cancel_ends_after_three_days(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(cancelling.cancel, trading, "factory", "buyer", deal_id)

    await trading.at(trading.clock.now() + timedelta(days=3))

    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.cancel_wanted_by) == ("funded", None)


async def test_shipping_ends_a_proposal_to_cancel(trading: Trading) -> None:
    deal_id = await funded(trading)
    await act(cancelling.cancel, trading, "factory", "buyer", deal_id)

    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")

    assert (await store.load(Pool(), deal_id)).cancel_wanted_by is None
