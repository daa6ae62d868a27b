"""Mandates and approvals over HTTP: the clerk, the boss on his phone, and finance."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Served, Visitor
from tests.api.test_deals import formed
from tests.builders import START, with_cash, with_sugar
from web.locale import keys

RICH = 10**11
CELL = "SUGAR-W1/GX/2027-03"


class Office:
    """A refiner with its people, and a mill that sells."""

    def __init__(self, served: Served) -> None:
        self.served = served

    async def open(self) -> Office:
        await with_sugar(self.served.market)
        self.clerk = await self.served.member("Refiner", "buyer", kind="refiner")
        firm = self.clerk.organisation_id
        self.boss = await self.served.visitor(firm, "owner")
        self.treasurer = await self.served.visitor(firm, "finance")
        self.mill = await self.served.member("Mill", "seller", kind="mill")
        self.rival = await self.served.member("Rival", "owner", "buyer", kind="trader")
        await with_cash(self.served.market, firm, RICH)
        await with_cash(self.served.market, self.mill.organisation_id, RICH)
        return self

    async def auction(self) -> str:
        body = {
            "side": "sell",
            "cell": CELL,
            "lots": 100,
            "closes_at": f"{START:%Y-%m-%dT04:00:00Z}",
            "start": "5000.00",
            "step": "10.00",
        }
        answer = await self.mill.post("/auctions", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["auction_id"])

    async def bind(self, act: str = "auctions.bid") -> None:
        answer = await self.boss.post("/policies", {"act": act, "chain": ["role:owner"]})
        assert answer.status_code == 201, answer.text

    async def person(self, visitor: Visitor) -> str:
        return str((await visitor.get("/me")).json()["person"])

    async def mandate(self, **terms: Any) -> str:
        body = {
            "person": await self.person(self.clerk),
            "acts": ["auctions.bid"],
            "per_act": "200000.00",
            "total": "400000.00",
            "ends_at": f"{START:%Y-%m-%dT23:00:00Z}",
            **terms,
        }
        answer = await self.boss.post("/mandates", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["mandate_id"])


@pytest.fixture
async def office(served: Served) -> Office:
    return await Office(served).open()


async def test_a_clerk_bids_inside_exceeds_and_is_approved(office: Office) -> None:
    await office.bind()
    await office.mandate()
    auction_id = await office.auction()
    bid = {"price": "5000.00", "lots": 40}
    assert (await office.clerk.post(f"/auctions/{auction_id}/bids", bid)).status_code == 201

    more = {"price": "5010.00", "lots": 80}
    refused = await office.clerk.post(f"/auctions/{auction_id}/bids", more)
    assert refused.status_code == 422
    assert refused.json()["code"] == "beyond_mandate"
    assert refused.json()["figures"] == {
        "act": "auctions.bid",
        "rule": "per_act",
        "asked": "400800.00",
        "free": "0.00",
        "left": "200000.00",
    }

    asked = await office.clerk.post(
        "/approvals", {"act": "auctions.bid", "subject": auction_id, "terms": more}
    )
    assert asked.status_code == 201, asked.text
    (waiting,) = (await office.boss.get("/approvals")).json()["approvals"]
    assert (waiting["amount"], waiting["terms"]["price"]) == ("400800.00", "5010.00")
    path = f"/approvals/{waiting['approval_id']}"
    yes = {"fingerprint": waiting["fingerprint"]}
    assert (await office.boss.post(f"{path}/approve", yes)).json()["state"] == "approved"

    done = (await office.clerk.get(path)).json()
    assert (done["state"], done["outcome"]["lots"]) == ("executed", 80)
    found = (await office.clerk.get(f"/auctions/{auction_id}")).json()
    assert found["my_lots"] == 80


async def test_finance_opens_a_mandate_and_the_boss_ends_it(office: Office) -> None:
    mandate_id = await office.mandate(reserve="50000.00")
    path = f"/mandates/{mandate_id}"
    assert (await office.clerk.post(f"{path}/reserve")).status_code == 403
    assert (await office.treasurer.post(f"{path}/reserve")).json()["state"] == "open"
    (shown,) = (await office.clerk.get("/mandates")).json()["mandates"]
    assert (shown["left"], shown["state"]) == ("50000.00", "open")

    assert (await office.boss.post(f"{path}/revoke")).json()["state"] == "revoked"


async def test_another_firm_finds_nothing_of_it(office: Office) -> None:
    await office.bind()
    mandate_id = await office.mandate()
    asked = await office.clerk.post(
        "/approvals",
        {
            "act": "auctions.bid",
            "subject": await office.auction(),
            "terms": {"price": "5000.00", "lots": 80},
        },
    )
    approval_id = asked.json()["approval_id"]
    yes = {"fingerprint": asked.json()["fingerprint"]}

    theirs = [
        await office.rival.get(f"/approvals/{approval_id}"),
        await office.rival.post(f"/approvals/{approval_id}/approve", yes),
        await office.rival.post(f"/approvals/{approval_id}/reject"),
        await office.rival.post(f"/approvals/{approval_id}/withdraw"),
        await office.rival.post(f"/mandates/{mandate_id}/revoke"),
    ]
    absent = [
        await office.rival.get("/approvals/apr_none"),
        await office.rival.post("/approvals/apr_none/approve", yes),
        await office.rival.post("/approvals/apr_none/reject"),
        await office.rival.post("/approvals/apr_none/withdraw"),
        await office.rival.post("/mandates/mdt_none/revoke"),
    ]

    assert [one.status_code for one in theirs] == [404] * 5
    for one, other in zip(theirs, absent, strict=True):
        assert {**one.json(), "request": ""} == {**other.json(), "request": ""}
    for path in ("/approvals", "/mandates", "/policies"):
        (found,) = (await office.rival.get(path)).json().values()
        assert found == []


@pytest.mark.parametrize(
    ("act", "subject", "terms"),
    [
        ("auctions.bid", "auc_1", {"price": "5000.00", "lots": 10}),
        ("pools.pledge", "pool_1", {"lots": 10, "limit": "5000.00"}),
        ("forwards.order", "stp_1", {"form": "period", "limit": "1.00", "lots": 1}),
    ],
)
async def test_what_is_not_there_is_not_asked_for(
    office: Office, act: str, subject: str, terms: dict[str, Any]
) -> None:
    await office.bind(act)
    body = {"act": act, "subject": subject, "terms": terms}

    asked = await office.clerk.post("/approvals", body)

    assert (asked.status_code, asked.json()["code"]) == (404, "not_found")
    assert (await office.clerk.get("/approvals")).json() == {"approvals": []}


async def test_a_seller_asks_to_offer(office: Office) -> None:
    firm = office.mill.organisation_id
    boss = await office.served.visitor(firm, "owner")
    for act in ("supply.offer", "forwards.offer"):
        await boss.post("/policies", {"act": act, "chain": ["role:owner"]})
    offer = {"cell": CELL, "breaks": [{"from_lots": 1, "price": "5000.00"}], "capacity_lots": 9}
    assert (await office.mill.post("/offers", offer)).json()["code"] == "beyond_mandate"
    body = {"act": "supply.offer", "subject": "market", "terms": offer}

    asked = (await office.mill.post("/approvals", body)).json()
    await boss.post(
        f"/approvals/{asked['approval_id']}/approve", {"fingerprint": asked["fingerprint"]}
    )

    found = (await boss.get(f"/approvals/{asked['approval_id']}")).json()
    assert (found["state"], found["amount"]) == ("executed", "45000.00")


async def test_an_offer_is_asked_for_with_those_it_is_shown_to(office: Office) -> None:
    boss = await office.served.visitor(office.mill.organisation_id, "owner")
    await boss.post("/policies", {"act": "supply.offer", "chain": ["role:owner"]})
    offer = {"cell": CELL, "breaks": [{"from_lots": 1, "price": "5000.00"}], "capacity_lots": 9}
    named = {**offer, "is_public": False, "shown_to": ["grp_nowhere"]}
    body = {"act": "supply.offer", "subject": "market", "terms": named}

    asked = await office.mill.post("/approvals", body)

    assert (asked.status_code, asked.json()["code"]) == (404, "not_found")


async def test_terms_that_break_a_rule_are_marked_in_the_request(office: Office) -> None:
    await office.bind()
    body = {"act": "auctions.bid", "subject": "auc_1", "terms": {"price": "5000.00"}}

    refused = await office.clerk.post("/approvals", body)

    assert (refused.status_code, refused.json()["pointer"]) == (422, "/terms/lots")


def test_every_end_of_a_request_has_words() -> None:
    ends = ("executed", "failed", "rejected", "withdrawn", "expired")

    assert {f"notice.approval_{end}" for end in ends} <= keys("zh")
    assert {f"state.{end}" for end in ends} <= keys("zh")


async def test_a_refusal_names_in_words_what_a_mandate_lacks(office: Office) -> None:
    path = f"/auctions/{await office.auction()}/bids"
    policy = {"act": "auctions.bid", "chain": ["role:owner"], "index_bps": 200}
    assert (await office.boss.post("/policies", policy)).status_code == 201
    (shown,) = (await office.boss.get("/policies")).json()["policies"]

    refused = await office.clerk.post(
        path, {"price": "5000.00", "lots": 1}, headers={"Accept-Language": "en"}
    )
    wrong = await office.boss.post("/policies", {**policy, "index_bps": 5_001})

    assert shown["index_bps"] == 200
    assert "no mandate is open" in refused.json()["detail"]
    assert wrong.json()["pointer"] == "/index_bps"


async def test_what_a_leaver_did_stays_in_the_report(office: Office) -> None:
    path = f"/auctions/{await office.auction()}/bids"
    assert (await office.clerk.post(path, {"price": "5000.00", "lots": 1})).status_code == 201
    clerk = await office.person(office.clerk)

    assert (await office.boss.delete(f"/people/{clerk}")).status_code == 200

    people = (await office.boss.get("/reports")).json()["people"]
    (left,) = [one for one in people if one["person_id"] == clerk]
    assert (left["roles"], left["done"]) == ([], 1)
    assert len(people) == 3


async def test_a_substitute_is_listed_and_ended_early(office: Office) -> None:
    firm = office.clerk.organisation_id
    checker = await office.served.visitor(firm, "approver")
    clerk, treasurer = await office.person(office.clerk), await office.person(office.treasurer)
    named = await office.person(checker)
    today = {"begins_at": f"{START:%Y-%m-%dT00:00:00Z}", "ends_at": f"{START:%Y-%m-%dT09:00:00Z}"}
    later = {"begins_at": f"{START:%Y-%m-%dT08:00:00Z}", "ends_at": f"{START:%Y-%m-%dT09:00:00Z}"}
    over = {**today, "ends_at": f"{START:%Y-%m-%dT00:30:00Z}"}
    assert (await checker.post("/substitutes", {"person": clerk, **today})).status_code == 201
    assert (await checker.post("/substitutes", {"person": treasurer, **later})).status_code == 201
    refused = await checker.post("/substitutes", {"person": clerk, **over})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/ends_at")

    async def listed(visitor: Visitor) -> list[tuple[str, bool]]:
        found = (await visitor.get("/substitutes")).json()["substitutes"]
        assert {one["person_id"] for one in found} <= {named}
        return [(one["substitute_id"], one["is_in_force"]) for one in found]

    both = [(clerk, True), (treasurer, False)]
    assert await listed(checker) == await listed(office.boss) == both
    assert await listed(office.clerk) == [(clerk, True)]
    assert await listed(office.treasurer) == [(treasurer, False)]
    assert await listed(office.rival) == []

    path = f"/substitutes/{named}/{clerk}"
    for visitor in (office.clerk, office.treasurer, office.rival):
        barred = await visitor.delete(path)
        absent = await visitor.delete(f"/substitutes/{named}/per_none")
        assert barred.status_code == 404
        assert {**barred.json(), "request": ""} == {**absent.json(), "request": ""}
    assert (await checker.delete(path)).status_code == 200
    assert (await checker.delete(path)).status_code == 404
    assert (await office.boss.delete(f"/substitutes/{named}/{treasurer}")).status_code == 200

    assert await listed(office.boss) == []
    trail = (await office.boss.get("/trail")).json()["lines"]
    assert [one["name"] for one in trail].count("SubstituteEnded") == 2
    [first, *_] = [one["detail"] for one in trail if one["name"] == "SubstituteNamed"]
    assert later["ends_at"][:16] in first
    told = (await office.clerk.get("/notices")).json()["notices"]
    states = [one["figures"]["state"] for one in told if one["kind"] == "approval_substitute"]
    assert sorted(states) == ["ended", "ended", "standing", "standing"]


async def test_a_policy_names_firms_that_one_has_a_deal_with(office: Office) -> None:
    await formed(office.served, {"buyer": office.clerk, "seller": office.mill})
    policy = {"act": "auctions.bid", "chain": ["role:owner"]}
    partner, stranger = office.mill.organisation_id, office.rival.organisation_id

    refused = [
        (await office.boss.post("/policies", {**policy, "counterparties": [partner, firm]})).json()
        for firm in (stranger, "org_nowhere")
    ]
    taken = await office.boss.post("/policies", {**policy, "counterparties": [partner]})

    assert [one["pointer"] for one in refused] == ["/counterparties/1"] * 2
    assert refused[0]["rule"] == refused[1]["rule"] == "a firm that one has a deal with"
    assert taken.status_code == 201
