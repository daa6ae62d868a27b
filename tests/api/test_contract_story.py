"""The issue's whole story over HTTP: bundled, transferred, amended, called off, settled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import PASSWORD, Served, Visitor
from tests.builders import START, with_cash, with_sugar

TENORS = ("2027-03", "2027-04", "2027-05")
LOTS = (40, 60, 80)
MILLION = 100_000_000


class Firm:
    """A firm's people: who commits, who pays, who receives."""

    def __init__(self, name: str, clerk: Visitor, finance: Visitor) -> None:
        self.name, self.clerk, self.finance = name, clerk, finance

    @property
    def id(self) -> str:
        return self.clerk.organisation_id


async def a_firm(served: Served, name: str, *roles: str, kind: str = "factory") -> Firm:
    clerk = await served.member(name, *roles, kind=kind)
    await with_cash(served.market, clerk.organisation_id, MILLION)
    finance = await served.visitor(clerk.organisation_id, "finance")
    firm = Firm(name, clerk, finance)
    if "buyer" in roles:
        await done(clerk, "/receiving-places", {"region": "GX", "name": f"{name} 仓"})
    return firm


async def signed_in(who: Visitor) -> None:
    """Sign in anew: between the acts weeks pass."""
    who.token = ""
    body = {"login": who.login, "password": PASSWORD, "bearer": True}
    who.token = (await who.post("/sessions", body)).json()["token"]


async def done(who: Visitor, path: str, body: Any = None) -> dict[str, Any]:
    answer = await who.post(path, body)
    if answer.status_code == 401:
        await signed_in(who)
        answer = await who.post(path, body)
    assert answer.is_success, f"{path}: {answer.text}"
    return dict(answer.json())


async def got(who: Visitor, path: str) -> dict[str, Any]:
    answer = await who.get(path)
    if answer.status_code == 401:
        await signed_in(who)
        answer = await who.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return dict(answer.json())


async def bundled(served: Served, buyers: list[Firm], mill: Firm) -> str:
    """Let three months become one contract; return its id."""
    operator = await served.operator()
    closes_at = START + timedelta(days=2)
    strip = await done(
        operator,
        "/strips",
        {
            "title": "春季远期",
            "instrument": "SUGAR-W1",
            "region": "GX",
            "tenors": list(TENORS),
            "closes_at": closes_at.isoformat(),
            "signing_bps": 500,
            "month_bps": 1000,
        },
    )
    path = f"/strips/{strip['strip_id']}"
    for buyer, tenor, lots in zip(buyers, TENORS, LOTS, strict=True):
        order = {"form": "period", "tenor": tenor, "lots": lots, "limit": "5000.00"}
        await done(buyer.clerk, f"{path}/orders", order)
    steps = {tenor: [{"lots": 300, "price": "4980.00"}] for tenor in TENORS}
    offer = {"steps": steps, "capacity": 600, "breaks": [{"lots": 150, "rebate": "70.00"}]}
    await done(mill.clerk, f"{path}/offers", offer)
    served.market.clock.set(closes_at)
    await ring_due(served.market, ON_TIMER)
    [contract] = (await got(mill.clerk, "/contracts"))["contracts"]
    assert (contract["lots"], contract["tenors"]) == (180, list(TENORS))
    return str(contract["contract_id"])


async def open_slots(who: Visitor, contract_id: str) -> list[dict[str, Any]]:
    found = await got(who, f"/contracts/{contract_id}")
    return [slot for slot in found["slots"] if slot["state"] == "open"]


async def agree(asker: Visitor, other: Visitor, slot_id: str, wanted: dict[str, Any]) -> None:
    """Preview, propose and have the one other party consent to the same terms."""
    shown = await done(asker, f"/slots/{slot_id}/preview", wanted)
    made = await done(asker, f"/slots/{slot_id}/proposals", wanted)
    assert made["terms_sha256"] == shown["terms_sha256"]
    path = f"/proposals/{made['proposal_id']}/consent"
    answer = await done(other, path, {"terms_sha256": made["terms_sha256"]})
    assert answer["state"] == "executed"


async def delivered(buyer: Firm, mill: Firm, deal_id: str, lots: int) -> None:
    """Take a deal from formed to settled, each act by who may do it."""
    path = f"/deals/{deal_id}"
    await done(buyer.finance, f"{path}/fund")
    await done(mill.clerk, f"{path}/ship", {"lots": lots, "carrier": "China Rail"})
    receipt = {"lots": lots, "place": f"{buyer.name} 仓", "document": f"WB-{deal_id[-6:]}"}
    await done(mill.clerk, f"{path}/deliver", receipt)
    await done(buyer.clerk, f"{path}/accept", {"lots": lots})
    settled = await done(mill.clerk, f"{path}/invoice")
    assert settled["state"] == "settled", settled


async def call_off(mill: Firm, buyer: Firm, slot: dict[str, Any], lots: int, day: str) -> None:
    nominated = await done(
        buyer.clerk,
        f"/slots/{slot['slot_id']}/call-offs",
        {"lots": lots, "delivery_on": day},
    )
    confirm = f"/call-offs/{nominated['call_off_id']}/confirm"
    deal_id = (await done(mill.clerk, confirm))["deal_id"]
    await delivered(buyer, mill, deal_id, lots)


async def test_three_months_are_bundled_moved_called_off_and_settled(served: Served) -> None:
    await with_sugar(served.market)
    buyers = [await a_firm(served, f"Factory {n}", "buyer", "logistics") for n in range(3)]
    taker = await a_firm(served, "Taker", "buyer", "logistics")
    mill = await a_firm(served, "Mill", "seller", "logistics", kind="mill")
    contract_id = await bundled(served, buyers, mill)

    # April goes to a firm that can take it, and a part of May is wanted in April instead.
    [april] = await open_slots(buyers[1].clerk, contract_id)
    wanted: dict[str, Any] = {"kind": "transfer", "to": "Taker"}
    await agree(buyers[1].clerk, taker.clerk, april["slot_id"], wanted)
    [may] = await open_slots(buyers[2].clerk, contract_id)
    wanted = {"kind": "month", "tenor": "2027-04"}
    await agree(buyers[2].clerk, mill.clerk, may["slot_id"], wanted)

    owners = {"Factory 0": buyers[0], "Taker": taker, "Factory 2": buyers[2]}
    plan = {slot["buyer"]: (slot["tenor"], slot["lots"]) for slot in await open_slots(
        mill.clerk, contract_id)}  # fmt: skip
    assert plan == {
        "Factory 0": ("2027-03", 40),
        "Taker": ("2027-04", 60),
        "Factory 2": ("2027-04", 80),
    }

    # The second deposits are called ten trading days ahead, and paid.
    for _ in range(2):
        slots = await open_slots(mill.clerk, contract_id)
        served.market.clock.set(max(served.market.clock.now(), _at(min(
            slot["ahead_at"] for slot in slots if slot["stage"] == "later"))))  # fmt: skip
        await ring_due(served.market, ON_TIMER)
        for slot in await open_slots(mill.clerk, contract_id):
            if slot["stage"] == "called":
                await done(owners[slot["buyer"]].finance, f"/slots/{slot['slot_id']}/pay")

    slots = {slot["buyer"]: slot for slot in await open_slots(mill.clerk, contract_id)}
    await call_off(mill, buyers[0], slots["Factory 0"], 40, "2027-03-29")
    await call_off(mill, taker, slots["Taker"], 25, "2027-04-12")
    await call_off(mill, taker, slots["Taker"], 35, "2027-04-26")
    # The third says nothing: the market nominates the last trading day, and silence confirms.
    for field in ("nominate_by", "confirm_by"):
        found = await got(mill.clerk, f"/contracts/{contract_id}")
        [slot] = [one for one in found["slots"] if one["buyer"] == "Factory 2"][-1:]
        due = slot[field] if field == "nominate_by" else slot["call_offs"][0][field]
        served.market.clock.set(_at(due))
        await ring_due(served.market, ON_TIMER)
    found = await got(buyers[2].clerk, f"/contracts/{contract_id}")
    [last] = [one for slot in found["slots"] for one in slot["call_offs"]]
    assert (last["by"], last["confirmed_by"], last["delivery_on"]) == (
        "silence",
        "silence",
        "2027-04-30",
    )
    await delivered(buyers[2], mill, last["deal_id"], 80)

    assert await open_slots(mill.clerk, contract_id) == []
    deals = await Pool().rows("select state, sum(lots)::bigint as lots from deal group by 1")
    assert [(row["state"], row["lots"]) for row in deals] == [("settled", 180)]
    await _every_fen_is_where_it_belongs(served, mill)


async def _every_fen_is_where_it_belongs(served: Served, mill: Firm) -> None:
    """Trial balance: no escrow or hold is left, and the mill has what was sold."""
    assert (await verify()).differences == ()
    rows = await Pool().rows(
        "select purpose, sum(balance_minor)::bigint as balance, sum(held_minor)::bigint as held"
        " from account group by 1"
    )
    balance = {row["purpose"]: row["balance"] for row in rows}
    assert sum(balance.values()) == 0
    assert balance["escrow"] == 0
    assert sum(row["held"] for row in rows) == 0
    sold = await Pool().rows(
        "select sum(amount_minor)::bigint as minor from deal_line"
        " where basis = 'accepted' and counterparty <> 'platform'"
    )
    [cash] = await Pool().rows(
        "select balance_minor from account where organisation_id = $1 and purpose = 'cash'",
        mill.id,
    )
    assert cash["balance_minor"] == MILLION + sold[0]["minor"]
    # 40 lots of March and 140 of April at the cleared 4,910.00, and 13 % tax on it.
    goods = 180 * 491_000
    assert sold[0]["minor"] == goods + goods * 13 // 100


def _at(text: str) -> datetime:

    return datetime.fromisoformat(text.replace("Z", "+00:00"))
