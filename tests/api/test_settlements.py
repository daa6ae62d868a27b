"""Whole settlements over HTTP, with the bank at both ends: five ways they go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from lxml import etree

from aggregator.ledger.verifying import verify
from aggregator.reactions import ON_TIMER
from aggregator.settlement.simulator import SimulatedBank
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served, Visitor
from tests.api.test_bank_files import post_xml
from tests.api.test_deals import formed, parties
from tests.builders import with_account

TODAY = date(2027, 1, 4)
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
TOTAL, DEPOSIT = 572_377_400, 57_237_740
PERFORMANCE_A_LOT = 49_500


class Town:
    """A buyer, a seller and a bank that writes real statements."""

    def __init__(self, served: Served, found: dict[str, Visitor]) -> None:
        self.served, self.found = served, found
        self.bank = SimulatedBank("CN-6222-01", "CNY")
        self.told = 0
        self.deal = ""

    async def pay_in(self, amount: int, payer: str = "Factory") -> dict[str, Any]:
        """Have the bank receive money under the buyer's reference, and import its statement."""
        money = (await self.found["finance"].get("/money")).json()
        self.bank.receive(payer, amount, remittance=money["deposit_reference"], booked_on=TODAY)
        return await self.import_statement()

    async def import_statement(self) -> dict[str, Any]:
        statement = self.bank.camt(NOON, after=self.told)
        key = f"statement-{len(self.bank.entries)}"
        answer = await post_xml(self.found["operator"], statement, key)
        assert answer.status_code == 200, answer.text
        self.told = len(self.bank.entries)
        imported: dict[str, Any] = answer.json()
        return imported

    async def form(self) -> None:
        self.deal = f"/deals/{await formed(self.served, self.found)}"

    async def act(self, who: str, act: str, body: object = None) -> dict[str, Any]:
        answer = await self.found[who].post(f"{self.deal}/{act}", body)
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    async def deliver(self, lots: int, accepted: int) -> None:
        await self.act("seller", "ship", {"lots": lots, "carrier": "China Rail"})
        receipt = {"lots": lots, "place": "Nanning 3", "document": "WB-17"}
        await self.act("seller", "deliver", receipt)
        await self.act("warehouse", "accept", {"lots": accepted})

    async def shown(self, who: str = "buyer") -> dict[str, Any]:
        seen: dict[str, Any] = (await self.found[who].get(self.deal)).json()
        return seen

    async def cash(self, who: str) -> str:
        money = (await self.found[who].get("/money")).json()
        return str(money["balances"][0]["balance"])

    async def pass_days(self, days: int) -> None:
        clock: Any = self.served.market.clock
        clock.set(clock.now() + timedelta(days=days))
        await ring_due(self.served.market, ON_TIMER)
        for name in ("buyer", "finance", "seller"):  # sessions are over by then
            firm = self.found[name].organisation_id
            self.found[name] = await self.served.visitor(firm, name)


async def a_town(served: Served) -> Town:
    return Town(served, await parties(served))


async def test_full_settlement_from_the_bank_to_the_bank(served: Served) -> None:
    town = await a_town(served)
    await town.pay_in(TOTAL)
    await town.form()
    await town.act("finance", "fund")
    await town.deliver(1000, 1000)

    settled = await town.act("seller", "invoice")

    assert (settled["state"], settled["missing"]) == ("settled", [])
    seen = await town.shown()
    assert [one["agrees"] for one in seen["match"]] == [True] * 5
    assert seen["escrow"] == await town.cash("finance") == "0.00"
    cashier = await served.visitor(town.found["seller"].organisation_id, "finance")
    await with_account(cashier.organisation_id)
    body = {"amount": settled["total"], "payee_account": "6222 0000 1234"}
    assert (await cashier.post("/payments", body)).status_code == 200
    made = await town.found["operator"].post("/bank/payment-files", {"account": "CN-6222-01"})
    path = f"/bank/payment-files/{made.json()['message_id']}"
    town.bank.carry_out((await town.found["operator"].get(path)).text, booked_on=TODAY)
    assert (await town.import_statement())["matched"] == 1
    assert (await cashier.get("/money")).json()["payments"][0]["state"] == "paid"
    assert not (await verify()).differences


async def test_short_delivery_costs_the_seller_his_deposit_for_what_is_missing(
    served: Served,
) -> None:
    town = await a_town(served)
    await town.pay_in(TOTAL)
    await town.form()
    await town.act("finance", "fund")
    before = await town.cash("seller")
    await town.deliver(600, 600)

    settled = await town.act("seller", "invoice")

    seen = await town.shown()
    (claim,) = seen["claims"]
    assert (settled["state"], seen["note"]) == ("settled", "shortfall")
    assert (claim["cause"], claim["lots"], claim["state"]) == ("undelivered", 400, "forfeited")
    assert minor(claim["compensation"]) == 400 * PERFORMANCE_A_LOT
    back = TOTAL * 400 // 1000 + 400 * PERFORMANCE_A_LOT
    assert minor(await town.cash("finance")) == back
    earned = minor(settled["total"]) - 400 * PERFORMANCE_A_LOT
    assert minor(await town.cash("seller")) == minor(before) + earned
    assert not (await verify()).differences


async def test_a_wet_lot_comes_back_with_a_credit_note_on_file(served: Served) -> None:
    town = await a_town(served)
    await town.pay_in(TOTAL)
    await town.form()
    await town.act("finance", "fund")
    await town.deliver(1000, 1000)
    await town.act("seller", "invoice")

    wet = {"lots": 1, "reason": "wet", "evidence": "photo 7", "disposition": "restock"}
    await town.act("warehouse", "return", wet)

    seen = await town.shown()
    notes = [one for one in seen["documents"] if one["kind"] == "credit_note"]
    assert [one["refund"] for one in notes] == ["paid", "paid"]
    credited = sum(minor(one["total"]) for one in notes)
    assert minor(await town.cash("finance")) == credited
    for note in notes:
        file = await town.found["buyer"].get(f"{town.deal}/documents/{note['id']}/ubl.xml")
        assert etree.QName(etree.fromstring(file.content)).localname == "CreditNote"
        paper = await town.found["buyer"].get(f"{town.deal}/documents/{note['id']}/paper.pdf")
        assert paper.headers["content-type"] == "application/pdf"
        assert paper.content.startswith(b"%PDF")
    statement = (await town.found["finance"].get("/money")).json()["statement"]
    reversed_for = [line["deal_id"] for line in statement if line["kind"] == "deal.reversal"]
    assert reversed_for == [town.deal.removeprefix("/deals/")] * 2
    fee = next(one for one in notes if one["issuer"] == "platform")
    path = f"{town.deal}/documents/{fee['id']}/ubl.xml"
    for one in (path, path.replace("ubl.xml", "paper.pdf")):
        assert (await town.found["seller"].get(one)).status_code == 404
    assert not (await verify()).differences


async def test_default_after_a_part_payment_follows_its_waterfall(served: Served) -> None:
    town = await a_town(served)
    await town.pay_in(TOTAL // 2)
    await town.form()
    part = await town.act("finance", "fund-part", {"amount": "1000000.00"})
    before = minor(await town.cash("seller"))

    await town.pass_days(3)

    assert (part["state"], part["left"]) == ("formed", text(TOTAL - DEPOSIT - 100_000_000))
    assert (await town.shown())["state"] == "lapsed"
    assert minor(await town.cash("seller")) == before + DEPOSIT
    assert minor(await town.cash("finance")) == TOTAL // 2 - DEPOSIT
    late = await town.found["finance"].post(f"{town.deal}/fund")
    assert late.status_code == 409
    assert not (await verify()).differences


async def test_a_wrong_payer_funds_nothing_until_a_person_says_whose_it_is(
    served: Served,
) -> None:
    town = await a_town(served)
    imported = await town.pay_in(TOTAL, payer="Factory Holding (Cayman)")
    await town.form()

    refused = await town.found["finance"].post(f"{town.deal}/fund")
    (line,) = (await town.found["operator"].get("/bank/unmatched")).json()["lines"]
    whose = {"organisation_id": town.found["buyer"].organisation_id}
    await town.found["operator"].post(f"/bank/unmatched/{line['line_id']}/assign", whose)
    funded = await town.act("finance", "fund")

    assert imported["unmatched"] == 1
    assert refused.json()["code"] == "insufficient_funds"
    assert line["reason"] == "wrong_payer"
    assert funded["state"] == "funded"
    assert not (await verify()).differences


def minor(amount: str) -> int:
    return int(amount.replace(".", ""))


def text(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"
