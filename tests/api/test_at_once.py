"""What counts once counts for one of ten who come with it at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from datetime import timedelta

import httpx
from websockets.exceptions import ConnectionClosed

from aggregator.clock import SimulatedClock
from aggregator.parties.totp import code_at, step_of
from tests.api.conftest import PASSWORD, Served
from tests.api.test_edge_feed import Client, opened
from tests.api.test_identity import invited, with_second_factor
from tests.api.test_mandates import Office, office
from tests.api.world import edge_limits
from web.feed.protocol import Close

__all__ = ["edge_limits", "office"]


async def statuses(asked: Iterable[Awaitable[httpx.Response]]) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*asked))


async def test_a_link_lets_one_of_ten_in(served: Served) -> None:
    boss = await served.member("Refiner", "owner", kind="refiner")
    link = await invited(boss, "buyer")
    body = {"token": link["token"], "name": "Han Mei", "password": PASSWORD}

    answers = await statuses(
        served.nobody().post("/joinings", {**body, "login": f"newcomer-{n}"}) for n in range(10)
    )

    assert answers == {201: 1, 404: 9}
    assert len((await boss.get("/people")).json()["people"]) == 2
    trail = (await boss.get("/trail?limit=200")).json()["lines"]
    told = Counter(line["name"] for line in trail)
    assert (told["InvitationEnded"], told["PersonAdded"]) == (1, 2)


async def test_a_ticket_opens_one_of_ten_sockets(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer", kind="refiner")
    ticket = (await visitor.post("/feed-tickets")).json()["ticket"]
    clients = [Client(await opened(served)) for _ in range(10)]

    async def greeting(client: Client) -> str:
        """Return how a socket with the ticket is greeted, or the code that it ends with."""
        await client.say(op="hello", ticket=ticket)
        try:
            return str((await client.hear())["op"])
        except ConnectionClosed:
            return Close(client.socket.close_code or 0).name

    found = Counter(await asyncio.gather(*map(greeting, clients)))

    assert found == {"welcome": 1, "SESSION_OVER": 9}


async def test_a_second_factor_s_code_signs_in_one_of_ten(served: Served) -> None:
    visitor = await served.member("Refiner", "buyer", kind="refiner")
    secret, codes = await with_second_factor(served, visitor)
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)
    clock.set(clock.now() + timedelta(seconds=30))
    sign_in = {"login": visitor.login, "password": PASSWORD, "bearer": True}

    for code in (codes[0], code_at(secret, step_of(clock.now()))):
        asked = (served.nobody().post("/sessions", {**sign_in, "code": code}) for _ in range(10))
        assert await statuses(asked) == {201: 1, 401: 9}


async def test_a_mandate_s_money_is_reserved_once_of_ten(office: Office) -> None:
    mandate_id = await office.mandate(reserve="50000.00")
    path = f"/mandates/{mandate_id}/reserve"

    answers = await statuses(office.treasurer.post(path) for _ in range(10))

    assert answers == {200: 1, 409: 9}
    holds = (await office.treasurer.get("/money")).json()["holds"]
    assert [hold["amount"] for hold in holds] == ["50000.00"]
    trail = (await office.boss.get("/trail?limit=200")).json()["lines"]
    asked = Counter(line["outcome"] for line in trail if line["name"] == "mandates.reserve")
    assert asked == {"done": 1, "refused": 9}
