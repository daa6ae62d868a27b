"""The client that others copy, against a served market."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from aggregator.topics import TOPICS
from tests.api.conftest import Served, Visitor
from tests.builders import with_sugar
from tests.integration.feed.room import Room, whisper
from web.client.feed import (
    ActRefused,
    Changed,
    Connected,
    Disconnected,
    Event,
    Feed,
    FeedEnded,
    Refused,
)
from web.feed.protocol import Close, Ending


class Following:
    """A feed that somebody iterates over, and what it has told."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.told: list[Event] = []
        self.error: FeedEnded | None = None
        self._more = asyncio.Event()

    async def run(self) -> None:
        try:
            async for event in self.feed:
                self.told.append(event)
                self._more.set()
        except FeedEnded as error:
            self.error = error
        self._more.set()

    async def until(self, kind: type, count: int = 1, **fields: Any) -> Any:
        """Return the event of this kind that tells these fields, once it has come so often."""
        async with asyncio.timeout(20):
            while True:
                found = [event for event in self.told if is_like(event, kind, fields)]
                if len(found) >= count:
                    return found[-1]
                self._more.clear()
                await self._more.wait()


def is_like(event: Event, kind: type, fields: dict[str, Any]) -> bool:
    return isinstance(event, kind) and all(
        getattr(event, name) == value for name, value in fields.items()
    )


@asynccontextmanager
async def following(
    served: Served, *topics: str, visitor: Visitor | None = None
) -> AsyncIterator[Following]:
    credential = visitor.token if visitor else None
    found = Following(Feed(served.feed_url, topics, credential=credential, proxy=None))
    task = asyncio.ensure_future(found.run())
    yield found
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_program_follows_changes_and_confirms_them(served: Served) -> None:
    served.context.hub._topics = {"room": Room(), "prices": TOPICS["prices"]}
    visitor = await served.member("A factory", "buyer")
    async with following(served, "room:1", "prices:*", visitor=visitor) as client:
        await client.until(Changed, topic="room:1", seq=0)
        await whisper(served.market, "org_a", 1, 2, 3)
        changed = await client.until(Changed, topic="room:1", seq=3)

    assert changed.view == {"highest": 3}
    assert client.feed.copies.found == {"gaps": 0, "digests": 0}


async def test_a_slow_ending_is_resumed_and_nothing_is_told_twice(served: Served) -> None:
    served.context.hub._topics = {"room": Room()}
    visitor = await served.member("A factory", "buyer")
    async with following(served, "room:1", visitor=visitor) as client:
        await client.until(Changed, seq=0)
        for socket in list(served.context.hub._sockets):
            socket.outbox.end(Ending(Close.SLOW, "resume by number"))
        await client.until(Disconnected, code=4408)
        await whisper(served.market, "org_a", 1, 2)
        await client.until(Changed, seq=2)

    told = [event.seq for event in client.told if isinstance(event, Changed)]
    assert told == [0, 1, 2]
    assert sum(isinstance(event, Connected) for event in client.told) == 2


async def test_what_is_not_shown_is_refused_once(served: Served) -> None:
    visitor = await served.member("A factory", "buyer")
    async with following(served, "auction:auc_none", "me", visitor=visitor) as client:
        refused = await client.until(Refused)
        await client.until(Changed, topic="me")

    assert (refused.topic, refused.code) == ("auction:auc_none", "not_found")
    assert set(client.feed.copies.topics) == {"me"}


async def test_a_refused_act_tells_why(served: Served) -> None:
    await with_sugar(served.market)
    visitor = await served.member("A factory", "buyer")
    async with following(served, "me", visitor=visitor) as client:
        await client.until(Connected)
        with pytest.raises(ActRefused) as refused:
            await client.feed.act("bid", auction="auc_none", price="5000.00", lots=10)

    assert refused.value.code in ("not_found", "not_allowed")


async def test_a_session_that_is_none_ends_the_feed(served: Served) -> None:
    async with following(served, "me", visitor=Visitor(served.client(), token="no such")) as client:
        async with asyncio.timeout(20):
            while client.error is None:
                await asyncio.sleep(0.01)

    assert client.error.code == 4401
