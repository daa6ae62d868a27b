from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aggregator.deals import funding, store
from aggregator.errors import InsufficientFunds, InvalidField, NotAllowed, WrongState
from aggregator.fulfilment import returning
from aggregator.fulfilment.returning import GoodsReturn, ReturnWindowOver
from aggregator.invoices import queries
from aggregator.journal.reading import Pool
from aggregator.settlement import payouts
from tests.builders import with_account
from tests.integration.deals.playing import (
    FEE,
    RICH,
    SELLER_PART,
    SERVICE_TAX,
    accounts,
    act,
    give_back,
    invoice,
    is_sound,
    settled,
    to_accepted,
)

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading


async def test_a_wet_lot_goes_back_with_its_share_of_everything(trading: Trading) -> None:
    deal_id = await settled(trading)
    before = await accounts()

    await give_back(trading, deal_id, 1)

    after = await accounts()
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    # 1 t: 4950.00 + 123.45 and its tax 659.55 (6595485 of 100 t less that of 99 t).
    assert moved == {
        "cash factory": 495_000 + 12_345 + 65_955 + 1_485 + 89,
        "cash mill": -(495_000 + 12_345 + 65_955),
        "fees": -1_485,
        "tax": -89,
    }
    deal = await store.load(Pool(), deal_id)
    assert (deal.state, deal.note, deal.returned_lots) == ("settled", "returned", 1)
    documents = await queries.documents(trading.actor("factory", "buyer"), deal_id)
    assert [(d.kind, d.issuer == "platform", d.number, d.refund) for d in documents] == [
        ("invoice", False, 1, None),
        ("invoice", True, 1, None),
        ("credit_note", False, 1, "paid"),
        ("credit_note", True, 1, "paid"),
    ]
    await is_sound()


async def test_credit_notes_of_many_returns_sum_to_the_invoice(trading: Trading) -> None:
    deal_id = await settled(trading)

    for lots in (1, 2, 3, 33, 61):
        await give_back(trading, deal_id, lots)

    documents = await queries.documents(trading.actor("factory", "finance"), deal_id)
    for issuer, total in ((trading.id_of("mill"), SELLER_PART), ("platform", FEE + SERVICE_TAX)):
        mine = [d for d in documents if d.issuer == issuer]
        assert [d.total_minor for d in mine if d.kind == "invoice"] == [total]
        assert sum(d.total_minor for d in mine if d.kind == "credit_note") == total
        assert [d.number for d in mine if d.kind == "credit_note"] == [1, 2, 3, 4, 5]
    assert (await accounts())["cash factory"] == RICH
    assert (await store.load(Pool(), deal_id)).state == "returned"
    await is_sound()


async def test_a_fee_of_less_than_a_fen_a_lot_comes_back_whole(trading: Trading) -> None:
    await trading.give("factory", RICH)
    await trading.give("mill", RICH)
    deal_id = await trading.form(goods_minor=100, freight_minor=0)
    await act(funding.fund, trading, "factory", "finance", deal_id)
    await to_accepted(trading, deal_id)
    await invoice(trading, deal_id)
    before = await accounts()

    await give_back(trading, deal_id, 10, reason="unwanted")
    for _ in range(90):
        await give_back(trading, deal_id, 1)

    after = await accounts()
    # 30 fen for 100 t; the fee of the 10 t that were merely unwanted stays.
    assert (before["fees"], before["tax"]) == (30, 2)
    assert (after["fees"], after["tax"]) == (3, 0)
    assert after["cash factory"] == RICH - 3
    await is_sound()


async def test_unwanted_lots_go_back_without_freight_and_fee(trading: Trading) -> None:
    deal_id = await settled(trading)
    before = (await accounts())["cash factory"]

    await give_back(trading, deal_id, 10, reason="unwanted")

    assert (await accounts())["cash factory"] - before == 4_950_000 + 643_500


async def test_more_than_was_accepted_cannot_go_back(trading: Trading) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 60)

    with pytest.raises(InvalidField) as refusal:
        await give_back(trading, deal_id, 41)

    assert refusal.value.figures() == {"pointer": "/lots", "rule": "at_most", "figure": 40}


async def test_a_return_of_a_return_is_refused(trading: Trading) -> None:
    deal_id = await settled(trading)
    await give_back(trading, deal_id, 100)

    with pytest.raises(WrongState):
        await give_back(trading, deal_id, 1)
    wanted = GoodsReturn(1, "wet", "photo")
    with pytest.raises(NotAllowed):
        await act(returning.return_lots, trading, "mill", "logistics", deal_id, wanted)


async def test_nothing_goes_back_after_the_window(trading: Trading) -> None:
    deal_id = await settled(trading)
    trading.clock.advance(timedelta(days=30))

    with pytest.raises(ReturnWindowOver):
        await give_back(trading, deal_id, 1)


async def test_a_refund_waits_until_the_seller_has_cash(trading: Trading) -> None:
    deal_id = await settled(trading)
    everything = (await accounts())["cash mill"]
    await trading.give("mill", -everything)
    before = (await accounts())["cash factory"]

    await give_back(trading, deal_id, 1)
    assert (await accounts())["cash factory"] - before == 1_485 + 89
    await trading.give("mill", 10_000_000)
    await trading.at(trading.clock.now() + timedelta(days=1))

    assert (await accounts())["cash factory"] - before == 495_000 + 12_345 + 65_955 + 1_485 + 89
    await is_sound()


async def test_who_owes_a_refund_cannot_pay_his_cash_out_before_it(trading: Trading) -> None:
    deal_id = await settled(trading)
    await trading.give("mill", -(await accounts())["cash mill"])
    await give_back(trading, deal_id, 100)
    await trading.give("mill", SELLER_PART + 5)
    bank = {"currency": "CNY", "payee_account": await with_account(trading.id_of("mill"))}

    with pytest.raises(InsufficientFunds) as refused:
        await act(payouts.order, trading, "mill", "finance", amount_minor=6, **bank)
    await act(payouts.order, trading, "mill", "finance", amount_minor=5, **bank)
    await trading.at(trading.clock.now() + timedelta(days=1))

    assert refused.value.available_minor == 5
    assert (await accounts())["cash factory"] == RICH
    await is_sound()
