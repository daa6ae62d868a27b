"""The market's people are let in for a while, and the owner reads every look they took."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from aggregator.clock import SimulatedClock
from tests.api.conftest import Served, Visitor
from tests.api.test_edge_feed import Client, opened
from tests.api.test_mandates import Office
from web.feed.protocol import Close


async def let_in(boss: Visitor, operator: Visitor) -> Visitor:
    """Let the market's people into the boss's firm, and return one of them there."""
    granted = await boss.post("/support-grants", {"reason": "look", "hours": 2})
    entered = await operator.post("/support-sessions", {"grant": granted.json()["grant_id"]})
    return Visitor(boss.client, entered.json()["token"])


async def test_support_reads_by_grant_for_a_while_and_is_noted(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    operator = await served.operator()
    grant = {"reason": "deal looks stuck", "hours": 2}
    grant_id = (await boss.post("/support-grants", grant)).json()["grant_id"]
    (shown,) = (await operator.get("/support-sessions")).json()["grants"]
    assert shown["grant_id"] == grant_id

    entered = await operator.post("/support-sessions", {"grant": grant_id})
    inside = served.nobody()
    inside.token = entered.json()["token"]

    assert (await inside.get("/deals")).status_code == 200
    assert (await inside.get("/money")).status_code == 403
    assert (await inside.post("/support-grants", grant)).status_code == 403
    assert (await inside.post("/feed-tickets")).status_code == 403
    assert (await inside.delete(f"/support-grants/{grant_id}")).status_code == 403
    (found,) = (await boss.get("/support-grants")).json()["grants"]
    assert [one["what"] for one in found["reads"]] == ["GET /api/v1/deals"]

    assert isinstance(served.market.clock, SimulatedClock)
    served.market.clock.set(served.market.clock.now() + timedelta(hours=2))
    assert (await inside.get("/deals")).status_code == 401
    late = await operator.post("/support-sessions", {"grant": grant_id})
    absent = await operator.post("/support-sessions", {"grant": "sup_none"})
    assert {**late.json(), "request": ""} == {**absent.json(), "request": ""}


async def test_support_sees_how_far_mandates_and_approvals_are_and_no_figure_of_them(
    served: Served,
) -> None:
    office = await Office(served).open()
    auction_id = await office.auction()
    assert (
        await office.clerk.post(f"/auctions/{auction_id}/standing", {"limit": "5170.00"})
    ).is_success
    await office.bind()
    ruled = {"act": "pools.pledge", "chain": ["role:owner"], "free_up_to": "7310.00"}
    assert (await office.boss.post("/policies", {**ruled, "index_bps": 137})).is_success
    mandate_id = await office.mandate(limit="5190.00", max_lots=37)
    terms = {"price": "5180.00", "lots": 100}
    asked = {"act": "auctions.bid", "subject": auction_id, "terms": terms, "note": "for Easter"}
    answer = await office.clerk.post("/approvals", asked)
    assert answer.status_code == 201, answer.text
    approval_id = answer.json()["approval_id"]
    reject = {"reason": "too dear"}
    await office.boss.post(f"/approvals/{approval_id}/reject", reject)
    inside = await let_in(office.boss, await served.operator())

    (mandate,) = (await inside.get("/mandates")).json()["mandates"]
    (row,) = (await inside.get("/approvals")).json()["approvals"]
    answers = [
        await inside.get(path)
        for path in (
            f"/approvals/{approval_id}",
            "/mandates",
            "/policies",
            "/approvals",
            f"/auctions/{auction_id}",
            "/auctions",
        )
    ]

    assert (mandate["mandate_id"], mandate["state"], mandate["limit"]) == (mandate_id, "open", None)
    assert (row["approval_id"], row["state"], row["terms"]) == (approval_id, "rejected", None)
    assert row["asked_by"] == await office.person(office.clerk)
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    told = "".join(answer.text for answer in answers)
    secrets = (
        *("5170.", "5180.", "5190.", "7310.", "200000.", "400000."),
        *('"max_lots":37', '"index_bps":137', "Easter", "dear"),
    )
    assert [one for one in secrets if one in told] == []
    nobody = await served.nobody().get(f"/auctions/{auction_id}")
    assert answers[4].json() == nobody.json()
    (grant,) = (await office.boss.get("/support-grants")).json()["grants"]
    assert {one["what"] for one in grant["reads"]} >= {
        "GET /api/v1/mandates",
        "GET /api/v1/approvals",
    }


async def test_support_holds_no_socket(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    inside = await let_in(boss, await served.operator())
    client = Client(await opened(served))

    await client.say(op="hello", token=inside.token)

    assert (await client.ending())[0] == Close.FORBIDDEN


async def test_an_owner_ends_support_at_once(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    operator = await served.operator()
    granted = await boss.post("/support-grants", {"reason": "look", "hours": 2})
    grant_id = granted.json()["grant_id"]
    inside = served.nobody()
    entered = await operator.post("/support-sessions", {"grant": grant_id})
    inside.token = entered.json()["token"]

    assert (await boss.delete(f"/support-grants/{grant_id}")).status_code == 200

    assert (await inside.get("/deals")).status_code == 401
    assert (await operator.post("/support-sessions", {"grant": grant_id})).status_code == 404


async def test_who_is_no_operator_any_more_is_out_of_the_firms_that_let_him_in(
    served: Served,
) -> None:
    boss = await served.member("Refiner", "owner")
    market = await served.operator()
    chief = await served.visitor(market.organisation_id, "operator", "owner")
    grant = {"reason": "look", "hours": 2}
    grant_id = (await boss.post("/support-grants", grant)).json()["grant_id"]
    looking = [
        await served.visitor(market.organisation_id, "operator", *more)
        for more in ((), ("auditor",))
    ]
    inside = [served.nobody(), served.nobody()]
    for one, person in zip(inside, looking, strict=True):
        one.token = (await person.post("/support-sessions", {"grant": grant_id})).json()["token"]
        assert (await one.get("/deals")).status_code == 200
    left, demoted = [(await one.get("/me")).json()["person"] for one in looking]

    assert (await chief.delete(f"/people/{left}")).status_code == 200
    roles = {"roles": ["auditor"]}
    assert (await chief.patch(f"/people/{demoted}", roles)).status_code == 200

    assert [(await one.get("/deals")).status_code for one in inside] == [401, 401]


async def test_an_owner_reads_and_exports_who_did_what(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    await clerk.post("/approvals", {"act": "auctions.bid", "subject": "a", "terms": {}})
    asked = {"act": "auctions.bid", "subject": "a", "terms": {"price": "1.00", "lots": 1}}
    await clerk.post("/approvals", asked)
    pledge = {"act": "pools.pledge", "subject": "p", "terms": {"lots": 1, "limit": "1.00"}}
    await clerk.post("/approvals", pledge)
    await boss.post("/policies", {"act": "auctions.bid", "chain": ["role:owner"]})
    rival = await served.member("Rival", "owner")

    lines = (await boss.get("/trail")).json()["lines"]
    exported = await boss.get("/trail.csv")

    refused = [one for one in lines if one["name"] == "approvals.ask"]
    assert {one["outcome"] for one in refused} == {"refused"}
    assert {"invalid_field", "not_found"} <= {one["detail"] for one in refused}
    assert {one["person_id"] for one in refused} == {(await clerk.get("/me")).json()["person"]}
    assert {"PolicySet", "PersonAdded"} <= {one["name"] for one in lines}
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    assert len(rows) == len(lines)
    assert exported.headers["content-disposition"] == 'attachment; filename="trail.csv"'
    theirs = (await rival.get("/trail")).json()["lines"]
    assert {one["name"] for one in theirs} == {"OrganisationRegistered", "PersonAdded"}
    assert (await clerk.get("/trail")).status_code == 403
