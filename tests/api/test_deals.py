"""A deal and its money over HTTP, from a bank line to a returned lot."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import httpx

from aggregator.ledger.verifying import verify
from aggregator.settlement.simulator import SimulatedBank
from tests.api.conftest import Served, Visitor
from tests.builders import a_deal, with_account, with_cash, with_sugar

TODAY = date(2027, 1, 4)


async def parties(served: Served) -> dict[str, Visitor]:
    """A factory and a mill, each with a person a role; a stranger and the operator."""
    await with_sugar(served.market)
    buyer = await served.member("Factory", "buyer")
    seller = await served.member("Mill", "seller", kind="mill")
    await with_cash(served.market, seller.organisation_id, 10**9)
    return {
        "buyer": buyer,
        "finance": await served.visitor(buyer.organisation_id, "finance"),
        "warehouse": await served.visitor(buyer.organisation_id, "logistics"),
        "seller": seller,
        "stranger": await served.member("Stranger", "buyer", "seller"),
        "operator": await served.operator(),
    }


async def formed(served: Served, found: dict[str, Visitor], lots: int = 1000) -> str:
    return await a_deal(
        served.market,
        buyer=found["buyer"].organisation_id,
        seller=found["seller"].organisation_id,
        lots=lots,
        freight_minor=10_600,
    )


async def settled(served: Served, found: dict[str, Visitor]) -> str:
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)
    path = f"/deals/{deal_id}"
    for who, act, body in (
        ("finance", "fund", {}),
        ("seller", "ship", {"lots": 1000, "carrier": "China Rail"}),
        ("seller", "deliver", {"lots": 1000, "place": "Nanning 3", "document": "WB-17"}),
        ("warehouse", "accept", {"lots": 1000, "measured": {"quality": "dry, 120 IU"}}),
        ("seller", "invoice", {}),
    ):
        answer = await found[who].post(f"{path}/{act}", body)
        assert answer.status_code == 200, answer.text
    return deal_id


async def test_a_call_is_paid_through_the_bank_and_the_deal_settles(served: Served) -> None:
    found = await parties(served)
    deal_id = await formed(served, found)
    due = (await found["finance"].get("/money")).json()
    (call,) = due["calls"]
    bank = SimulatedBank("CN-6222-01", "CNY")
    bank.receive("Factory", 10**9, remittance=f"sugar {call['reference']}", booked_on=TODAY)

    imported = await post_csv(found["operator"], bank.statement())

    assert imported.json()["matched"] == 1, imported.text
    assert (call["escrow"], call["amount"]) == (deal_id, (await shown(found, deal_id))["total"])
    path = f"/deals/{deal_id}"
    funded = await found["finance"].post(f"{path}/fund")
    assert funded.json() == {
        "deal_id": deal_id,
        "state": "funded",
        "amount": call["amount"],
        "left": "0.00",
        "currency": "CNY",
    }
    await found["seller"].post(f"{path}/ship", {"lots": 1000, "carrier": "China Rail"})
    receipt = {"lots": 1000, "place": "Nanning 3", "document": "WB-17", "weight_kg": 1_000_000}
    await found["seller"].post(f"{path}/deliver", receipt)
    await found["warehouse"].post(f"{path}/accept", {"lots": 1000})
    invoiced = (await found["seller"].post(f"{path}/invoice")).json()
    assert (invoiced["state"], invoiced["missing"]) == ("settled", [])
    assert (await shown(found, deal_id))["escrow"] == "0.00"
    assert not (await verify()).differences


async def test_a_deal_shows_its_glass_box_and_its_way(served: Served) -> None:
    found = await parties(served)
    deal_id = await settled(served, found)

    seen = await shown(found, deal_id)

    assert {line["kind"]: line["amount"] for line in seen["lines"]} == {
        "goods": "4950000.00",
        "logistics": "106000.00",
        "capital": "0.00",
        "information": "9900.00",
        "tax": "657280.00",
        "service_tax": "594.00",
    }
    assert seen["total"] == "5723774.00"
    assert seen["lines"] == seen["accepted_lines"]
    assert all(seen["evidences"].values())
    assert list(seen["evidences"]) == ["contract", "money", "invoice", "receipt", "title"]
    assert [term["dimension"] for term in seen["terms"]] == [
        "time",
        "place",
        "price",
        "manner",
        "quality",
        "quantity",
    ]
    assert seen["terms"][4]["measured"] == "dry, 120 IU"
    assert seen["timeline"][0]["fact"] == "DealFormed"
    assert seen["timeline"][-1]["fact"] == "DealSettled"
    assert [d["kind"] for d in seen["documents"]] == ["invoice", "invoice"]
    assert (seen["side"], seen["counterparty"], seen["state"]) == ("buyer", "Mill", "settled")


async def test_each_role_sees_what_waits_for_it(served: Served) -> None:
    found = await parties(served)
    deal_id = await formed(served, found)

    waiting = {
        who: (await found[who].get("/deals")).json()["deals"][0]["tasks"]
        for who in ("finance", "buyer", "seller")
    }

    for who, is_mine in (("finance", True), ("buyer", False), ("seller", False)):
        (task,) = waiting[who]
        assert (task["act"], task["side"], task["is_mine"]) == ("deals.fund", "buyer", is_mine)
    assert (await found["finance"].get(f"/deals/{deal_id}")).json()["tasks"] == waiting["finance"]


async def test_a_wet_lot_comes_back_as_a_credit_note(served: Served) -> None:
    found = await parties(served)
    deal_id = await settled(served, found)

    body = {"lots": 1, "reason": "wet", "evidence": "photo 7"}
    answer = await found["warehouse"].post(f"/deals/{deal_id}/return", body)

    assert answer.status_code == 200, answer.text
    assert answer.json()["freight_by"] == "seller"
    seen = await shown(found, deal_id)
    assert (seen["state"], seen["note"], seen["returned_lots"]) == ("settled", "returned", 1)
    notes = [d for d in seen["documents"] if d["kind"] == "credit_note"]
    assert [(d["number"], d["total"], d["refund"]) for d in notes] == [
        (1, "5713.28", "paid"),
        (1, "10.49", "paid"),
    ]
    assert not (await verify()).differences


async def test_to_others_a_deal_does_not_exist(served: Served) -> None:
    found = await parties(served)
    deal_id = await formed(served, found)

    absent = await found["stranger"].get("/deals/deal_01AAAAAAAAAAAAAAAAAAAAAAAA")
    hidden = await found["stranger"].get(f"/deals/{deal_id}")
    acted = await found["stranger"].post(f"/deals/{deal_id}/ship", {"lots": 1, "carrier": "me"})
    operator = await found["operator"].get(f"/deals/{deal_id}")

    assert absent.status_code == hidden.status_code == acted.status_code == 404
    assert without_request(absent.json()) == without_request(hidden.json())
    assert operator.status_code == 403
    assert (await found["stranger"].get("/deals")).json() == {"deals": []}


async def test_the_seller_does_not_learn_what_cash_the_buyer_has(served: Served) -> None:
    found = await parties(served)
    rich = await formed(served, found)
    await with_cash(served.market, found["buyer"].organisation_id, 4_711)
    poor = await formed(served, found)

    seen = [(await found["seller"].get(f"/deals/{deal_id}")).json() for deal_id in (rich, poor)]

    for one in seen:
        assert [one[name] for name in ("deposit", "call", "call_reference", "escrow")] == [None] * 4
        assert "47.11" not in str(one)
    assert seen[0]["timeline"][0]["figures"] == seen[1]["timeline"][0]["figures"]


async def test_refusals_name_field_rule_and_figure(served: Served) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)
    path = f"/deals/{deal_id}"
    await found["finance"].post(f"{path}/fund")

    too_many = await found["seller"].post(f"{path}/ship", {"lots": 1001, "carrier": "Rail"})
    too_early = await found["warehouse"].post(f"{path}/accept", {"lots": 1})
    wrong_side = await found["buyer"].post(f"{path}/ship", {"lots": 1, "carrier": "Rail"})
    no_number = await found["seller"].post(f"{path}/ship", {"lots": "1", "carrier": "Rail"})

    assert too_many.status_code == 422
    shown_fault = {name: too_many.json()[name] for name in ("pointer", "rule", "figure")}
    assert shown_fault == {"pointer": "/lots", "rule": "at_most", "figure": 1000}
    assert (too_early.status_code, too_early.json()["code"]) == (409, "wrong_state")
    assert wrong_side.status_code == 403
    assert no_number.json()["pointer"] == "/lots"


async def test_the_same_key_acts_once(served: Served) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)

    first = await found["finance"].post(f"/deals/{deal_id}/fund", key="pay-once")
    again = await found["finance"].post(f"/deals/{deal_id}/fund", key="pay-once")

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_statement_twice_changes_nothing_and_strays_wait_for_a_person(
    served: Served,
) -> None:
    found = await parties(served)
    reference = (await found["finance"].get("/money")).json()["deposit_reference"]
    lines = [
        bank_line("E1", "100.00", f"top up {reference}"),
        bank_line("E2", "7.00", "who am I"),
    ]

    first = (await found["operator"].post("/bank/lines", {"lines": lines})).json()
    again = (await found["operator"].post("/bank/lines", {"lines": lines[::-1]})).json()
    (stray,) = (await found["operator"].get("/bank/unmatched")).json()["lines"]
    await found["operator"].post(
        f"/bank/unmatched/{stray['line_id']}/assign",
        {"organisation_id": found["buyer"].organisation_id},
    )

    assert (first["matched"], first["unmatched"], first["duplicate"]) == (1, 1, 0)
    assert (again["matched"], again["unmatched"], again["duplicate"]) == (0, 0, 2)
    (balance,) = (await found["finance"].get("/money")).json()["balances"]
    assert balance["available"] == "107.00"
    assert (await found["operator"].get("/bank/unmatched")).json() == {"lines": []}
    assert not (await verify()).differences


async def test_a_forged_line_stops_the_whole_statement(served: Served) -> None:
    found = await parties(served)
    reference = (await found["finance"].get("/money")).json()["deposit_reference"]
    await found["operator"].post("/bank/lines", {"lines": [bank_line("E1", "1.00", reference)]})

    forged = [bank_line("E2", "5.00", reference), bank_line("E1", "9.00", reference)]
    answer = await found["operator"].post("/bank/lines", {"lines": forged})

    assert answer.status_code == 422
    assert answer.json()["pointer"] == "/lines/1/entry_reference"
    (balance,) = (await found["finance"].get("/money")).json()["balances"]
    assert balance["balance"] == "1.00"


async def test_cash_leaves_when_the_bank_shows_it(served: Served) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10_000)
    await with_account(found["buyer"].organisation_id)
    body = {"amount": "60.00", "payee_account": "6222 0000 1234"}

    ordered = (await found["finance"].post("/payments", body)).json()
    refused = await found["finance"].post("/payments", body)
    between = (await found["finance"].get("/money")).json()["balances"][0]
    debit = {**bank_line("E9", "60.00", ordered["reference"]), "direction": "debit"}
    await found["operator"].post("/bank/lines", {"lines": [debit]})
    after = (await found["finance"].get("/money")).json()

    assert refused.json()["code"] == "insufficient_funds"
    # Who declared it is not known to the firm, and its account is there all the same.
    assert [one["number"] for one in after["accounts"]] == ["622200001234"]
    assert (between["balance"], between["available"]) == ("100.00", "40.00")
    assert (after["balances"][0]["balance"], after["balances"][0]["held"]) == ("40.00", "0.00")
    assert after["payments"][0]["state"] == "paid"
    assert not (await verify()).differences


async def test_a_buyer_cannot_release_money_nor_see_the_desk(served: Served) -> None:
    found = await parties(served)
    deal_id = await formed(served, found)

    assert (await found["buyer"].post(f"/deals/{deal_id}/fund")).status_code == 403
    assert (await found["finance"].get("/bank/unmatched")).status_code == 403
    body = {"amount": "1.00", "payee_account": "6222 0000 1234"}
    assert (await found["buyer"].post("/payments", body)).status_code == 403


async def shown(found: dict[str, Visitor], deal_id: str) -> dict[str, Any]:
    answer = await found["buyer"].get(f"/deals/{deal_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def post_csv(visitor: Visitor, statement: str) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {visitor.token}",
        "Content-Type": "text/csv",
        "Idempotency-Key": "statement-1",
    }
    return await visitor.client.post("/api/v1/bank/lines", content=statement, headers=headers)


def bank_line(reference: str, amount: str, remittance: str) -> dict[str, str]:
    return {
        "account": "CN-6222-01",
        "entry_reference": reference,
        "direction": "credit",
        "amount": amount,
        "currency": "CNY",
        "booked_on": "2027-01-04",
        "payer": "Factory",
        "remittance": remittance,
    }


def without_request(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request"}


async def test_a_statement_runs_from_balance_to_balance(served: Served) -> None:
    found = await parties(served)
    deal_id = await settled(served, found)

    answer = await found["finance"].get("/money/statement.csv")
    later = await found["finance"].get("/money/statement.csv?since=2030-01-01T00:00:00Z")
    other = await found["stranger"].get("/money/statement.csv")

    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    (balance,) = (await found["finance"].get("/money")).json()["balances"]
    assert answer.headers["content-type"].startswith("text/csv")
    kinds = ["deal.deposit", "deal.fund", "deposit"]
    assert sorted(line["kind"] for line in lines) == kinds
    assert lines[0]["amount"] == lines[0]["balance"]
    assert lines[-1]["balance"] == balance["balance"]
    assert {line["reference"] for line in lines} == {deal_id, "test"}
    assert len(later.content.splitlines()) == len(other.content.splitlines()) == 1
