"""Payment files: each payment in one of them, each file the same however often it is read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from aggregator.ledger.verifying import verify
from aggregator.settlement import payment_files
from aggregator.settlement.pain import read_pain
from aggregator.settlement.simulator import SimulatedBank
from tests.api.conftest import Served, Visitor
from tests.api.test_bank_files import post_xml
from tests.builders import with_account, with_cash

TODAY = date(2027, 1, 4)
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
PATH = "/bank/payment-files"
ACCOUNT = {"account": "CN-6222-01"}


async def a_cashier(served: Served, cash_minor: int = 10_000) -> Visitor:
    """Return the finance person of a firm with cash and an account to pay it out to."""
    cashier = await served.member("Factory", "finance")
    await with_account(cashier.organisation_id)
    await with_cash(served.market, cashier.organisation_id, cash_minor)
    return cashier


async def pay_out(cashier: Visitor, amount: str) -> str:
    body = {"amount": amount, "payee_account": "6222 0000 1234"}
    answer = await cashier.post("/payments", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["reference"])


async def test_a_payment_stands_in_one_file_and_a_file_is_had_again_as_it_was(
    served: Served,
) -> None:
    cashier, operator = await a_cashier(served), await served.operator()
    first = await pay_out(cashier, "20.00")
    one = (await operator.post(PATH, ACCOUNT, key="make-one")).json()
    text = (await operator.get(f"{PATH}/{one['message_id']}")).text
    second, third = [await pay_out(cashier, amount) for amount in ("3.00", "0.40")]

    again = (await operator.post(PATH, ACCOUNT, key="make-one")).json()
    two = (await operator.post(PATH, ACCOUNT)).json()
    empty = await operator.post(PATH, ACCOUNT)

    files = [(await operator.get(f"{PATH}/{made['message_id']}")).text for made in (one, two)]
    assert again == one
    assert files[0] == text
    assert f"<MsgId>{one['message_id']}</MsgId>" in text
    held = [{order.reference for order in read_pain(file)} for file in files]
    assert held == [{first}, {second, third}]
    assert (empty.status_code, empty.json()["code"]) == (409, "conflict")
    assert "没有尚未列入付款文件的付款" in empty.json()["detail"]
    listed = (await operator.get(PATH)).json()["files"]
    assert {row["message_id"]: (row["payments"], row["amount"]) for row in listed} == {
        one["message_id"]: (1, "20.00"),
        two["message_id"]: (2, "3.40"),
    }
    assert all(row["made_by"] and row["made_at"] for row in listed)
    waiting = (await operator.get("/bank/payments")).json()["payments"]
    assert {row["reference"]: row["message_id"] for row in waiting} == {
        first: one["message_id"],
        second: two["message_id"],
        third: two["message_id"],
    }


async def test_a_bank_that_carries_out_every_file_pays_every_payment_once(served: Served) -> None:
    cashier, operator = await a_cashier(served), await served.operator()
    bank = SimulatedBank("CN-6222-01", "CNY")
    for amount in ("20.00", "3.00", "0.40"):
        await pay_out(cashier, amount)
        await operator.post(PATH, ACCOUNT)

    for row in (await operator.get(PATH)).json()["files"]:
        file = await operator.get(f"{PATH}/{row['message_id']}")
        bank.carry_out(file.text, booked_on=TODAY)
    taken = (await post_xml(operator, bank.camt(NOON), "all")).json()

    assert (taken["matched"], taken["unmatched"]) == (3, 0)
    (balance,) = (await cashier.get("/money")).json()["balances"]
    assert (balance["balance"], balance["held"]) == ("76.60", "0.00")
    assert not (await verify()).differences


async def test_of_two_operators_at_once_one_makes_the_file(served: Served) -> None:
    cashier, operator = await a_cashier(served), await served.operator()
    await pay_out(cashier, "20.00")
    others = [replace(operator) for _ in range(4)]

    answers = await asyncio.gather(*(one.post(PATH, ACCOUNT) for one in others))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len((await operator.get(PATH)).json()["files"]) == 1


async def test_a_refused_payment_stands_in_no_later_file(served: Served) -> None:
    cashier, operator = await a_cashier(served), await served.operator()
    await pay_out(cashier, "20.00")
    (row,) = (await operator.get("/bank/payments")).json()["payments"]
    await operator.post(f"/bank/payments/{row['payment_id']}/fail")

    assert (await operator.post(PATH, ACCOUNT)).status_code == 409


async def test_what_one_file_has_no_room_for_stands_in_the_next(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_files, "MAX_PAYMENTS", 2)
    cashier, operator = await a_cashier(served), await served.operator()
    for amount in ("20.00", "3.00", "0.40"):
        await pay_out(cashier, amount)

    made = [(await operator.post(PATH, ACCOUNT)).json() for _ in range(2)]

    assert [one["payments"] for one in made] == [2, 1]


async def test_only_the_operator_makes_and_reads_files(served: Served) -> None:
    cashier, operator = await a_cashier(served), await served.operator()
    await pay_out(cashier, "20.00")
    made = (await operator.post(PATH, ACCOUNT)).json()

    refused = [
        await cashier.post(PATH, ACCOUNT),
        await cashier.get(PATH),
        await cashier.get(f"{PATH}/{made['message_id']}"),
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert (await operator.get(f"{PATH}/PAIN-0")).status_code == 404
    assert (await operator.post(PATH, {"account": "A&B"})).status_code == 422
