"""What crooked clients try: each is refused, tells nothing and changes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from aggregator.clock import SimulatedClock
from aggregator.journal.reading import Pool
from aggregator.parties.sessions import ABSOLUTE, IDLE
from tests.api.asking import body_of
from tests.api.conftest import PASSWORD, Served
from tests.api.test_deals import formed
from tests.api.test_edge_feed import Client, greeted, opened
from tests.api.test_identity import invited, joined
from tests.api.test_mandates import Office, office
from web import api
from web.api.routing import ENDPOINTS
from web.feed.protocol import Close

__all__ = ["office"]

TRICKS = {
    "bidi": "Guangxi \u202eragus",
    "isolate": "Guangxi \u2066Sugar\u2069",
    "zero width": "Guang\u200bxi Sugar",
    "control": "Guangxi\x07 Sugar",
    "mixed script": "Gu\u0430ngxi Sugar",
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
async def test_names_that_deceive_the_eye_are_refused_wherever_one_gives_a_name(
    served: Served, trick: str
) -> None:
    operator = await served.operator()
    boss = await served.member("Refiner", "owner", "logistics", kind="refiner")
    link = await invited(boss, "buyer")
    firm = {"kind": "mill", "owner_group": "one", "region": "GX"}
    newcomer = {"token": link["token"], "login": "newcomer", "password": PASSWORD}

    answers = [
        await operator.post("/organisations", {**firm, "name": trick}),
        await served.nobody().post("/joinings", {**newcomer, "name": trick}),
        await boss.post("/receiving-places", {"region": "GX", "name": trick}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


def test_no_body_takes_a_field_that_it_does_not_name() -> None:
    api.load()
    loose = [
        f"{endpoint.method} {endpoint.path}"
        for endpoint in ENDPOINTS.values()
        for body in (endpoint.body, endpoint.query)
        if body is not None and body.model_config.get("extra") != "forbid"
    ]

    assert loose == []


async def test_fields_of_the_market_are_not_set_by_sending_them(served: Served) -> None:
    boss = await served.member("Refiner", "owner", "buyer", kind="refiner")
    rival = await served.member("Rival", "owner", kind="trader")
    api.load()
    forged = {
        "organisation_id": rival.organisation_id,
        "organisation": rival.organisation_id,
        "granted_by": "somebody",
        "state": "open",
        "is_admin": True,
    }
    answers = Counter[int]()
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        if method != "POST" or endpoint.body is None or path.startswith(("/sessions", "/mandates")):
            continue
        body: dict[str, Any] = body_of(endpoint)
        fresh = {name: value for name, value in forged.items() if name not in body}
        answer = await boss.post(path.replace("{", "").replace("}", ""), {**body, **fresh})
        answers[answer.status_code] += 1

    assert set(answers) <= {401, 403, 404, 422}
    assert answers[422] > 10
    changed = await Pool().rows("select count(*) as n from command where outcome = 'done'")
    people = await Pool().rows(
        "select count(*) as n from membership where organisation_id = $1", rival.organisation_id
    )
    assert people[0]["n"] == 1
    assert changed[0]["n"] <= 4


async def test_strings_that_resemble_roles_give_none(served: Served) -> None:
    boss = await served.member("Refiner", "owner", kind="refiner")
    tried = [
        "operator",
        "auditor",
        "Owner",
        "owner ",
        "buyer,owner",
        "system",
        "*",
        "",
        "\u043ewner",
    ]

    answers = [await boss.post("/invitations", {"roles": [role]}) for role in tried]
    person = (await boss.get("/me")).json()["person"]
    risen = [await boss.patch(f"/people/{person}", {"roles": ["owner", role]}) for role in tried]

    assert {answer.status_code for answer in answers} == {422}
    assert {answer.status_code for answer in risen} <= {404, 405, 422}
    assert (await boss.get("/me")).json()["roles"] == ["owner"]


async def test_a_forged_organisation_opens_no_door(served: Served) -> None:
    one = await served.member("One", "owner", "buyer", kind="trader")
    other = await served.member("Other", "owner", "buyer", kind="trader")
    absent = f"org_{'0' * 26}"

    def anonymous(answer: Any, named: str) -> tuple[int, dict[str, Any]]:
        told = answer.text.replace(named, "<id>")
        return answer.status_code, {"text": told.replace(answer.json().get("request", ""), "")}

    switched = [
        anonymous(await one.post("/sessions/switch", {"organisation": named}), named)
        for named in (other.organisation_id, absent)
    ]
    sign_in = {"login": one.login, "password": PASSWORD, "bearer": True}
    signed_in = [
        anonymous(
            await served.nobody().post("/sessions", {**sign_in, "organisation": named}), named
        )
        for named in (other.organisation_id, absent)
    ]
    headers = {"X-Organisation-Id": other.organisation_id, "X-Forwarded-User": other.login}
    me = (await one.get("/me", headers=headers)).json()

    assert switched[0] == switched[1]
    assert signed_in[0] == signed_in[1]
    assert (switched[0][0], signed_in[0][0]) == (404, 401)
    assert me["organisation"] == one.organisation_id


async def test_tickets_links_and_ended_tokens_work_once(served: Served) -> None:
    boss = await served.member("Refiner", "owner", kind="refiner")
    link = await invited(boss, "buyer")
    clerk = await joined(served, link["token"])
    made = (await boss.post("/tokens", {"label": "ERP", "scopes": ["deals.read"]})).json()
    program = served.nobody()
    program.token = made["token"]
    assert (await program.get("/deals")).status_code == 200

    await boss.delete(f"/tokens/{made['token_id']}")
    old = clerk.token
    await clerk.delete("/sessions/current")

    clerk.token = old
    body = {"token": link["token"], "login": "again", "name": "Li", "password": PASSWORD}
    replays = [
        await program.get("/deals"),
        await clerk.get("/me"),
        await served.nobody().post("/joinings", body),
    ]
    assert [answer.status_code for answer in replays] == [401, 401, 404]


@pytest.mark.parametrize("age", [IDLE, ABSOLUTE], ids=["idle", "old"])
async def test_a_stale_session_ends_on_every_way_in(served: Served, age: timedelta) -> None:
    visitor = await served.member("Refiner", "owner", kind="refiner")
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)
    clock.set(clock.now() + age)

    read = await visitor.get("/deals")
    acted = await visitor.post("/invitations", {"roles": ["buyer"]})
    ticket = await visitor.post("/feed-tickets")

    assert [answer.status_code for answer in (read, acted, ticket)] == [401, 401, 401]
    assert {answer.json()["code"] for answer in (read, acted, ticket)} == {"not_signed_in"}


async def test_ten_approvals_at_once_execute_once(office: Office) -> None:
    await office.bind()
    auction_id = await office.auction()
    asked = {"act": "auctions.bid", "subject": auction_id, "terms": {"price": "5000.00", "lots": 1}}
    request = (await office.clerk.post("/approvals", asked)).json()
    path = f"/approvals/{request['approval_id']}/approve"
    seen = {"fingerprint": request["fingerprint"]}

    answers = await asyncio.gather(*(office.boss.post(path, seen) for _ in range(10)))

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {200: 1, 409: 9}
    bids = await Pool().rows(
        "select count(*) as n from journal where stream = $1 and kind = 'BidPlaced'",
        f"auction:{auction_id}",
    )
    assert bids[0]["n"] == 1
    trail = (await office.boss.get("/trail?limit=200")).json()["lines"]
    refused = [line for line in trail if line["name"] == "approvals.decide"]
    assert Counter(line["outcome"] for line in refused) == {"done": 1, "refused": 9}


async def test_what_is_refused_at_the_door_is_in_the_owners_trail_once(office: Office) -> None:
    rival, viewer = (
        office.rival,
        await office.served.visitor(office.rival.organisation_id, "viewer"),
    )
    auction_id = await office.auction()
    deal_id = await formed(office.served, {"buyer": office.clerk, "seller": office.mill})
    client = await greeted(office.served, viewer)
    tried = [
        (viewer, f"/auctions/{auction_id}/bids", {"price": "5000.00", "lots": 1}),
        (rival, "/invitations", {"roles": ["operator"]}),
        (rival, "/requests", {"owner_id": "somebody"}),
        (rival, f"/deals/{deal_id}/cancel", {}),
    ]

    for _ in range(3):
        for visitor, path, body in tried:
            assert (await visitor.post(path, body)).status_code in (403, 404, 422)
        bid = {"price": "5000.00", "lots": 1, "auction": auction_id}
        assert (await client.ask(op="bid", cmd="by-feed", **bid))["code"] == "not_allowed"
    unread = {"op": "bid", "cmd": "by-feed", "price": "5000.00", "lots": 1.5, "auction": auction_id}
    assert (await (await greeted(office.served, rival)).ask(**unread))["code"] == "invalid_field"
    broken = await greeted(office.served, viewer)
    await broken.say(op="no such thing")
    await broken.ending()

    trail = (await rival.get("/trail?limit=200")).json()["lines"]
    refused = Counter((one["name"], one["detail"]) for one in trail if one["outcome"] == "refused")
    assert refused == {
        ("auctions.bid", "not_allowed"): 1,
        ("people.manage", "invalid_field"): 1,
        ("demand.request", "invalid_field"): 1,
        ("deals.cancel", "not_found"): 1,
        # A frame that nobody could read, and one that ended the line.
        ("feed.connect", "invalid_field"): 2,
    }
    told = (await office.boss.get("/trail?limit=200")).json()["lines"]
    assert not [line for line in told if line["outcome"] == "refused"]


async def test_what_cannot_be_noted_is_refused_all_the_same(office: Office) -> None:
    await Pool().rows(
        "create function full_disk() returns trigger language plpgsql as"
        " $$ begin raise exception using errcode = '53100'; end $$"
    )
    await Pool().rows(
        "create trigger full_disk before insert on refused_attempt"
        " for each row execute function full_disk()"
    )
    client = await greeted(office.served, office.rival)
    bid = {"price": "5000.00", "lots": 1, "auction": "auc_nobody"}

    answer = await office.rival.post("/auctions/auc_nobody/bids", {"price": "5000.00"})
    told = await client.ask(op="bid", cmd="by-feed", **bid)

    assert (answer.status_code, told["code"]) == (404, "not_found"), answer.text


async def test_a_leavers_ticket_opens_no_socket(served: Served) -> None:
    boss = await served.member("Refiner", "owner", kind="refiner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    person = (await clerk.get("/me")).json()["person"]
    ticket = (await clerk.post("/feed-tickets")).json()["ticket"]

    await boss.delete(f"/people/{person}")
    client = Client(await opened(served))
    await client.say(op="hello", ticket=ticket)

    assert (await client.ending())[0] == Close.SESSION_OVER
