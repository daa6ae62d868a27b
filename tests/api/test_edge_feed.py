"""The feed over real websockets: greeting, limits, refusals, endings."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aggregator.topics import TOPICS
from tests.api.conftest import Served, Visitor, serving
from tests.builders import a_market, with_sugar
from tests.integration.feed.room import Room, whisper
from web.context import EdgeLimits
from web.feed.limits import FeedLimits
from web.feed.wire import FeedProtocol
from web.server import Websockets


@pytest.fixture(params=[FeedProtocol, "websockets-sansio"], ids=["wire", "asgi"])
def websockets(request: pytest.FixtureRequest) -> Websockets:
    """Serve with frames written to the connection, and by ASGI alone as elsewhere."""
    found: Websockets = request.param
    return found


class Client:
    """A websocket client that says what it is told to say."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def hear(self, *ops: str) -> Any:
        """Return the next frame that is no heartbeat, or is of `ops`."""
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 30))
            if frame["op"] in ops or (not ops and frame["op"] != "heartbeat"):
                return frame

    async def ask(self, **frame: Any) -> Any:
        await self.say(**frame)
        return await self.hear()

    async def ending(self) -> tuple[int, str]:
        with pytest.raises(ConnectionClosed) as closed:
            await self._hear_on()
        received = closed.value.rcvd
        assert received is not None
        return received.code, received.reason

    async def _hear_on(self) -> None:
        while True:
            await asyncio.wait_for(self.socket.recv(), 30)


def opened(served: Served, **options: Any) -> connect:
    given = {"subprotocols": ["aggregator.feed.v1"], "compression": None, "proxy": None}
    return connect(served.feed_url, **{**given, **options})


async def greeted(served: Served, visitor: Visitor | None = None, **options: Any) -> Client:
    client = Client(await opened(served, **options))
    hello: dict[str, Any] = {"op": "hello", "client": "test/1"}
    if visitor is not None:
        hello["token"] = visitor.token
    assert (await client.ask(**hello))["op"] == "welcome"
    return client


async def test_the_welcome_tells_the_limits_and_the_time(served: Served) -> None:
    async with opened(served) as socket:
        welcome = await Client(socket).ask(op="hello", client="test/1")

        assert socket.subprotocol == "aggregator.feed.v1"
        assert not socket.response.headers.get("sec-websocket-extensions")
    assert welcome["heartbeat_s"] == 5
    assert welcome["limits"]["frame_bytes"] == 16_384
    assert welcome["limits"]["topics"] == 50
    assert welcome["server_time"] == "2027-01-04T01:00:00.000Z"


async def test_a_ticket_opens_one_socket_once(served: Served) -> None:
    visitor = await served.member("A factory", "buyer")
    ticket = (await visitor.post("/feed-tickets")).json()["ticket"]

    first, second = Client(await opened(served)), Client(await opened(served))
    welcome = await first.ask(op="hello", ticket=ticket)
    await second.say(op="hello", ticket=ticket)

    assert welcome["op"] == "welcome"
    assert (await second.ending())[0] == 4401


async def test_a_ticket_lasts_thirty_seconds(served: Served) -> None:
    visitor = await served.member("A factory", "buyer")
    ticket = (await visitor.post("/feed-tickets")).json()["ticket"]
    served.market.clock.advance(timedelta(seconds=30))  # type: ignore[attr-defined]
    client = Client(await opened(served))
    await client.say(op="hello", ticket=ticket)

    assert (await client.ending())[0] == 4401


async def test_prices_are_read_without_a_session_and_nothing_else_is(served: Served) -> None:
    await with_sugar(served.market)
    client = await greeted(served)

    for topic in ("prices:*", "prices:SUGAR-W1/*", "prices:SUGAR-W1/GX/2027-03"):
        snapshot = await client.ask(op="subscribe", topic=topic)
        assert (snapshot["op"], snapshot["topic"], snapshot["seq"]) == ("snapshot", topic, 0)
    await client.say(op="subscribe", topic="me")

    assert (await client.ending())[0] == 4403


async def test_an_absent_topic_is_refused_and_the_socket_stays(served: Served) -> None:
    await with_sugar(served.market)
    visitor = await served.member("A factory", "buyer")
    client = await greeted(served, visitor)

    for topic in (
        "prices:NO-SUCH/GX/2027-03",
        "auction:auc_none",
        "nothing:x",
        "me:org_other",
    ):
        refused = await client.ask(op="subscribe", topic=topic)
        assert (refused["op"], refused["topic"], refused["code"]) == (
            "refused",
            topic,
            "not_found",
        )
    assert (await client.ask(op="subscribe", topic="prices:*"))["op"] == "snapshot"


async def test_a_topic_that_is_left_is_acknowledged(served: Served) -> None:
    client = await greeted(served)
    await client.ask(op="subscribe", topic="prices:*")

    left = await client.ask(op="unsubscribe", topic="prices:*")

    assert left == {"op": "unsubscribed", "topic": "prices:*"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", 4400),
        ('{"op":"fly"}', 4400),
        ('{"op":"subscribe","topic":"prices:x*"}', 4400),
        (b"\x00\x01", 4400),
        ("x" * 17_000, 4413),
    ],
)
async def test_a_broken_frame_ends_the_socket_with_its_code(
    served: Served, frame: str | bytes, code: int
) -> None:
    client = await greeted(served)

    await client.socket.send(frame)

    assert (await client.ending())[0] == code


async def test_a_frame_beyond_what_the_server_reads_ends_the_socket(served: Served) -> None:
    client = await greeted(served)

    await client.socket.send("x" * 70_000)

    assert (await client.ending())[0] == 1009


async def test_too_many_frames_end_the_socket(served: Served) -> None:
    client = await greeted(served)

    for _ in range(60):
        await client.say(op="unsubscribe", topic="prices:*")

    assert (await client.ending())[0] == 4429


async def test_a_page_of_another_site_gets_no_socket(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await opened(served, origin="https://evil.example")
    assert refused.value.response.status_code == 403

    async with opened(served, origin=served.url) as socket:
        assert (await Client(socket).ask(op="hello"))["op"] == "welcome"


async def test_signing_out_ends_every_socket_of_the_session_at_once(served: Served) -> None:
    visitor = await served.member("A factory", "buyer")
    client = await greeted(served, visitor)
    other = await served.visitor(visitor.organisation_id, "buyer")
    stays = await greeted(served, other)

    await visitor.delete("/sessions/current")

    assert (await asyncio.wait_for(client.ending(), 30))[0] == 4401
    assert (await stays.ask(op="unsubscribe", topic="me"))["op"] == "unsubscribed"


async def test_a_person_has_five_sockets(served: Served) -> None:
    visitor = await served.member("A factory", "buyer")
    clients = [await greeted(served, visitor) for _ in range(5)]
    sixth = Client(await opened(served))

    await sixth.say(op="hello", token=visitor.token)
    assert (await sixth.ending())[0] == 4429

    await clients[0].socket.close()
    for _ in range(100):
        if len(served.context.hub._sockets) == 4:
            break
        await asyncio.sleep(0.01)
    await greeted(served, visitor)


async def test_a_closing_market_says_when_to_come_back(orm: str) -> None:
    async with serving(a_market()) as served:
        client = await greeted(served)
        ending = asyncio.ensure_future(client.ending())
    code, reason = await ending

    assert code == 4503
    assert int(reason.removeprefix("retry_ms=")) >= 1000


def in_a_room(served: Served, room: Room) -> None:
    """Let the served market show a topic for tests, with long frames."""
    served.context.hub._topics = {"room": room, "prices": TOPICS["prices"]}


async def joined(served: Served, visitor: Visitor, **options: Any) -> Client:
    client = await greeted(served, visitor, max_queue=1, **options)
    assert (await client.ask(op="subscribe", topic="room:1"))["op"] == "snapshot"
    return client


@pytest.mark.parametrize("is_state", [True, False])
async def test_a_client_that_never_reads_holds_nobody_up(served: Served, is_state: bool) -> None:
    in_a_room(served, Room(is_state=is_state, wordy=10_000))
    visitor = await served.member("A factory", "buyer")
    quick, still = await joined(served, visitor), await joined(served, visitor)

    for number in range(1, 301):
        await whisper(served.market, "org_a", number)
        frame = await asyncio.wait_for(quick.hear("delta", "snapshot"), 30)
        assert frame["seq"] == number

    socket = next(s for s in served.context.hub._sockets if len(s.outbox)) if is_state else None
    if socket is not None:
        # Over 10 MB were shown; what waits for the one that stands still is bounded.
        assert socket.outbox._bytes <= 256 * 1024
        while (frame := await still.hear("delta", "snapshot"))["seq"] < 300:
            pass
        assert frame["data"]["highest"] == 300
    else:
        for _ in range(300):
            if len(served.context.hub._sockets) == 1:
                break
            await asyncio.sleep(0.01)
        assert len(served.context.hub._sockets) == 1


class TestShortTimes:
    """Waiting, with limits short enough for a test."""

    @pytest.fixture
    def edge_limits(self) -> EdgeLimits:
        return EdgeLimits(feed=FeedLimits(hello_ms=200, heartbeat_ms=100, recheck_ms=200, topics=2))

    async def test_a_socket_that_says_nothing_ends(self, served: Served) -> None:
        client = Client(await opened(served))

        assert (await asyncio.wait_for(client.ending(), 30))[0] == 4401

    async def test_a_heartbeat_tells_each_topic_and_its_digest(self, served: Served) -> None:
        client = await greeted(served)
        snapshot = await client.ask(op="subscribe", topic="prices:*")

        while not (beat := await client.hear("heartbeat"))["topics"]:
            pass

        assert beat["topics"] == {"prices:*": {"seq": 0, "digest": snapshot["digest"]}}
        assert beat["server_time"] == "2027-01-04T01:00:00.000Z"

    async def test_one_topic_too_many_is_refused(self, served: Served) -> None:
        await with_sugar(served.market)
        client = await greeted(served)
        await client.ask(op="subscribe", topic="prices:*")
        await client.ask(op="subscribe", topic="prices:SUGAR-W1/*")

        refused = await client.ask(op="subscribe", topic="prices:SUGAR-W1/GX/2027-03")

        assert (refused["op"], refused["code"]) == ("refused", "topics_too_many")
        assert refused["detail"]["figures"] == {"max_topics": 2}

    async def test_an_expired_session_ends_without_a_wake_up(self, served: Served) -> None:
        visitor = await served.member("A factory", "buyer")
        client = await greeted(served, visitor)

        served.market.clock.advance(timedelta(hours=13))  # type: ignore[attr-defined]

        assert (await asyncio.wait_for(client.ending(), 30))[0] == 4401
