"""Sessions that a process knows die with a log-out, a role, a leaver, in every process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from aggregator.clock import SimulatedClock
from aggregator.market import Actor
from aggregator.parties.known import BELIEVED_MS
from tests.api.conftest import PASSWORD, Served, Visitor, serving
from tests.builders import a_market
from web.context import EdgeLimits, monotonic_ms
from web.feed.limits import FeedLimits

LEAST_MS = 2_000
"""Within this a session is over everywhere."""


@pytest.fixture
async def other(served: Served) -> AsyncIterator[Served]:
    """Another process on the same rows, to which no wake-up ever comes."""
    async with serving(a_market()) as found:
        yield found


@pytest.fixture
async def blind(served: Served) -> AsyncIterator[Served]:
    """One that does not look at the firms' streams either."""
    limits = EdgeLimits(feed=FeedLimits(poll_ms=3_600_000))
    async with serving(a_market(), limits) as found:
        yield found


async def known(served: Served, token: str) -> None:
    """Return once the process answers for the session without reading it."""

    async def actor() -> Actor:
        return await served.context.hub.known.actor_of(token, now_ms=monotonic_ms())

    async with asyncio.timeout(30):
        while await actor() is not await actor():
            await asyncio.sleep(0)


async def over(visitor: Visitor, path: str = "/money", status: int = 401) -> None:
    async with asyncio.timeout(30):
        while (await visitor.get(path)).status_code != status:
            await asyncio.sleep(0.02)


async def _signs_out(_: Visitor, clerk: Visitor) -> None:
    assert (await clerk.delete("/sessions/current")).status_code == 204


async def _leaves(boss: Visitor, clerk: Visitor) -> None:
    person = (await clerk.get("/me")).json()["person"]
    assert (await boss.delete(f"/people/{person}")).status_code == 200


async def _changes_password(_: Visitor, clerk: Visitor) -> None:
    elsewhere = Visitor(clerk.client)
    body = {"login": clerk.login, "password": PASSWORD, "bearer": True}
    elsewhere.token = (await elsewhere.post("/sessions", body)).json()["token"]
    change = {"old": PASSWORD, "new": "another horse 9"}
    assert (await elsewhere.post("/password", change)).status_code == 200


async def _revokes_token(_: Visitor, clerk: Visitor) -> None:
    owner = Visitor(clerk.client)
    body = {"login": clerk.login, "password": PASSWORD, "bearer": True}
    owner.token = (await owner.post("/sessions", body)).json()["token"]
    asked = {"label": "robot", "scopes": ["ledger.read", "parties.read"], "days": 1}
    made = (await owner.post("/tokens", asked)).json()
    await clerk.delete("/sessions/current")
    clerk.token = made["token"]
    assert (await clerk.get("/money")).status_code == 200
    assert (await owner.delete(f"/tokens/{made['token_id']}")).status_code == 200


ENDS = [_signs_out, _leaves, _changes_password]


@pytest.mark.parametrize("end", [*ENDS, _revokes_token])
async def test_what_ends_a_session_ends_it_here_at_once(
    served: Served, end: Callable[[Visitor, Visitor], Awaitable[None]]
) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    await known(served, clerk.token)

    await end(boss, clerk)

    assert (await clerk.get("/money")).status_code == 401


@pytest.mark.parametrize("end", ENDS)
async def test_what_ends_a_session_ends_it_in_a_process_that_hears_nothing(
    served: Served, other: Served, end: Callable[[Visitor, Visitor], Awaitable[None]]
) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "buyer")
    there = Visitor(other.client(), clerk.token)
    await known(other, clerk.token)

    await end(boss, clerk)

    await over(there)


async def test_other_roles_count_here_at_once_and_elsewhere_soon(
    served: Served, other: Served
) -> None:
    boss = await served.member("Refiner", "owner")
    clerk = await served.visitor(boss.organisation_id, "finance")
    person = (await clerk.get("/me")).json()["person"]
    there = Visitor(other.client(), clerk.token)
    await known(served, clerk.token)
    await known(other, clerk.token)

    roles = {"roles": ["viewer"]}
    changed = await boss.patch(f"/people/{person}", roles)

    assert changed.status_code == 200
    assert (await clerk.get("/money")).status_code == 403
    await over(there, status=403)


async def test_a_process_that_neither_hears_nor_looks_soon_reads_again(
    served: Served, blind: Served
) -> None:
    clerk = await served.member("Refiner", "buyer")
    there = Visitor(blind.client(), clerk.token)
    await known(blind, clerk.token)

    await clerk.delete("/sessions/current")

    await over(there)


def test_a_look_and_what_is_believed_of_it_stay_below_what_is_promised() -> None:
    assert FeedLimits().poll_ms < BELIEVED_MS < LEAST_MS


async def test_a_known_session_slides_and_ends_as_any(served: Served) -> None:
    clerk = await served.member("Refiner", "buyer")
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)

    answers = []
    for hours in (5, 6, 1):
        await known(served, clerk.token)
        clock.advance(timedelta(hours=hours))
        answers.append((await clerk.get("/money")).status_code)

    assert answers == [200, 200, 401]


async def test_a_known_session_that_is_left_alone_ends(served: Served) -> None:
    clerk = await served.member("Refiner", "buyer")
    clock = served.market.clock
    assert isinstance(clock, SimulatedClock)
    await known(served, clerk.token)

    clock.advance(timedelta(hours=8))

    assert (await clerk.get("/money")).status_code == 401


async def test_a_session_that_ends_while_it_is_read_is_not_kept(served: Served) -> None:
    clerk = await served.member("Refiner", "buyer")
    sessions = served.context.hub.known

    reading = asyncio.get_running_loop().create_task(sessions.actor_of(clerk.token, now_ms=0))
    await asyncio.sleep(0)
    sessions.forget({clerk.organisation_id})
    await reading

    assert clerk.organisation_id not in sessions.firms()


async def test_another_language_counts_at_once(served: Served) -> None:
    clerk = await served.member("Refiner", "buyer")
    await known(served, clerk.token)
    spoken = (await clerk.get("/me")).json()["language"]
    other = "en" if spoken == "zh" else "zh"

    await clerk.patch("/me", {"language": other, "zone": "Europe/Berlin"})

    assert (await clerk.get("/me")).json()["language"] == other
