"""What waits for a slow reader: bounded, conflated where it may be, ended where not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from aggregator.market import PUBLIC
from web.feed.folds import Track
from web.feed.framing import framed, texts
from web.feed.limits import FeedLimits
from web.feed.outbox import Outbox
from web.feed.protocol import Close, Ending

LIMITS = FeedLimits(queue_frames=8, queue_bytes=2_000)


def a_track(outbox: Outbox, name: str = "prices:*", is_state: bool = True) -> Track:
    track = Track(name, PUBLIC, {"n": 0}, epoch="ab", is_state=is_state, window=100)
    track.followers[outbox] = track.seq
    outbox.tracks[name] = track
    return track


def show(track: Track, view: dict[str, Any]) -> None:
    track.show(view)
    for follower in track.followers:
        track.give(follower)


def ack(number: int = 0) -> bytes:
    return framed(json.dumps({"op": "ack", "cmd": str(number)}).encode())


async def first(outbox: Outbox) -> list[Any]:
    frames = await outbox.next()
    assert isinstance(frames, bytes)
    return [json.loads(text) for text in texts(frames)]


async def taken(outbox: Outbox) -> list[Any]:
    found: list[Any] = []
    while len(outbox):
        found += await first(outbox)
    return found


async def test_frames_go_out_in_order() -> None:
    outbox = Outbox(LIMITS)
    track = a_track(outbox)

    outbox.send(ack())
    show(track, {"n": 1})
    show(track, {"n": 2})

    assert [frame.get("seq") for frame in await taken(outbox)] == [None, 1, 2]


async def test_a_state_topic_conflates_to_its_newest_snapshot() -> None:
    outbox = Outbox(LIMITS)
    track = a_track(outbox)

    for number in range(1, 101):
        show(track, {"n": number})
    outbox.send(ack())
    found = await taken(outbox)

    assert outbox.ending is None
    assert found[0] == json.loads(texts(track.snapshot())[0])
    assert found[0]["seq"] == 100
    assert found[1] == {"op": "ack", "cmd": "0"}
    show(track, {"n": 101})
    assert [frame["seq"] for frame in await taken(outbox)] == [101]


async def test_every_number_is_followed_through_any_conflation() -> None:
    outbox = Outbox(LIMITS)
    track, view, seq = a_track(outbox), {"n": 0}, 0

    for number in range(1, 200):
        show(track, {"n": number})
        if number % 7 == 0:
            (frame,) = await first(outbox)
            if frame["op"] == "snapshot":
                view, seq = frame["data"], frame["seq"]
            else:
                assert frame["prev"] == seq
                view, seq = {**view, **frame["data"]}, frame["seq"]
    for frame in await taken(outbox):
        assert frame["op"] == "snapshot" or frame["prev"] == seq
        seq, view = frame["seq"], {**view, **frame["data"]}

    assert (seq, view) == (track.seq, track.view)


async def test_a_slow_reader_of_events_is_ended() -> None:
    outbox = Outbox(LIMITS)
    track = a_track(outbox, "auction:1", is_state=False)

    for number in range(1, 20):
        show(track, {"n": number})

    assert outbox.ending == Ending(Close.SLOW, "the reader is too slow; resume by number")
    assert await outbox.next() == outbox.ending
    assert await outbox.cut() == outbox.ending


async def test_acknowledgements_are_never_left_out() -> None:
    outbox = Outbox(LIMITS)
    track = a_track(outbox)
    for number in range(1, 8):
        show(track, {"n": number})

    for number in range(7):
        outbox.send(ack(number))

    found = await taken(outbox)
    assert [frame["cmd"] for frame in found if frame["op"] == "ack"] == list("0123456")
    outbox.send_all([b"x" * 500] * 3)
    assert outbox.ending is None
    outbox.send_all([b"x" * 500] * 2)
    assert outbox.ending is not None


async def test_a_heartbeat_replaces_one_that_waits() -> None:
    outbox = Outbox(LIMITS)

    for number in range(20):
        outbox.beat(framed(b'{"op":"heartbeat","n":%d}' % number))

    assert await taken(outbox) == [{"op": "heartbeat", "n": 19}]


async def test_a_snapshot_larger_than_the_bound_is_sent_all_the_same() -> None:
    outbox = Outbox(LIMITS)
    track = a_track(outbox)
    track.show({"text": "x" * 5_000})

    outbox.refresh(track)

    assert (await taken(outbox))[0]["data"] == track.view


async def test_a_change_larger_than_the_bound_becomes_a_snapshot() -> None:
    outbox = Outbox(LIMITS)
    track = a_track(outbox)

    show(track, {"text": "糖" * 1_000})

    assert (await taken(outbox))[0]["op"] == "snapshot"


async def test_what_waits_of_a_forgotten_topic_is_not_sent() -> None:
    outbox = Outbox(LIMITS)
    track, other = a_track(outbox), a_track(outbox, "pool:1")
    show(track, {"n": 1})
    show(other, {"n": 1})

    outbox.forget(track)

    assert [frame["topic"] for frame in await taken(outbox)] == ["pool:1"]


@pytest.mark.parametrize(
    ("code", "is_sent"), [(Close.GOING_AWAY, True), (Close.RATE, True), (Close.SESSION_OVER, False)]
)
async def test_an_ending_lets_out_what_may_still_be_seen(code: Close, is_sent: bool) -> None:
    outbox = Outbox(LIMITS)
    outbox.send(ack())
    ending = Ending(code, "over")

    outbox.end(ending)
    outbox.end(Ending(Close.BROKEN, "a later reason does not count"))
    outbox.send(ack())

    assert len(await taken(outbox)) == is_sent
    assert await outbox.next() == ending


async def test_the_writer_waits_for_the_next_frame() -> None:
    outbox = Outbox(LIMITS)
    waiting = asyncio.ensure_future(outbox.next())
    await asyncio.sleep(0)

    outbox.send(b"x")

    assert await asyncio.wait_for(waiting, 30) == b"x"
