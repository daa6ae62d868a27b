"""A firm is registered; its boss comes in by a link, says who the firm is, sees what is left."""

from __future__ import annotations

from typing import Any

from aggregator.settings import MarketAccount
from tests.api.conftest import PASSWORD, Served, Visitor
from tests.builders import with_sugar

CODE = "91350100M000100Y43"


async def registered(served: Served, operator: Visitor, name: str) -> str:
    firm = {"name": name, "kind": "factory", "owner_group": name, "region": "GX"}
    return str((await operator.post("/organisations", firm)).json()["organisation_id"])


async def joined(served: Served, token: str, login: str) -> Visitor:
    visitor = served.nobody()
    new = {"token": token, "login": login, "name": "Li Lei", "password": PASSWORD}
    assert (await visitor.post("/joinings", new)).status_code == 201
    body = {"login": login, "password": PASSWORD, "bearer": True}
    visitor.token = (await visitor.post("/sessions", body)).json()["token"]
    return visitor


async def left(visitor: Visitor) -> dict[str, Any]:
    steps = (await visitor.get("/first-steps")).json()["steps"]
    return {step["name"]: (step["is_done"], step["is_mine"]) for step in steps}


async def test_a_new_firm_goes_from_a_link_to_a_list_without_gaps(served: Served) -> None:
    await with_sugar(served.market)
    operator = await served.operator()
    firm = await registered(served, operator, "Newbridge")
    before, link = [
        (await operator.post(f"/organisations/{firm}/invitations", {})).json()["token"]
        for _ in range(2)
    ]

    told = await served.nobody().post("/joinings/preview", {"token": link})
    assert told.json() == {
        "organisation": "Newbridge",
        "organisation_en": "",
        "roles": ["owner"],
    }
    lost = await served.nobody().post("/joinings/preview", {"token": before})
    assert lost.status_code == 404
    mole = {"login": "mole", "name": "Li", "password": PASSWORD, "roles": ["buyer"]}
    beside = await operator.post(f"/organisations/{firm}/people", mole)
    assert beside.json()["figures"]["reason"] == "firm_has_people"
    boss = await joined(served, link, "newbridge.boss")
    assert (await served.nobody().post("/joinings/preview", {"token": link})).status_code == 404
    again = await operator.post(f"/organisations/{firm}/invitations", {})
    assert (again.status_code, again.json()["figures"]["reason"]) == (409, "firm_has_people")

    assert await left(boss) == {
        "second_factor": (False, True),
        "identity": (False, True),
        "people": (False, True),
        "money": (False, False),
        "mandate": (False, True),
        "trade": (False, False),
    }
    for role in ("buyer", "finance"):
        invited = (await boss.post("/invitations", {"roles": [role]})).json()["token"]
        await joined(served, invited, f"newbridge.{role}")
    policy = {"act": "auctions.bid", "chain": ["role:owner"]}
    assert (await boss.post("/policies", policy)).status_code == 201
    assert (await boss.post("/company/identity", {"uscc": CODE})).json() == {"number": CODE}
    done = {name for name, (is_done, _) in (await left(boss)).items() if is_done}
    assert done == {"identity", "people", "mandate"}
    assert await left(await served.member("Auditors", "auditor", kind="auditor")) == {}


async def test_an_operator_is_told_what_a_new_market_lacks_until_nothing_does(
    served: Served,
) -> None:
    operator = await served.operator()
    lacking = {name: (False, name != "account") for name in ("regions", "products", "firm")}

    assert await left(operator) == {**lacking, "account": (False, False)}
    await with_sugar(served.market)
    await registered(served, operator, "Newbridge")
    served.context.account = MarketAccount("Market", "6222021001", "ICBC")

    assert {name for name, (is_done, _) in (await left(operator)).items() if is_done} == {
        *lacking,
        "account",
    }


async def test_a_firm_declares_who_it_is_once_and_never_as_another(served: Served) -> None:
    boss = await served.member("First firm", "owner")
    rival = await served.member("Second firm", "owner")

    wrong = await boss.post("/company/identity", {"uscc": CODE[:-1] + "0"})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/uscc")
    short = await boss.post("/company/identity", {"uscc": CODE[:-1]})
    assert "须为 18 位，现为 17 位" in short.json()["detail"]
    assert (await boss.post("/company/identity", {})).status_code == 422
    assert (await boss.post("/company/identity", {"uscc": CODE})).status_code == 200
    for visitor, reason in ((boss, "identity_declared"), (rival, "uscc_taken")):
        refused = await visitor.post("/company/identity", {"uscc": CODE})
        assert (refused.status_code, refused.json()["figures"]["reason"]) == (409, reason)

    own, other = [(await who.get("/company")).json() for who in (boss, rival)]
    assert (own["uscc"], other["uscc"]) == (CODE, None)
    trail = (await boss.get("/trail?limit=50")).json()["lines"]
    assert "IdentityDeclared" in {line["name"] for line in trail}
