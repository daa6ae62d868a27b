"""Passkeys over real HTTP: added, shown alone or beside a password, copied, replayed, removed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import httpx
import pytest

from aggregator.clock import SimulatedClock
from aggregator.journal.reading import Pool, entries
from aggregator.parties.facts import PasskeyAdded, PasskeyDoubted, PasskeyRemoved
from aggregator.parties.registering import stream_of
from tests.api.conftest import PASSWORD, Served, Visitor
from tests.api.device import PRESENT, Device, text
from tests.api.test_identity import invited, person_of, with_second_factor

NOWHERE = {"rp_id": "localhost"}


def by_name(served: Served) -> dict[str, str]:
    """Return the headers of a browser that opened the market at localhost."""
    return {"Host": served.url.removeprefix("http://").replace("127.0.0.1", "localhost")}


def a_device(served: Served) -> Device:
    return Device(f"http://{by_name(served)['Host']}")


async def begun(served: Served, visitor: Visitor, **proof: str) -> httpx.Response:
    body = {"password": PASSWORD, **proof}
    return await visitor.post("/passkeys/challenge", body, headers=by_name(served))


async def added(
    served: Served, visitor: Visitor, device: Device, asked: dict[str, Any] | None = None
) -> httpx.Response:
    asked = asked or (await begun(served, visitor)).json()
    body = {"name": "Phone", **device.made(asked)}
    return await visitor.post("/passkeys", body, headers=by_name(served))


async def asked_of(served: Served) -> dict[str, Any]:
    found = await served.nobody().post("/sessions/passkey/challenge", headers=by_name(served))
    return dict(found.json())


async def shown(served: Served, passkey: dict[str, str], **more: str) -> httpx.Response:
    body = {"passkey": passkey, "bearer": True, **more}
    return await served.nobody().post("/sessions/passkey", body, headers=by_name(served))


async def facts_of(visitor: Visitor) -> list[Any]:
    found = await entries(None, stream_of(visitor.organisation_id))
    return [one.fact for one in found if type(one.fact).__name__.startswith("Passkey")]


def same_refusal(*answers: httpx.Response) -> bool:
    seen = [(one.status_code, {**one.json(), "request": ""}) for one in answers]
    return seen[0][1]["code"] == "wrong_passkey" and all(one == seen[0] for one in seen)


async def test_a_passkey_alone_signs_in_until_it_is_removed(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    device = a_device(served)
    made = await added(served, visitor, device)
    assert made.status_code == 201, made.text
    opened = await shown(served, device.signed(await asked_of(served)))
    assert opened.status_code == 201, opened.text

    other = served.nobody()
    other.token = opened.json()["token"]
    me = (await other.get("/me")).json()
    (listed,) = (await visitor.get("/passkeys")).json()["passkeys"]
    assert (me["person"], me["roles"]) == (await person_of(visitor), ["buyer"])
    assert (listed["name"], listed["passkey_id"]) == ("Phone", made.json()["passkey_id"])
    assert listed["used_at"] is not None

    gone = await visitor.delete(f"/passkeys/{listed['passkey_id']}")
    assert gone.status_code == 200
    assert (await other.get("/me")).status_code == 200, "a session that it opened goes on"
    assert same_refusal(await shown(served, device.signed(await asked_of(served))))
    assert [type(one) for one in await facts_of(visitor)] == [PasskeyAdded, PasskeyRemoved]


async def test_a_passkey_counts_in_place_of_the_second_factor_s_code(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    stranger = await served.member("Stranger", "buyer")
    mine, theirs = a_device(served), a_device(served)
    await added(served, visitor, mine)
    await added(served, stranger, theirs)
    _, codes = await with_second_factor(served, visitor)
    sign_in = {"login": visitor.login, "password": PASSWORD, "bearer": True}

    async def beside(device: Device, **wrong: str) -> httpx.Response:
        body = {**sign_in, "passkey": device.signed(await asked_of(served)), **wrong}
        return await served.nobody().post("/sessions", body, headers=by_name(served))

    without = await served.nobody().post("/sessions", sign_in)
    assert (without.json()["code"], without.json()["figures"]) == (
        "code_needed",
        {"has_passkey": True},
    )
    assert (await beside(mine)).status_code == 201
    assert same_refusal(await beside(theirs))
    assert (await beside(mine, password="wrong wrong")).json()["code"] == "wrong_password"
    recovered = await served.nobody().post("/sessions", {**sign_in, "code": codes[0]})
    assert recovered.status_code == 201

    assert (await begun(served, visitor)).json()["code"] == "code_needed"
    assert (await begun(served, visitor, code=codes[1])).status_code == 200


async def test_a_challenge_counts_once_and_for_two_minutes(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    device = a_device(served)
    asked = (await begun(served, visitor)).json()
    assert (await added(served, visitor, device, asked)).status_code == 201
    again = await added(served, visitor, a_device(served), asked)

    first = device.signed(await asked_of(served))
    late = device.signed(await asked_of(served))
    opened, replayed = await shown(served, first), await shown(served, first)
    own = device.signed((await begun(served, visitor)).json())
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)
    clock.set(clock.now() + timedelta(minutes=2))

    assert opened.status_code == 201
    assert same_refusal(replayed, again, await shown(served, late), await shown(served, own))
    await asked_of(served)
    left = await Pool().rows("select count(*) as n from passkey_challenge")
    assert left[0]["n"] == 1, "those that have expired are cleared away"


async def test_a_challenge_for_a_key_counts_in_its_session_only(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    thief = await served.visitor(visitor.organisation_id, "buyer")
    asked = (await begun(served, visitor)).json()

    wrong = await begun(served, visitor, password="wrong wrong")
    theirs = await added(served, thief, a_device(served), asked)
    anonymous = {**asked, **await asked_of(served)}
    open_one = await added(served, visitor, a_device(served), anonymous)

    assert wrong.json()["code"] == "wrong_password"
    assert same_refusal(theirs, open_one)


async def test_whatever_is_wrong_the_refusal_is_the_same(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    other = await served.member("Other", "buyer")
    device = a_device(served)
    await added(served, visitor, device)

    async def forged(**changed: Any) -> httpx.Response:
        copy = dataclasses.replace(device, count=device.count + 1, **changed)
        return await shown(served, copy.signed({**NOWHERE, **await asked_of(served)}))

    right = device.signed(await asked_of(served))
    garbled = [{**right, name: "AAAA"} for name in right]
    refused = [
        await forged(origin="http://evil.example"),
        await forged(origin=served.url),
        await forged(flags=PRESENT),
        await forged(credential_id=b"nobody's at all."),
        await forged(user_handle=text((await person_of(other)).encode())),
        await forged(_key=Device("")._key),
        await shown(served, device.signed({"rp_id": "other", **await nameless(served)})),
        *[await shown(served, one) for one in garbled],
    ]
    unverified = a_device(served)
    unverified.flags = PRESENT
    elsewhere = Device("http://evil.example")

    assert same_refusal(
        *refused,
        await added(served, visitor, unverified),
        await added(served, visitor, elsewhere),
    )


async def nameless(served: Served) -> dict[str, str]:
    return {"challenge": (await asked_of(served))["challenge"]}


async def test_a_count_that_does_not_rise_is_refused_and_told(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    device = a_device(served)
    await added(served, visitor, device)
    copy = dataclasses.replace(device)
    assert (await shown(served, device.signed(await asked_of(served)))).status_code == 201

    same = await shown(served, copy.signed(await asked_of(served)))

    assert same_refusal(same)
    assert type((await facts_of(visitor))[-1]) is PasskeyDoubted
    assert (await shown(served, device.signed(await asked_of(served)))).status_code == 201


async def test_a_key_that_does_not_count_signs_in_again_and_again(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    device = a_device(served)
    await added(served, visitor, device)

    for _ in range(2):
        device.count = -1
        opened = await shown(served, device.signed(await asked_of(served)))
        assert opened.status_code == 201


async def test_ten_passkeys_are_the_most_and_each_is_one_person_s(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    other = await served.member("Other", "buyer")
    early = (await begun(served, visitor)).json()
    device = a_device(served)
    await added(served, visitor, device)
    taken = await added(served, other, dataclasses.replace(device))
    await Pool().rows(
        "insert into passkey (id, person_id, credential_id, public_key, sign_count, name,"
        " created_at) select 'psk_' || n, $1, int4send(n), '\\x00', 0, 'Key', $2"
        " from generate_series(2, 10) n returning id",
        await person_of(visitor),
        served.market.clock.now(),
    )

    eleventh = await begun(served, visitor)
    late = await added(served, visitor, a_device(served), early)

    assert taken.json()["figures"]["reason"] == "passkey_known"
    for refused in (eleventh, late):
        assert refused.json()["figures"]["reason"] == "too_many_passkeys"
    assert len((await visitor.get("/passkeys")).json()["passkeys"]) == 10


async def test_nobody_sees_or_removes_another_s_passkey(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer")
    boss = await served.visitor(visitor.organisation_id, "owner")
    made = (await added(served, visitor, a_device(served))).json()["passkey_id"]

    theirs, absent = await boss.delete(f"/passkeys/{made}"), await boss.delete("/passkeys/psk_none")

    assert (await boss.get("/passkeys")).json() == {"passkeys": []}
    assert theirs.status_code == 404
    assert {**theirs.json(), "request": ""} == {**absent.json(), "request": ""}


async def test_a_leaver_s_passkey_opens_his_other_firms_only(served: Served) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    other = await served.member("Mill", "owner", kind="mill")
    link = await invited(other, "seller")
    await clerk.post("/joinings", {"token": link["token"]})
    device = a_device(served)
    await added(served, clerk, device)
    await boss.delete(f"/people/{await person_of(clerk)}")

    async def opened(**where: str) -> httpx.Response:
        return await shown(served, device.signed(await asked_of(served)), **where)

    refused = await opened(organisation=boss.organisation_id)
    assert same_refusal(refused)
    assert (await opened()).json()["organisation"] == other.organisation_id
    await other.delete(f"/people/{await person_of_login(clerk)}")
    assert same_refusal(await opened())


async def person_of_login(visitor: Visitor) -> str:
    found = await Pool().rows("select id from person where login = $1", visitor.login)
    return str(found[0]["id"])


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "evil.example", "[broken"])
async def test_under_an_address_it_is_said_that_passkeys_need_a_name(
    served: Served, host: str
) -> None:
    refused = await served.nobody().post("/sessions/passkey/challenge", headers={"Host": host})

    assert refused.status_code in (400, 422)
    if refused.status_code == 422:
        assert refused.json()["code"] == "passkeys_need_a_name"


@pytest.mark.parametrize(
    ("public_url", "name"),
    [
        ("https://market.example", "market.example"),
        ("https://market.example:8443", "market.example"),
        ("http://localhost:9", "localhost"),
        ("http://market.example", None),
        ("https://192.0.2.1", None),
    ],
)
async def test_the_public_address_says_where_passkeys_belong(
    served: Served, public_url: str, name: str | None
) -> None:
    served.context.public_url = public_url
    visitor = served.nobody()

    found = await visitor.post("/sessions/passkey/challenge", headers={"Host": "localhost"})

    assert found.json().get("rp_id") == name
    assert (found.status_code == 422) is (name is None)


async def test_guesses_are_slowed_as_those_of_passwords_are(served: Served) -> None:
    passkey = dict.fromkeys(
        ("credential_id", "client_data", "authenticator_data", "signature", "user_handle"), "AAAA"
    )

    answers = [await shown(served, passkey) for _ in range(11)]

    assert same_refusal(*answers[:10])
    assert answers[10].status_code == 429
