"""Words in an auction beyond a clerk's mandate: packages, scored bids and standing orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served
from tests.api.test_auction_packages import EARLY, PACKAGES
from tests.api.test_auctions import opened
from tests.api.test_mandates import Office


@pytest.fixture
async def office(served: Served) -> Office:
    office = await Office(served).open()
    await office.bind()
    return office


async def auction(office: Office, **terms: Any) -> str:
    return await opened({"mill": office.mill}, **terms)


async def approved(office: Office, auction_id: str, act: str, terms: dict[str, Any]) -> Any:
    """Be refused, ask for the very same, have it approved; return the request as it ended."""
    refused = await office.clerk.post(f"/auctions/{auction_id}/{act}", terms)
    assert refused.json()["code"] == "beyond_mandate", refused.text
    body = {"act": "auctions.bid", "subject": auction_id, "terms": terms}
    asked = await office.clerk.post("/approvals", body)
    assert asked.status_code == 201, asked.text
    path = f"/approvals/{asked.json()['approval_id']}"
    yes = {"fingerprint": asked.json()["fingerprint"]}
    assert (await office.boss.post(f"{path}/approve", yes)).json()["state"] == "approved"
    return (await office.clerk.get(path)).json()


async def test_packages_are_approved_one_by_one(office: Office) -> None:
    auction_id = await auction(office, **PACKAGES)
    first = {"items": ["2027-03", "2027-04"], "price": "5010.00", "xor": "a"}
    second = {"items": ["2027-03/2"], "price": "5600.00"}

    ended = [await approved(office, auction_id, "packages", one) for one in (first, second)]

    assert [one["state"] for one in ended] == ["executed", "executed"], ended
    assert [one["amount"] for one in ended] == ["75150.00", "112000.00"]
    assert ended[0]["terms"] == {**first, "attributes": {}}
    assert ended[0]["outcome"]["items"] == ["2027-03", "2027-04"]
    shown = (await office.clerk.get(f"/auctions/{auction_id}")).json()
    assert shown["my_bids"] == 2


async def test_a_scored_bid_is_approved_with_its_terms(office: Office) -> None:
    auction_id = await auction(office, criteria=EARLY)
    terms = {"price": "5000.00", "lots": 40, "attributes": {"days early": 10}}

    ended = await approved(office, auction_id, "bids", terms)

    assert (ended["state"], ended["amount"]) == ("executed", "200000.00")
    assert ended["terms"]["attributes"] == {"days early": 10}
    assert ended["outcome"]["score"] == "5020.00"


async def test_a_standing_order_is_approved_up_to_its_limit(office: Office) -> None:
    auction_id = await auction(office)

    ended = await approved(office, auction_id, "standing", {"limit": "5200.00"})

    assert (ended["state"], ended["amount"]) == ("executed", "520000.00"), ended
    shown = (await office.clerk.get(f"/auctions/{auction_id}")).json()
    assert (shown["my_limit"], shown["my_best"]) == ("5200.00", "5000.00")


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"items": ["2027-09"], "price": "5000.00"}, "/terms/items/0"),
        ({"items": [], "price": "5000.00"}, "/terms/items"),
        ({"items": ["2027-03"], "price": "5000.00", "lots": 5}, "/terms/lots"),
        ({"limit": None}, "/terms/limit"),
    ],
)
async def test_terms_of_no_word_are_refused_at_their_field(
    office: Office, terms: dict[str, Any], pointer: str
) -> None:
    auction_id = await auction(office, **PACKAGES)
    body = {"act": "auctions.bid", "subject": auction_id, "terms": terms}

    answer = await office.clerk.post("/approvals", body)

    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer), answer.text


async def test_an_auction_of_others_is_not_found(office: Office) -> None:
    auction_id = await auction(office, **PACKAGES, invited=[office.mill.organisation_id])
    terms = {"items": ["2027-03"], "price": "5000.00"}

    answer = await office.clerk.post(
        "/approvals", {"act": "auctions.bid", "subject": auction_id, "terms": terms}
    )

    assert answer.status_code == 404


async def test_a_bid_is_asked_for_before_the_auction_opens_and_said_when_it_does(
    office: Office,
) -> None:
    auction_id = await auction(office, opens_at="2027-01-04T01:30:00Z")
    body = {"act": "auctions.bid", "subject": auction_id, "terms": {"price": "5010.00", "lots": 1}}
    asked = await office.clerk.post("/approvals", body)
    assert asked.status_code == 201, asked.text
    path = f"/approvals/{asked.json()['approval_id']}"
    yes = {"fingerprint": asked.json()["fingerprint"]}

    await office.boss.post(f"{path}/approve", yes)
    before = (await office.clerk.get(path)).json()
    clock: Any = office.served.market.clock
    clock.set(datetime(2027, 1, 4, 1, 10, tzinfo=UTC))
    await ring_due(office.served.market, ON_TIMER)
    between = (await office.clerk.get(path)).json()
    clock.set(datetime(2027, 1, 4, 1, 30, tzinfo=UTC))
    await ring_due(office.served.market, ON_TIMER)
    after = (await office.clerk.get(path)).json()

    assert [one["state"] for one in (before, between)] == ["approved", "approved"]
    assert (after["state"], after["outcome"]["price"]) == ("executed", "5010.00"), after


PURCHASE: dict[str, Any] = {
    "side": "buy",
    "cell": "SUGAR-W1/GX/2027-03",
    "lots": 100,
    "closes_at": "2027-01-04T02:00:00Z",
    "start": "5000.00",
    "step": "10.00",
}


async def asked_to_open(office: Office, **terms: Any) -> Any:
    body = {"act": "auctions.bid", "subject": "market", "terms": {**PURCHASE, **terms}}
    return await office.clerk.post("/approvals", body)


async def test_a_purchase_beyond_the_mandate_is_approved_and_opened(office: Office) -> None:
    terms = {**PURCHASE, "steps": [{"from": "4000.00", "step": "20.00"}]}
    refused = await office.clerk.post("/auctions", terms)
    asked = await asked_to_open(office, **terms)
    path = f"/approvals/{asked.json()['approval_id']}"
    none = (await office.clerk.get("/auctions")).json()["auctions"]

    await office.boss.post(f"{path}/approve", {"fingerprint": asked.json()["fingerprint"]})
    ended = (await office.clerk.get(path)).json()

    assert refused.json()["code"] == "beyond_mandate", refused.text
    assert (none, ended["state"], ended["amount"]) == ([], "executed", "500000.00"), ended
    (row,) = (await office.clerk.get("/auctions")).json()["auctions"]
    assert row["auction_id"] == ended["outcome"]["auction_id"]
    assert (row["side"], row["owner_name"]) == ("buy", "Refiner")
    holds = (await office.treasurer.get("/money")).json()["holds"]
    assert [hold["amount"] for hold in holds] == ["50000.00"]


async def test_what_opens_no_purchase_is_not_asked_for_and_opens_nothing(office: Office) -> None:
    firm = office.clerk.organisation_id
    both = await office.served.visitor(firm, "buyer", "seller")
    sale = {"act": "auctions.bid", "subject": "market", "terms": {**PURCHASE, "side": "sell"}}

    answers = [
        await both.post("/approvals", sale),
        await asked_to_open(office, side="sell"),
        await asked_to_open(office, start=None),
        await asked_to_open(office, start="9999999999.00", lots=1_000_000),
    ]

    codes = [answer.json()["code"] for answer in answers]
    assert codes == ["conflict", "not_allowed", "invalid_field", "total_too_large"], codes
    assert answers[2].json()["pointer"] == "/terms/start"
    assert (await office.clerk.get("/auctions")).json()["auctions"] == []
