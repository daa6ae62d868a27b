"""Joining, switching, second factors, tokens and leaving, over real HTTP and sockets."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest

from aggregator.clock import SimulatedClock
from aggregator.journal.reading import Pool
from aggregator.mandates import requesting
from aggregator.parties import sessions
from aggregator.parties.totp import code_at, step_of
from tests.api.conftest import PASSWORD, Served, Visitor
from tests.api.test_edge_feed import Client, greeted, opened
from tests.builders import a_command
from web.feed.protocol import Close


async def person_of(visitor: Visitor) -> str:
    return str((await visitor.get("/me")).json()["person"])


async def invited(boss: Visitor, *roles: str, days: int = 7) -> dict[str, Any]:
    answer = await boss.post("/invitations", {"roles": list(roles), "days": days})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def joined(served: Served, token: str, login: str = "newcomer") -> Visitor:
    nobody = served.nobody()
    body = {"token": token, "login": login, "name": "Han Mei", "password": PASSWORD}
    answer = await nobody.post("/joinings", body)
    assert answer.status_code == 201, answer.text
    signed_in = await nobody.post(
        "/sessions", {"login": login, "password": PASSWORD, "bearer": True}
    )
    nobody.token, nobody.login = signed_in.json()["token"], login
    nobody.organisation_id = signed_in.json()["organisation"]
    return nobody


async def with_second_factor(served: Served, visitor: Visitor) -> tuple[bytes, list[str]]:
    """Put a second factor in force and return its secret and the recovery codes."""
    secret = _bytes_of((await visitor.post("/second-factor")).json()["secret"])
    code = code_at(secret, step_of(served.market.clock.now()))
    begun = (await visitor.post("/second-factor/confirm", {"code": code})).json()
    return secret, list(begun["recovery_codes"])


async def test_an_invited_person_joins_once_with_the_roles_of_the_link(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    link = await invited(boss, "buyer", "logistics")

    clerk = await joined(served, link["token"])

    me = (await clerk.get("/me")).json()
    assert (me["organisation"], me["roles"]) == (boss.organisation_id, ["buyer", "logistics"])
    body = {"token": link["token"], "login": "second", "name": "Li", "password": PASSWORD}
    again = await served.nobody().post("/joinings", body)
    absent = await served.nobody().post("/joinings", {**body, "token": "x" * 43})
    assert again.status_code == absent.status_code == 404
    assert {**again.json(), "request": ""} == {**absent.json(), "request": ""}


async def test_a_link_expires_and_is_taken_back(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    old, gone = await invited(boss, "buyer", days=1), await invited(boss, "buyer")
    await boss.delete(f"/invitations/{gone['invitation_id']}")
    assert isinstance(served.market.clock, SimulatedClock)
    served.market.clock.set(served.market.clock.now() + timedelta(days=1))

    for link in (old, gone):
        body = {"token": link["token"], "login": "late", "name": "Li", "password": PASSWORD}
        assert (await served.nobody().post("/joinings", body)).status_code == 404


async def test_nobody_invites_into_another_firm_or_into_the_market(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    link = await invited(boss, "buyer")
    rival = await served.member("Rival", "owner")

    assert (await clerk.post("/invitations", {"roles": ["buyer"]})).status_code == 403
    assert (await boss.post("/invitations", {"roles": ["operator"]})).status_code == 422
    theirs = await rival.delete(f"/invitations/{link['invitation_id']}")
    absent = await rival.delete("/invitations/inv_none")
    assert {**theirs.json(), "request": ""} == {**absent.json(), "request": ""}


async def test_a_link_ends_with_the_right_of_who_made_it(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    links = []
    for leaves in (True, False):
        partner = await served.visitor(boss.organisation_id, "owner")
        links.append(await invited(partner, "owner"))
        path = f"/people/{await person_of(partner)}"
        done = await (boss.delete(path) if leaves else boss.patch(path, {"roles": ["viewer"]}))
        assert done.status_code == 200, done.text

    for link in links:
        body = {"token": link["token"], "login": "back", "name": "Li", "password": PASSWORD}
        assert (await served.nobody().post("/joinings", body)).status_code == 404
    assert (await boss.get("/invitations")).json()["invitations"] == []


async def test_the_operator_puts_nobody_into_a_firm_that_has_an_owner(served: Served) -> None:
    operator, boss = await served.operator(), await served.member("Refiner", "owner")
    path = f"/organisations/{boss.organisation_id}/people"
    body = {"login": "watcher", "name": "Li", "password": PASSWORD, "roles": ["owner"]}

    refused = await operator.post(path, body)

    assert refused.json()["figures"]["reason"] == "firm_has_people"
    assert len((await boss.get("/people")).json()["people"]) == 1


async def test_a_person_of_two_firms_switches_between_them(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    other = await served.member("Mill", "owner", "seller", kind="mill")
    link = await invited(other, "seller")

    assert (await boss.post("/joinings", {"token": link["token"]})).status_code == 201
    found = (await boss.get("/memberships")).json()["memberships"]
    assert {one["organisation_id"] for one in found} == {
        boss.organisation_id,
        other.organisation_id,
    }
    switched = await boss.post("/sessions/switch", {"organisation": other.organisation_id})

    assert switched.json()["roles"] == ["seller"]
    assert (await boss.get("/me")).status_code == 401
    boss.token = switched.json()["token"]
    assert (await boss.get("/me")).json()["organisation"] == other.organisation_id
    stranger = await served.member("Stranger", "owner")
    refused = await boss.post("/sessions/switch", {"organisation": stranger.organisation_id})
    absent = await boss.post("/sessions/switch", {"organisation": "org_none"})
    assert {**refused.json(), "request": ""} == {**absent.json(), "request": ""}


async def test_a_second_factor_is_asked_for_once_it_is_in_force(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    begun = (await visitor.post("/second-factor")).json()
    secret = _bytes_of(begun["secret"])
    assert begun["address"].startswith(f"otpauth://totp/Aggregator:{visitor.login}?secret=")
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)
    sign_in = {"login": visitor.login, "password": PASSWORD, "bearer": True}
    assert (await served.nobody().post("/sessions", sign_in)).status_code == 201

    code = code_at(secret, step_of(clock.now()))
    wrong = await visitor.post("/second-factor/confirm", {"code": _other(code)})
    assert wrong.json()["code"] == "wrong_code"
    assert (await visitor.post("/second-factor/confirm", {"code": code})).json()["is_on"]

    without = await served.nobody().post("/sessions", sign_in)
    replayed = await served.nobody().post("/sessions", {**sign_in, "code": code})
    clock.set(clock.now() + timedelta(seconds=30))
    code = code_at(secret, step_of(clock.now()))
    right = await served.nobody().post("/sessions", {**sign_in, "code": code})
    assert [one.status_code for one in (without, replayed, right)] == [401, 401, 201]
    assert without.json()["code"] == "code_needed"
    rows = await Pool().rows("select totp_wrapped from person where login = $1", visitor.login)
    assert secret.hex() not in rows[0]["totp_wrapped"]

    clock.set(clock.now() + timedelta(seconds=30))
    code = code_at(secret, step_of(clock.now()))
    ended = await visitor.post("/second-factor/end", {"password": PASSWORD, "code": code})
    assert ended.json() == {"is_on": False}


async def test_a_recovery_code_signs_in_once_without_the_authenticator(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    secret, codes = await with_second_factor(served, visitor)
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)
    sign_in = {"login": visitor.login, "password": PASSWORD, "bearer": True}

    first = await served.nobody().post("/sessions", {**sign_in, "code": codes[0]})
    again = await served.nobody().post("/sessions", {**sign_in, "code": codes[0]})
    left = (await visitor.get("/second-factor")).json()["recovery_codes_left"]
    clock.set(clock.now() + timedelta(seconds=30))
    code = code_at(secret, step_of(clock.now()))
    fresh = (await visitor.post("/second-factor/recovery-codes", {"code": code})).json()
    old = await served.nobody().post("/sessions", {**sign_in, "code": codes[1]})
    new = await served.nobody().post("/sessions", {**sign_in, "code": fresh["recovery_codes"][1]})

    assert len({*codes, *fresh["recovery_codes"]}) == 20
    assert [one.status_code for one in (first, again, old, new)] == [201, 401, 401, 201]
    assert left == 9
    kept = await Pool().rows("select answer::text as text from command")
    assert not any(code in row["text"] for row in kept for code in codes)
    ended = {"password": PASSWORD, "code": fresh["recovery_codes"][2]}
    assert (await visitor.post("/second-factor/end", ended)).json() == {"is_on": False}


async def test_another_password_ends_the_other_sessions(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    sign_in = {"login": visitor.login, "password": PASSWORD, "bearer": True}
    second = served.nobody()
    second.token = (await second.post("/sessions", sign_in)).json()["token"]
    new = "another horse 9"

    wrong = await visitor.post("/password", {"old": "wrong wrong", "new": new})
    changed = await visitor.post("/password", {"old": PASSWORD, "new": new})

    assert (wrong.status_code, changed.status_code) == (401, 200)
    assert (await visitor.get("/me")).status_code == 200
    assert (await second.get("/me")).status_code == 401
    assert (await served.nobody().post("/sessions", sign_in)).status_code == 401
    found = await Pool().rows("select password_hash from person where login = $1", visitor.login)
    assert found[0]["password_hash"].startswith("$argon2id$")


async def test_a_token_holds_its_scopes_and_no_more(served: Served) -> None:
    boss = await served.member("Refiner", "owner", "buyer")
    made = await boss.post("/tokens", {"label": "ERP", "scopes": ["ledger.read", "feed.connect"]})
    program = served.nobody()
    program.token = made.json()["token"]

    assert (await program.get("/money")).status_code == 200
    assert (await program.get("/deals")).status_code == 403
    assert (
        await program.post("/tokens", {"label": "x", "scopes": ["deals.read"]})
    ).status_code == 403
    assert (await program.post("/invitations", {"roles": ["owner"]})).status_code == 403
    for scope in ("people.manage", "identity.manage", "no.such_act"):
        refused = await boss.post("/tokens", {"label": "x", "scopes": [scope]})
        assert refused.status_code == 422
    (shown,) = (await boss.get("/tokens")).json()["tokens"]
    assert shown["scopes"] == ["feed.connect", "ledger.read"]
    assert "token" not in shown
    silent = (await boss.post("/tokens", {"label": "x", "scopes": ["ledger.read"]})).json()
    refused = Client(await opened(served))
    await refused.say(op="hello", token=silent["token"])
    assert (await refused.ending())[0] == Close.FORBIDDEN
    await boss.delete(f"/tokens/{silent['token_id']}")

    client = await greeted(served, program)
    await boss.delete(f"/tokens/{made.json()['token_id']}")
    assert (await asyncio.wait_for(client.ending(), 30))[0] == Close.SESSION_OVER
    assert (await program.get("/money")).status_code == 401


async def test_no_command_keeps_a_secret(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    link = await invited(boss, "buyer")
    made = (await boss.post("/tokens", {"label": "x", "scopes": ["deals.read"]})).json()
    begun = (await boss.post("/second-factor")).json()

    rows = await Pool().rows("select answer::text as answer from command")
    kept = "".join(row["answer"] for row in rows)
    assert not [one for one in (link["token"], made["token"], begun["secret"]) if one in kept]


async def test_a_leavers_open_socket_dies_at_once(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    colleague = await served.visitor(boss.organisation_id, "buyer")
    client, staying = await greeted(served, clerk), await greeted(served, colleague)

    gone = await boss.delete(f"/people/{await person_of(clerk)}")

    assert gone.status_code == 200, gone.text
    assert (await asyncio.wait_for(client.ending(), 30))[0] == Close.SESSION_OVER
    assert (await clerk.get("/me")).status_code == 401
    assert (await staying.ask(op="subscribe", topic="me"))["op"] == "snapshot"
    sign_in = {"login": clerk.login, "password": PASSWORD}
    assert (await served.nobody().post("/sessions", sign_in)).status_code == 401


async def test_a_lost_wake_up_does_not_let_a_leaver_stay(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: object) -> None:
        return None

    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    client = await greeted(served, clerk)
    monkeypatch.setattr(served.market.bus, "wake", lost)

    await boss.delete(f"/people/{await person_of(clerk)}")

    assert (await asyncio.wait_for(client.ending(), 30))[0] == Close.SESSION_OVER


async def test_other_roles_count_at_once(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    path = f"/people/{await person_of(clerk)}"
    assert (await clerk.get("/demand")).status_code in (200, 404)

    await boss.patch(path, {"roles": ["viewer"]})

    assert (await clerk.get("/me")).json()["roles"] == ["viewer"]
    rival = await served.member("Rival", "owner")
    refused = await rival.patch(path, {"roles": ["viewer"]})
    absent = await rival.patch("/people/per_none", {"roles": ["viewer"]})
    assert {**refused.json(), "request": ""} == {**absent.json(), "request": ""}


async def test_a_firm_keeps_an_owner(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    path = f"/people/{await person_of(boss)}"

    left = await boss.delete(path)
    demoted = await boss.patch(path, {"roles": ["buyer"]})

    assert (left.status_code, demoted.status_code) == (409, 409)
    assert left.json()["figures"]["reason"] == "last_owner"


async def test_a_leavers_mandates_and_requests_end(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    person = await person_of(clerk)
    await boss.post("/policies", {"act": "auctions.bid", "chain": ["role:owner"]})
    mandate = {
        "person": person,
        "acts": ["auctions.bid"],
        "per_act": "1.00",
        "total": "1.00",
        "ends_at": "2027-01-05T00:00:00Z",
    }
    assert (await boss.post("/mandates", mandate)).status_code == 201
    asking = requesting.Asking(
        act="auctions.bid", subject="auc", terms={}, amount_minor=100, currency="CNY"
    )
    actor = await sessions.member(person, boss.organisation_id)
    await requesting.ask(served.market, actor, a_command(), asking)

    await boss.delete(f"/people/{person}")

    (found,) = (await boss.get("/mandates")).json()["mandates"]
    (request,) = (await boss.get("/approvals")).json()["approvals"]
    assert (found["state"], request["state"]) == ("revoked", "withdrawn")
    assert "ApprovalEnded" in [one["name"] for one in (await boss.get("/trail")).json()["lines"]]


async def test_firms_that_look_alike_and_wrong_credit_codes_are_refused(served: Served) -> None:
    operator = await served.operator()
    body = {"name": "Guangxi Sugar", "kind": "mill", "owner_group": "one", "region": "GX"}
    good = {**body, "uscc": "91350100M000100Y43"}
    assert (await operator.post("/organisations", good)).status_code == 201

    alike = await operator.post("/organisations", {**body, "name": "GUANGXI SUGAR"})
    mixed = await operator.post("/organisations", {**body, "name": "Gu\u0430ngxi Sugar"})
    bidi = await operator.post("/organisations", {**body, "name": "\u202eragus"})
    wrong = {**body, "name": "Other", "uscc": "91350100M000100Y44"}
    wrong_code = await operator.post("/organisations", wrong)
    same_code = await operator.post("/organisations", {**good, "name": "Third"})
    european = {**body, "name": "Zucker", "vat": "DE136695976"}
    taken = await operator.post("/organisations", european)
    same_vat = await operator.post("/organisations", {**european, "name": "Zwei"})

    assert alike.json()["figures"]["reason"] == "name_looks_like_another"
    assert [one.status_code for one in (mixed, bidi, wrong_code)] == [422, 422, 422]
    assert same_code.json()["figures"]["reason"] == "uscc_taken"
    assert taken.status_code == 201
    assert same_vat.json()["figures"]["reason"] == "vat_taken"


def _bytes_of(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"
