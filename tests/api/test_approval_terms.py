"""What is asked for beyond a mandate: changes, requests that are sent, demands in rounds."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.clock import SimulatedClock
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served
from tests.api.test_auctions import RULES
from tests.api.test_demand import drafted
from tests.api.test_mandates import Office
from tests.api.test_pools import POOL
from tests.builders import START

MONTHS = [
    {"tenor": "2027-03", "lots": 60, "start": "5000.00"},
    {"tenor": "2027-04", "lots": 40, "start": "5200.00"},
]


@pytest.fixture
async def office(served: Served) -> Office:
    return await Office(served).open()


async def a_pool(office: Office) -> str:
    operator = await office.served.operator()
    answer = await operator.post("/pools", POOL)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["pool_id"])


async def asked(office: Office, act: str, subject: str, terms: dict[str, Any]) -> Any:
    body = {"act": act, "subject": subject, "terms": terms}
    return await office.clerk.post("/approvals", body)


async def decided(office: Office, answer: Any) -> Any:
    """Let the boss say yes, and return the request as it ended."""
    assert answer.status_code == 201, answer.text
    path = f"/approvals/{answer.json()['approval_id']}"
    yes = {"fingerprint": answer.json()["fingerprint"]}
    assert (await office.boss.post(f"{path}/approve", yes)).json()["state"] == "approved"
    return (await office.clerk.get(path)).json()


async def pledged(office: Office, pool_id: str) -> str:
    """Pledge before the firm's policy binds pledges."""
    terms = {"lots": 100, "limit": "5100.00", "tolerance": 5, "freight": "30.00"}
    answer = await office.clerk.post(f"/pools/{pool_id}/pledges", terms)
    assert answer.status_code == 201, answer.text
    await office.bind("pools.pledge")
    return str(answer.json()["pledge_id"])


async def test_a_changed_pledge_is_approved_as_a_whole(office: Office) -> None:
    pool_id = await a_pool(office)
    pledge_id = await pledged(office, pool_id)
    path = f"/pools/{pool_id}/pledges/{pledge_id}"
    refused = await office.clerk.patch(path, {"limit": "5200.00"})

    ended = await decided(
        office,
        await asked(office, "pools.pledge", pool_id, {"pledge": pledge_id, "limit": "5200.00"}),
    )

    assert refused.json()["code"] == "beyond_mandate"
    assert (ended["state"], ended["amount"]) == ("executed", "546000.00"), ended
    assert (ended["terms"]["lots"], ended["terms"]["tolerance_lots"]) == (100, 5)
    assert ended["outcome"]["pledge_id"] == pledge_id
    assert (ended["outcome"]["limit"], ended["outcome"]["lots"]) == ("5200.00", 100)


async def test_a_request_is_sent_as_it_was_when_that_was_asked_for(office: Office) -> None:
    pool_id = await a_pool(office)
    await office.bind("pools.pledge")
    request_id = await drafted(office.clerk)
    refused = await office.clerk.post(f"/requests/{request_id}/send", {"pool_id": pool_id})
    first = await asked(office, "pools.pledge", pool_id, {"request": request_id})
    await office.clerk.patch(f"/requests/{request_id}", {"lots": 120})

    failed = await decided(office, first)
    ended = await decided(
        office, await asked(office, "pools.pledge", pool_id, {"request": request_id})
    )

    assert refused.json()["code"] == "beyond_mandate"
    assert (failed["state"], failed["outcome"]["code"]) == ("failed", "conflict")
    assert failed["outcome"]["figures"] == {"reason": "request_changed"}
    assert (ended["state"], ended["outcome"]["lots"]) == ("executed", 120), ended
    sent = (await office.clerk.get(f"/requests/{request_id}")).json()
    assert (sent["state"], sent["pledge_id"]) == ("sent", ended["outcome"]["pledge_id"])


async def test_a_request_comes_back_with_the_figures_of_its_pledge(office: Office) -> None:
    pool_id = await a_pool(office)
    request_id = await drafted(office.clerk)
    sent = await office.clerk.post(f"/requests/{request_id}/send", {"pool_id": pool_id})
    path = f"/pools/{pool_id}/pledges/{sent.json()['pledge_id']}"

    await office.clerk.patch(path, {"lots": 110, "limit": "5150.00", "freight": "20.00"})
    await office.clerk.delete(path)

    draft = (await office.clerk.get(f"/requests/{request_id}")).json()
    found = {name: draft[name] for name in ("state", "lots", "limit", "freight")}
    assert found == {"state": "draft", "lots": 110, "limit": "5150.00", "freight": "20.00"}


async def clock_auction(office: Office) -> str:
    rules = {key: value for key, value in RULES.items() if key != "start"}
    body = {**rules, "format": "clock", "interval_s": 60, "items": MONTHS}
    opened = await office.mill.post("/auctions", body)
    assert opened.status_code == 201, opened.text
    await office.bind()
    return str(opened.json()["auction_id"])


async def test_a_demand_is_approved_for_its_round_alone(office: Office) -> None:
    auction_id = await clock_auction(office)
    demand = {"demand": {"2027-03": 60, "2027-04": 10}}
    refused = await office.clerk.post(f"/auctions/{auction_id}/demands", demand)
    ended = await decided(office, await asked(office, "auctions.bid", auction_id, demand))
    again = await asked(office, "auctions.bid", auction_id, {"demand": {"2027-03": 50}})
    clock = office.served.market.clock
    assert isinstance(clock, SimulatedClock)

    clock.set(START.replace(minute=2))
    await office.rival.post(f"/auctions/{auction_id}/demands", {"demand": {"2027-03": 60}})
    await ring_due(office.served.market, ON_TIMER)
    late = await decided(office, again)

    assert refused.json()["code"] == "beyond_mandate"
    assert (ended["state"], ended["amount"]) == ("executed", "352000.00"), ended
    assert ended["outcome"]["demand"] == {"2027-03": 60, "2027-04": 10}
    assert late["state"] == "failed", late


async def test_what_could_not_be_carried_out_is_refused_when_it_is_asked_for(
    office: Office,
) -> None:
    pool_id, auction_id = await a_pool(office), await clock_auction(office)
    english = await office.auction()
    pledge_id = await pledged(office, pool_id)
    new = {"lots": 10, "limit": "5000.00"}
    wishes = [
        ("pools.pledge", pool_id, new),
        ("pools.pledge", pool_id, {"pledge": pledge_id, "lots": 100}),
        ("pools.pledge", pool_id, {"pledge": "plg_none", "lots": 110}),
        ("pools.pledge", pool_id, {"pledge": pledge_id, "limit": "5100.50"}),
        ("pools.pledge", pool_id, {"request": "req_none"}),
        ("auctions.bid", english, {"price": "4000.00", "lots": 10}),
        ("auctions.bid", english, {"demand": {"2027-03": 10}}),
        ("auctions.bid", auction_id, {"demand": {"2027-09": 10}}),
        ("auctions.bid", auction_id, {"price": "5000.00", "lots": 10}),
    ]

    answers = [await asked(office, *wish) for wish in wishes]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (422, "already_pledged"),
        (409, "conflict"),
        (404, "not_found"),
        (422, "invalid_field"),
        (404, "not_found"),
        (422, "below_floor"),
        (422, "invalid_field"),
        (422, "invalid_field"),
        (422, "wrong_command"),
    ]
    assert [answers[i].json().get("pointer") for i in (3, 6, 7)] == [
        "/terms/limit",
        "/terms/demand/2027-03",
        "/terms/demand/2027-09",
    ]
    assert (await office.clerk.get("/approvals")).json() == {"approvals": []}
    trail = (await office.boss.get("/trail")).json()["lines"]
    asked_for = [line for line in trail if line["name"] == "approvals.ask"]
    assert {line["outcome"] for line in asked_for} == {"refused"}
    assert not any(line["name"] == "auctions.bid" for line in trail)


async def test_an_answered_asking_is_answered_again_whatever_became_of_its_subject(
    office: Office,
) -> None:
    await office.bind()
    auction_id = await office.auction()
    body = {
        "act": "auctions.bid",
        "subject": auction_id,
        "terms": {"price": "5000.00", "lots": 10},
    }
    first = await office.clerk.post("/approvals", body, key="one-asking")
    clock = office.served.market.clock
    assert isinstance(clock, SimulatedClock)
    clock.set(START.replace(hour=5))

    again = await office.clerk.post("/approvals", body, key="one-asking")

    assert (first.status_code, again.json()) == (201, first.json())
