"""Over HTTP: a way back that tells nothing, and what two persons of the operator agree to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregator.clock import SimulatedClock
from aggregator.notices import letters
from aggregator.notices.smtp import Smtp
from aggregator.parties import consents
from aggregator.parties.queries import tax_identity
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import PASSWORD, Served, Visitor
from tests.api.test_company import CODE
from tests.api.test_identity import person_of
from tests.builders import with_way_back

OTHER_NUMBER = "DE136695976"


@pytest.fixture
def mail() -> Iterator[None]:
    letters.install(Smtp("smtp://127.0.0.1:9", "market@market.example"), place="https://m.example")
    yield
    letters.install(None, place="")


async def desk(served: Served) -> tuple[Visitor, Visitor]:
    one = await served.operator()
    return one, await served.visitor(one.organisation_id, "operator")


async def consent_of(operator: Visitor) -> str:
    [consent] = (await operator.get("/consents")).json()["consents"]
    return f"/consents/{consent['consent_id']}"


async def state(visitor: Visitor, path: str) -> tuple[int, str]:
    answer = await visitor.post(path)
    return answer.status_code, answer.json().get("state") or answer.json()["code"]


@pytest.mark.usefixtures("mail")
async def test_whoever_asks_for_a_way_back_is_told_the_same(served: Served) -> None:
    boss, nobody = await served.member("Refiner", "owner"), served.nobody()

    answers = [
        await nobody.post("/recoveries", {"login": login}) for login in (boss.login, "nobody.here")
    ]
    guessed = {"token": "x" * 43, "password": PASSWORD}
    lost = await nobody.post("/recoveries/finish", guessed)

    assert [(answer.status_code, answer.text) for answer in answers] == [
        (200, '{"is_noted":true}')
    ] * 2
    assert lost.status_code == 404


async def test_all_of_a_firm_see_a_way_back_and_one_stops_it(served: Served) -> None:
    boss, rival = [await served.member(name, "owner") for name in ("Refiner", "Mill")]
    clerk = await served.visitor(boss.organisation_id, "viewer")
    path = f"/recoveries/{await with_way_back(await person_of(boss))}"

    [seen] = (await clerk.get("/recoveries")).json()["recoveries"]
    hidden = (await rival.get("/recoveries")).json()["recoveries"]
    statuses = [(await who.delete(path)).status_code for who in (rival, clerk, clerk)]

    assert (seen["state"], seen["person_id"]) == ("waiting", await person_of(boss))
    assert "example.com" not in str(seen)
    assert (hidden, statuses) == ([], [404, 200, 404])


async def test_a_third_person_of_the_desk_takes_two_of_the_operator(served: Served) -> None:
    one, two = await desk(served)
    path = f"/organisations/{one.organisation_id}/people"
    third = {"login": "third", "name": "Li", "password": PASSWORD, "roles": ["operator"]}
    door = {"login": "third", "password": PASSWORD, "bearer": True}

    refused = (await one.post(path, third)).json()["consent_id"]
    await two.post(f"/consents/{refused}/refuse")
    asked = (await one.post(path, third)).json()["consent_id"]
    early = await served.nobody().post("/sessions", door)
    alone = await state(one, f"/consents/{asked}/agree")
    agreed = await state(two, f"/consents/{asked}/agree")
    late = await served.nobody().post("/sessions", door)

    assert (early.status_code, late.status_code) == (401, 201)
    assert (alone, agreed) == ((403, "same_person"), (200, "agreed"))
    assert late.json()["roles"] == ["operator"]


async def test_a_person_nobody_agreed_to_in_time_is_forgotten(served: Served) -> None:
    one, two = await desk(served)
    path = f"/organisations/{one.organisation_id}/people"
    third = {"login": "third", "name": "Li", "password": PASSWORD, "roles": ["auditor"]}
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)

    lapsed = (await one.post(path, third)).json()["consent_id"]
    clock.advance(consents.STANDS_FOR)
    await ring_due(served.market, ON_TIMER)
    one, two = [await served.visitor(one.organisation_id, "operator") for _ in range(2)]
    asked = await one.post(path, third)

    assert asked.status_code == 201
    assert await state(two, f"/consents/{lapsed}/agree") == (409, "wrong_state")


async def test_who_owns_the_desk_fills_it_with_nobody_alone(served: Served) -> None:
    market = await served.member("The market", "operator", "owner", kind="operator")
    other, third = [
        await served.visitor(market.organisation_id, role) for role in ("operator", "auditor")
    ]
    auditor = f"/people/{await person_of(third)}"
    colleague = f"/people/{await person_of(other)}"

    refused = [
        await market.post("/invitations", {"roles": ["operator"], "days": 1}),
        await market.patch(auditor, {"roles": ["auditor", "operator"]}),
        await market.delete(colleague),
        await market.patch(colleague, {"roles": ["owner", "operator"]}),
        await market.patch(colleague, {"roles": ["owner"]}),
    ]
    puppet = {"login": "puppet", "name": "Li", "password": PASSWORD, "roles": ["operator"]}
    asked = await market.post(f"/organisations/{market.organisation_id}/people", puppet)

    assert [answer.status_code for answer in refused] == [409, 409, 409, 200, 422]
    reasons = [answer.json()["figures"]["reason"] for answer in refused[:3]]
    assert reasons == ["desk_by_two", "desk_by_two", "last_operators"]
    assert asked.json()["consent_id"] is not None


async def test_one_operator_alone_puts_in_the_second(served: Served) -> None:
    one = await served.operator()
    second = {"login": "second", "name": "Li", "password": PASSWORD, "roles": ["operator"]}

    added = await one.post(f"/organisations/{one.organisation_id}/people", second)

    assert (added.status_code, added.json()["consent_id"]) == (201, None)


async def test_a_tax_number_is_corrected_by_two_persons(served: Served) -> None:
    one, two = await desk(served)
    boss, rival = [await served.member(name, "owner") for name in ("Refiner", "Mill")]
    path, other = "/company/identity/correction", {"vat": OTHER_NUMBER}
    undeclared = await boss.post(path, other)
    await boss.post("/company/identity", {"uscc": CODE})

    waiting = await boss.post(path, other)
    before = (await boss.get("/company")).json()
    [shown] = (await one.get("/consents")).json()["consents"]
    motion = await consent_of(one)
    states = [await state(who, f"{motion}/agree") for who in (one, one, two)]
    after = (await boss.get("/company")).json()

    assert undeclared.json()["figures"]["reason"] == "identity_undeclared"
    assert waiting.status_code == 201
    assert (before["uscc"], before["correction"]) == (CODE, OTHER_NUMBER)
    assert shown["figures"] == {"before": CODE, "after": OTHER_NUMBER, "column": "vat"}
    assert states == [(200, "waiting"), (403, "same_person"), (200, "agreed")]
    assert (after["uscc"], after["vat"], after["correction"]) == (None, OTHER_NUMBER, None)
    now = served.market.clock.now()
    issued = [
        await tax_identity(boss.organisation_id, at) for at in (now - timedelta(hours=1), now)
    ]
    assert issued == [CODE, OTHER_NUMBER]
    taken = await rival.post("/company/identity", other)
    assert taken.json()["figures"]["reason"] == "vat_taken"
    assert "consent_asked" in {
        told["kind"] for told in (await two.get("/notices")).json()["notices"]
    }
