"""The hub on real journal rows: followed once, resumed anywhere, never blocked by a reader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from aggregator.errors import NotFound
from aggregator.journal.reading import Entry
from aggregator.market import Actor, Market
from tests.builders import a_market, an_actor
from tests.integration.feed.room import Hall, Room, whisper
from web.feed.folds import digest_of
from web.feed.framing import texts
from web.feed.hub import Hub, SocketsTooMany
from web.feed.limits import FeedLimits
from web.feed.outbox import Outbox
from web.feed.patches import merged
from web.feed.protocol import Ending, Since, Subscribe

LIMITS = FeedLimits(poll_ms=100, heartbeat_ms=100, queue_frames=20)


class Reader:
    """A socket without a wire."""

    def __init__(self, hub: Hub, actor: Actor | None = None) -> None:
        self.outbox = Outbox(hub.limits)
        self.actor = actor
        self.tracks = self.outbox.tracks
        self.unread: list[str] = []
        self.looks = 0
        self.hub = hub
        self.view: Any = None
        self.epoch, self.seq = "", -1
        hub.enter(self)

    def recheck(self) -> None:
        self.looks += 1

    async def follow(self, since: Since | None = None, room: str = "1") -> None:
        asked = Subscribe(f"room:{room}", "room", room, since)
        await self.hub.subscribe(self, asked, await self.hub.audience(self.actor, asked))

    async def hear(self) -> Any:
        """Return the next frame but heartbeats, having taken it as a client would."""
        while True:
            if not self.unread:
                found = await asyncio.wait_for(self.outbox.next(), 30)
                if isinstance(found, Ending):
                    return found
                self.unread = texts(found)
            frame = json.loads(self.unread.pop(0))
            if frame["op"] != "heartbeat":
                break
        if frame["op"] == "snapshot":
            self.view, self.seq, self.epoch = frame["data"], frame["seq"], frame["epoch"]
            assert frame["digest"] == digest_of(self.view)
        if frame["op"] == "delta":
            assert frame["prev"] == self.seq
            self.view, self.seq = merged(self.view, frame["data"]), frame["seq"]
        return frame

    async def until(self, seq: int) -> None:
        while self.seq < seq:
            await self.hear()

    @property
    def here(self) -> Since:
        return Since(self.epoch, self.seq)


@asynccontextmanager
async def a_hub(market: Market, topic: Room | None = None) -> AsyncIterator[Hub]:
    hub = Hub(market, topics={"room": topic or Room()}, limits=LIMITS)
    await hub.start()
    yield hub
    # Nothing reads these sockets any more, and a hub waits for those it says goodbye to.
    for reader in list(hub._sockets):
        hub.leave(reader)
    await hub.stop()


@pytest.fixture
async def market(orm: str) -> Market:
    return a_market()


@pytest.fixture
async def hub(market: Market) -> AsyncIterator[Hub]:
    async with a_hub(market) as found:
        yield found


async def test_a_snapshot_and_then_every_change(market: Market, hub: Hub) -> None:
    await whisper(market, "org_a", 3)
    reader = Reader(hub)
    await reader.follow()
    await whisper(market, "org_a", 5, 4)

    assert (await reader.hear())["op"] == "snapshot"
    assert await reader.hear() == {
        "op": "delta",
        "topic": "room:1",
        "seq": 2,
        "prev": 1,
        "data": {"highest": 5},
    }
    assert len(reader.outbox) == 0


async def test_a_hidden_act_makes_no_frame_for_others(market: Market, hub: Hub) -> None:
    ann, anyone = Reader(hub, an_actor("org_a", "buyer")), Reader(hub)
    await whisper(market, "org_b", 9)
    for reader in (ann, anyone):
        await reader.follow()
        await reader.hear()

    await whisper(market, "org_a", 1, 2, 3)
    await whisper(market, "org_b", 10)
    await ann.until(5)
    await anyone.until(2)

    assert ann.view == {"highest": 10, "own": 3}
    assert anyone.view == {"highest": 10}
    assert len(anyone.outbox) == 0


async def test_a_lost_socket_resumes_in_another_process(market: Market, hub: Hub) -> None:
    reader = Reader(hub, an_actor("org_a", "buyer"))
    await reader.follow()
    await whisper(market, "org_a", 1, 2)
    await reader.until(2)
    since, view = reader.here, reader.view
    await whisper(market, "org_a", 3, 4, 5)

    # Another process, begun later: it has read nothing yet.
    async with a_hub(a_market()) as other:
        resumed = Reader(other, an_actor("org_a", "buyer"))
        resumed.view, resumed.seq = view, since.seq
        await resumed.follow(since)
        await whisper(market, "org_a", 6, 7)

        assert await resumed.hear() == {"op": "resumed", "topic": "room:1"}
        await resumed.until(7)
    assert resumed.view == {"highest": 7, "own": 7}


async def test_another_audience_never_resumes(market: Market, hub: Hub) -> None:
    await whisper(market, "org_a", 1, 2)
    ann = Reader(hub, an_actor("org_a", "buyer"))
    await ann.follow()
    await ann.hear()
    bob = Reader(hub, an_actor("org_b", "buyer"))

    await bob.follow(ann.here)

    assert (await bob.hear())["op"] == "snapshot"
    assert bob.view == {"highest": 2}


async def test_without_any_wake_up_the_poll_finds_what_grew(market: Market) -> None:
    async with a_hub(a_market()) as other:
        reader = Reader(other)
        await reader.follow()
        await reader.hear()

        await whisper(market, "org_a", 3)
        await asyncio.wait_for(reader.until(1), 30)

    assert reader.view == {"highest": 3}


async def test_many_join_while_the_stream_grows_and_agree(market: Market, hub: Hub) -> None:
    async def write() -> None:
        for number in range(1, 40):
            await whisper(market, "org_a", number)

    async def join(number: int) -> Reader:
        await asyncio.sleep(number * 0.01)
        reader = Reader(hub, an_actor(f"org_{'ab'[number % 2]}", "buyer", person=f"p{number}"))
        await reader.follow()
        await asyncio.wait_for(reader.until(39), 10)
        return reader

    _, *readers = await asyncio.gather(write(), *(join(number) for number in range(12)))

    for reader in readers:
        own = {"own": 39} if reader.actor and reader.actor.organisation_id == "org_a" else {}
        assert reader.view == {"highest": 39, **own}
    assert len({reader.epoch for reader in readers}) == 2


async def test_a_reader_that_stands_still_gets_the_newest_view_later(
    market: Market, hub: Hub
) -> None:
    slow, quick = Reader(hub), Reader(hub)
    await slow.follow()
    await quick.follow()
    for number in range(1, 60):
        await whisper(market, "org_a", number)
        await quick.until(number)

    assert len(slow.outbox) <= LIMITS.queue_frames
    await slow.until(59)
    assert slow.view == quick.view


async def test_a_slow_reader_of_events_is_ended_and_resumes(market: Market) -> None:
    async with a_hub(market, Room(is_state=False)) as hub:
        slow, quick = Reader(hub), Reader(hub)
        for reader in (slow, quick):
            await reader.follow()
            await reader.hear()
        await whisper(market, "org_a", 1)
        await slow.until(1)
        for number in range(2, 60):
            await whisper(market, "org_a", number)
            await quick.until(number)

        assert isinstance(await slow.hear(), Ending)
        hub.leave(slow)
        again = Reader(hub)
        again.view, again.seq = {"highest": 1}, 1
        track = quick.tracks["room:1"]
        await again.follow(Since(track.epoch, 1))
        assert (await again.hear())["op"] == "resumed"
        await again.until(59)
    assert again.view == quick.view


async def test_a_topic_that_is_left_sends_nothing_more(market: Market, hub: Hub) -> None:
    reader = Reader(hub)
    await reader.follow()
    await reader.hear()

    hub.unsubscribe(reader, "room:1")
    await whisper(market, "org_a", 3)
    await asyncio.sleep(0.2)

    assert reader.tracks == {}
    waiting = [str(await reader.outbox.next()) for _ in range(len(reader.outbox))]
    assert all("delta" not in text for text in waiting)


async def test_a_topic_that_fails_ends_its_readers_and_no_others(market: Market, hub: Hub) -> None:
    broken, fine = Reader(hub), Reader(hub)
    await broken.follow()
    await fine.follow(room="2")
    await fine.hear()

    await whisper(market, "org_a", -1)
    await whisper(market, "org_a", 4, room="2")
    await fine.until(1)

    assert broken.outbox.ending is not None
    assert broken.outbox.ending.code == 1011
    assert fine.view == {"highest": 4}


class Counted(Room):
    """Counts what it is shown between two turns of somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = self.most = 0

    def evolve(self, state: dict[str, int], entry: Entry) -> dict[str, int]:
        self.shown += 1
        self.most = max(self.most, self.shown)
        return super().evolve(state, entry)

    async def take_turns(self) -> None:
        while True:
            self.shown = 0
            await asyncio.sleep(0)


async def test_a_long_stream_is_folded_while_others_get_their_turns(market: Market) -> None:
    room = Counted()
    await whisper(market, "org_a", *range(1, 301))
    async with a_hub(market, room) as hub:
        turns = asyncio.ensure_future(room.take_turns())
        first, second = Reader(hub), Reader(hub, an_actor("org_a", "buyer"))
        await first.follow()
        await second.follow()
        await whisper(market, "org_a", *range(301, 601))
        for reader in (first, second):
            await reader.until(600)
        turns.cancel()

    assert first.view == {"highest": 600}
    assert second.view == {"highest": 600, "own": 600}
    assert room.most <= 32


async def test_a_burst_comes_in_one_frame_under_the_number_of_its_last(market: Market) -> None:
    async with a_hub(market, Hall()) as hub:
        ann, bob = (Reader(hub, an_actor(firm, "buyer")) for firm in ("org_a", "org_b"))
        for reader in (ann, bob):
            await reader.follow()
            await reader.hear()

        await whisper(market, "org_a", 5, 7, 6)

        delta = {"op": "delta", "topic": "room:1", "prev": 0}
        assert await bob.hear() == {**delta, "seq": 2, "data": {"highest": 7}}
        assert await ann.hear() == {**delta, "seq": 3, "data": {"highest": 7, "own": 6}}


async def test_a_lost_socket_resumes_in_the_middle_of_what_another_process_shows_at_once(
    market: Market,
) -> None:
    await whisper(market, "org_a", *range(1, 21))
    async with a_hub(market, Hall()) as hub, a_hub(a_market(), Hall()) as other:
        first = Reader(hub, an_actor("org_a", "buyer"))
        await first.follow()
        await first.hear()
        await whisper(market, "org_a", *range(21, 41))
        resumed = Reader(other, an_actor("org_a", "buyer"))
        resumed.view, resumed.seq = first.view, first.seq

        await resumed.follow(first.here)

        assert await resumed.hear() == {"op": "resumed", "topic": "room:1"}
        assert (await resumed.hear())["prev"] == 20
    assert (resumed.seq, resumed.view) == (40, {"highest": 40, "own": 40})


async def test_who_leaves_while_views_are_shown_leaves_nobody_behind(market: Market) -> None:
    async with a_hub(market, Hall()) as hub:
        readers = [Reader(hub, an_actor(f"org_{number}", "buyer")) for number in range(200)]
        for reader in readers:
            await reader.follow()
            await reader.hear()
        fold = hub._tails["room:1"].folds["room:1"]
        # No wake-up comes here: only who joins next reads on.
        await whisper(a_market(), "org_a", 8, 9)

        joins = asyncio.ensure_future(Reader(hub).follow())
        while all(track.seq == 0 for track in fold.tracks.values()):
            await asyncio.sleep(0)
        assert any(track.seq == 0 for track in fold.tracks.values())
        joins.cancel()
        await asyncio.wait([joins])

        assert {track.seq for track in fold.tracks.values()} == {2}
        assert {(await reader.hear())["seq"] for reader in readers} == {2}


async def test_an_absent_topic_and_a_closed_one_look_the_same(hub: Hub) -> None:
    reader = Reader(hub)

    for asked in (
        Subscribe("room:closed", "room", "closed", None),
        Subscribe("x:1", "x", "1", None),
    ):
        with pytest.raises(NotFound):
            await hub.audience(reader.actor, asked)


async def test_people_and_organisations_have_so_many_sockets(hub: Hub) -> None:
    first = [Reader(hub, an_actor("org_a", "buyer", person="ann")) for _ in range(5)]
    with pytest.raises(SocketsTooMany):
        Reader(hub, an_actor("org_a", "buyer", person="ann"))
    others = [Reader(hub, an_actor("org_a", "buyer", person=f"p{n}")) for n in range(25)]
    with pytest.raises(SocketsTooMany):
        Reader(hub, an_actor("org_a", "buyer", person="bob"))

    hub.leave(first[0])
    Reader(hub, an_actor("org_a", "buyer", person="bob"))

    assert len(others) == 25


async def test_a_revoked_session_wakes_the_sockets_of_its_organisation(
    market: Market, hub: Hub
) -> None:
    ann, bob = Reader(hub, an_actor("org_a", "buyer")), Reader(hub, an_actor("org_b", "buyer"))

    await market.bus.wake(["session:org_a"])

    assert (ann.looks, bob.looks) == (1, 0)


async def test_what_nobody_follows_is_forgotten(market: Market, hub: Hub) -> None:
    reader = Reader(hub)
    await reader.follow()
    await reader.hear()

    hub.leave(reader)
    async with asyncio.timeout(30):
        while hub._tails:
            await asyncio.sleep(0.05)
    again = Reader(hub)
    await again.follow()
    await whisper(market, "org_a", 3)
    await again.until(1)

    assert again.view == {"highest": 3}


async def test_who_leaves_while_a_topic_is_being_read_to_him_follows_nothing(
    market: Market, hub: Hub
) -> None:
    reader = Reader(hub)
    async with hub._tail("room:1"):
        follows = asyncio.ensure_future(reader.follow())
        await asyncio.sleep(0.05)
        hub.leave(reader)
    await follows

    tracks = hub._tails["room:1"].folds["room:1"].tracks.values()
    assert [dict(track.followers) for track in tracks] == [{}]
    assert not reader.tracks
