"""Bank files over HTTP: camt.053 in, pain.001 out, a wrong payer's money back."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx

from aggregator.ledger.verifying import verify
from aggregator.settlement.simulator import SimulatedBank
from aggregator.settlement.statements import COLUMNS
from tests.api.conftest import Served, Visitor
from tests.api.test_deals import formed, parties, settled

TODAY = date(2027, 1, 4)
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)


async def post_xml(visitor: Visitor, statement: str, key: str) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {visitor.token}",
        "Content-Type": "application/xml",
        "Idempotency-Key": key,
    }
    content = statement.encode()
    return await visitor.client.post("/api/v1/bank/lines", content=content, headers=headers)


async def test_a_wrong_payers_money_comes_in_and_goes_back_by_file(served: Served) -> None:
    found = await parties(served)
    await formed(served, found)
    (call,) = (await found["finance"].get("/money")).json()["calls"]
    bank = SimulatedBank("CN-6222-01", "CNY")
    bank.receive("Factory", 1_000, remittance=call["reference"], booked_on=TODAY)
    bank.receive(
        "Somebody",
        70_000,
        remittance=call["reference"],
        booked_on=TODAY,
        payer_account="622200009999",
    )

    taken = (await post_xml(found["operator"], bank.camt(NOON), "one")).json()
    again = (await post_xml(found["operator"], bank.camt(NOON), "two")).json()
    (line,) = (await found["operator"].get("/bank/unmatched")).json()["lines"]
    sent = await found["operator"].post(
        f"/bank/unmatched/{line['line_id']}/send-back", {"payee_account": "6222 0000 9999"}
    )
    made = await found["operator"].post("/bank/payment-files", {"account": "CN-6222-01"})
    path = f"/bank/payment-files/{made.json()['message_id']}"
    ordered = await found["operator"].get(path)
    bank.carry_out(ordered.text, booked_on=TODAY)
    final = (await post_xml(found["operator"], bank.camt(NOON, after=2), "three")).json()

    assert (taken["matched"], taken["unmatched"], again["duplicate"]) == (1, 1, 2)
    assert (line["reason"], line["payer"], line["amount"]) == ("wrong_payer", "Somebody", "700.00")
    assert (sent.json()["line_state"], sent.json()["amount"]) == ("returned", "700.00")
    assert ordered.headers["content-type"] == "application/xml"
    assert final["matched"] == 1
    assert (await found["finance"].get(path)).status_code == 403
    money = (await found["finance"].get("/money")).json()
    assert [one["balance"] for one in money["balances"]] == ["10.00"]
    assert not (await verify()).differences


async def test_a_bomb_is_refused_and_moves_nothing(served: Served) -> None:
    found = await parties(served)
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><Document>&b;</Document>'

    answer = await post_xml(found["operator"], bomb, "bomb")

    assert answer.status_code == 422
    assert answer.json()["rule"] == "xml_safe"
    assert (await found["operator"].get("/bank/unmatched")).json()["lines"] == []


async def test_the_operator_books_the_banks_charge_and_reads_what_all_accounts_hold(
    served: Served,
) -> None:
    found = await parties(served)
    await settled(served, found)
    bank = SimulatedBank("CN-6222-01", "CNY")
    bank.pay("The bank", 1_500, reference="charge of March", booked_on=TODAY)
    await post_xml(found["operator"], bank.camt(NOON), "one")
    (line,) = (await found["operator"].get("/bank/unmatched")).json()["lines"]
    before = (await found["operator"].get("/bank/trial-balance")).json()

    charged = await found["operator"].post(f"/bank/unmatched/{line['line_id']}/charge")
    after = (await found["operator"].get("/bank/trial-balance")).json()

    assert charged.json() == {"line_id": line["line_id"], "state": "charged"}
    (was,), (now,) = before["totals"], after["totals"]
    assert (was["debit"], was["unbooked"]) == (was["credit"], "15.00")
    assert (now["debit"], now["unbooked"]) == (now["credit"], "0.00")
    assert [row["purpose"] for row in after["rows"]] == ["bank", "cash", "escrow", "fees", "tax"]
    assert (await found["finance"].get("/bank/trial-balance")).status_code == 403


async def test_a_part_is_taken_back_and_a_batch_told_twice_is_dropped(served: Served) -> None:
    found = await parties(served)
    operator = found["operator"]
    reference = (await found["finance"].get("/money")).json()["deposit_reference"]
    bank = SimulatedBank("CN-6222-01", "CNY")
    credit = bank.receive("Factory", 90_000, remittance=reference, booked_on=TODAY)
    bank.take_back(credit, booked_on=TODAY, amount_minor=30_000)
    row = f"CN-6222-01,{{}},credit,{{}},CNY,2027-01-04,Factory,{reference}"
    told = [("X/1", "10.00"), ("X/2", "5.00"), ("X", "15.01")]

    taken = (await post_xml(operator, bank.camt(NOON), "one")).json()
    lines = [dict(zip(COLUMNS, row.format(*one).split(","), strict=True)) for one in told]
    doubtful = (await operator.post("/bank/lines", {"lines": lines})).json()
    (waiting,) = (await operator.get("/bank/unmatched")).json()["lines"]
    path = f"/bank/unmatched/{waiting['line_id']}/same-money"
    others = await found["finance"].post(path)
    dropped = await operator.post(path)
    again = await operator.post(path)

    assert (taken["matched"], taken["reversed"]) == (1, 1)
    assert [line["state"] for line in doubtful["lines"]] == ["matched", "matched", "unmatched"]
    assert (waiting["reason"], waiting["amount"]) == ("batch_unclear", "15.01")
    assert (others.status_code, dropped.json()["state"], again.status_code) == (
        403,
        "duplicate",
        409,
    )
    money = (await found["finance"].get("/money")).json()
    assert [one["balance"] for one in money["balances"]] == ["615.00"]
    assert not (await verify()).differences
