"""A stray credit that the bank told no account of: two persons say where it goes back to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from aggregator.settlement.simulator import SimulatedBank
from tests.api.conftest import Served, Visitor
from tests.api.test_bank_files import post_xml

TODAY = date(2027, 1, 4)
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
ACCOUNT, OTHER = "DE89370400440532013000", "GB82WEST12345698765432"


async def desk(served: Served) -> tuple[Visitor, Visitor]:
    one = await served.operator()
    return one, await served.visitor(one.organisation_id, "operator")


async def stray(operator: Visitor, bank: SimulatedBank, payer_account: str = "") -> str:
    """Take in a credit of nobody's and return the path of its line."""
    bank.receive("Somebody", 70_000, remittance="?", booked_on=TODAY, payer_account=payer_account)
    await post_xml(operator, bank.camt(NOON), "stray")
    (line,) = (await operator.get("/bank/unmatched")).json()["lines"]
    return f"/bank/unmatched/{line['line_id']}"


async def propose(operator: Visitor, path: str, account: str = ACCOUNT) -> dict[str, Any]:
    answer = await operator.post(f"{path}/send-back", {"payee_account": account})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def payments(operator: Visitor) -> list[tuple[str, str]]:
    found = (await operator.get("/bank/payments")).json()["payments"]
    return [(one["payee_account"], one["amount"]) for one in found]


@pytest.mark.parametrize("told", ["", "NOTPROVIDED", "6222********5678"])
async def test_nobody_alone_says_where_a_stray_credit_goes(served: Served, told: str) -> None:
    one, two = await desk(served)
    path = await stray(one, SimulatedBank("CN-6222-01", "CNY"), told)

    asked = await propose(one, path)
    alone = await one.post(f"/consents/{asked['consent_id']}/agree")
    before = await payments(one)
    (shown,) = (await two.get("/consents")).json()["consents"]
    agreed = await two.post(f"/consents/{asked['consent_id']}/agree")

    assert (asked["line_state"], asked["state"], asked["payment_id"]) == (
        "unmatched",
        "waiting",
        None,
    )
    assert (alone.status_code, before) == (403, [])
    assert (shown["kind"], shown["figures"]) == (
        "send_back",
        {
            "amount": "700.00",
            "currency": "CNY",
            "payer": "Somebody",
            "payee_account": ACCOUNT,
            "remittance": "?",
        },
    )
    assert agreed.json()["state"] == "agreed"
    assert await payments(one) == [(ACCOUNT, "700.00")]
    assert (await one.get("/bank/unmatched")).json()["lines"] == []
    assert not (await verify()).differences


async def test_the_record_shows_where_it_went_and_who_agreed(served: Served) -> None:
    one, two = await desk(served)
    path = await stray(one, SimulatedBank("CN-6222-01", "CNY"))

    asked = await propose(one, path)
    await two.post(f"/consents/{asked['consent_id']}/agree")

    people = [(await who.get("/me")).json()["person"] for who in (one, two)]
    (row,) = await Pool().rows("select body from journal where kind = 'MoneySentBack'")
    assert ACCOUNT in str(row["body"])
    assert all(person in str(row["body"]) for person in people)


async def test_one_person_sends_it_back_where_the_bank_told_it_came_from(served: Served) -> None:
    one, _ = await desk(served)
    path = await stray(one, SimulatedBank("CN-6222-01", "CNY"), ACCOUNT)

    other = await one.post(f"{path}/send-back", {"payee_account": OTHER})
    sent = await propose(one, path)

    assert other.status_code == 422
    assert (sent["line_state"], sent["consent_id"]) == ("returned", None)
    assert await payments(one) == [(ACCOUNT, "700.00")]


async def test_an_account_that_is_told_afterwards_still_takes_two(served: Served) -> None:
    one, two = await desk(served)
    bank = SimulatedBank("CN-6222-01", "CNY")
    path = await stray(one, bank)
    first = await propose(one, path, OTHER)
    bank.entries.clear()
    bank.receive("Somebody", 70_000, remittance="?", booked_on=TODAY, payer_account=ACCOUNT)
    await post_xml(one, bank.camt(NOON), "later")

    withdrawn = await two.post(f"/consents/{first['consent_id']}/agree")
    second = await propose(one, path)

    assert withdrawn.status_code == 409
    assert (second["state"], await payments(one)) == ("waiting", [])


async def test_a_proposal_ends_when_anything_about_the_line_changes(served: Served) -> None:
    one, two = await desk(served)
    firm = await served.member("Factory", "finance")
    bank = SimulatedBank("CN-6222-01", "CNY")
    path = await stray(one, bank)
    asked = [await propose(one, path)]
    bank.take_back(bank.entries[0], booked_on=TODAY, amount_minor=10_000)
    await post_xml(one, bank.camt(NOON, after=1), "part")
    asked.append(await propose(one, path))
    asked.append(await propose(one, path, OTHER))
    await two.post(f"{path}/assign", {"organisation_id": firm.organisation_id})

    answers = [await two.post(f"/consents/{one['consent_id']}/agree") for one in asked]

    assert [one["amount"] for one in asked] == ["700.00", "600.00", "600.00"]
    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert (await two.get("/consents")).json()["consents"] == []
    assert await payments(one) == []
    assert not (await verify()).differences


async def test_one_person_is_enough_to_refuse(served: Served) -> None:
    one, two = await desk(served)
    path = await stray(one, SimulatedBank("CN-6222-01", "CNY"))
    asked = await propose(one, path)

    refused = await two.post(f"/consents/{asked['consent_id']}/refuse")

    assert refused.json()["state"] == "refused"
    assert (await two.post(f"/consents/{asked['consent_id']}/agree")).status_code == 409
    assert len((await one.get("/bank/unmatched")).json()["lines"]) == 1
    assert await payments(one) == []
