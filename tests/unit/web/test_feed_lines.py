"""Frames written past the transport: whole and in order, whatever a slow reader leaves lying."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import pytest
import uvloop

from aggregator.market import PUBLIC
from tests.unit.web.test_feed_fanout import a_track, settled, telling
from web.feed.fanout import Fanout
from web.feed.folds import Track
from web.feed.framing import framed, texts
from web.feed.limits import FeedLimits
from web.feed.outbox import Outbox
from web.feed.protocol import Close

LIMITS = FeedLimits(queue_frames=100_000, queue_bytes=64 * 1024 * 1024)
PONG = framed(b"pong")
ACK = "acknowledged"
ROOM, CHANGES = 4096, 600


class Line(asyncio.Protocol):
    """A wire of one socket that has little room."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.pauses = 0
        self.ended: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.transport.set_write_buffer_limits(high=0)
        self.outbox.attach(self)

    def pause_writing(self) -> None:
        self.pauses += 1
        self.outbox.pause()

    def resume_writing(self) -> None:
        self.outbox.resume()

    @property
    def write(self) -> Callable[[bytes], None]:
        return self.transport.write

    def fileno(self) -> int:
        number: int = self.transport.get_extra_info("socket").fileno()
        return number

    def close(self, code: int, reason: str) -> None:
        assert reason
        self.ended.append(code)


async def connected(limits: FeedLimits = LIMITS) -> tuple[Outbox, Line, socket.socket]:
    """Return an outbox that writes to a line, and the reader's end of it."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
    outbox = Outbox(limits)
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(lambda: Line(outbox), sock=ours)
    return outbox, line, theirs


def joined(track: Track, outbox: Outbox) -> None:
    track.followers[outbox] = track.seq
    outbox.tracks[track.name] = track


def ack(number: int) -> bytes:
    return framed(f"{ACK} {number} {'of much ' * (number % 90)}".encode())


async def changed(fanout: Fanout, tracks: list[Track], line: Line) -> None:
    """Change them in turn, with a frame of another's between; the reader reads meanwhile."""
    for number in range(1, CHANGES + 1):
        tracks[number % len(tracks)].show({"n": number, "words": "糖" * (number % 200)})
        fanout.grown(tracks[number % len(tracks)])
        if number % 7 == 0:
            line.transport.write(PONG)
        if number % 5 == 0:
            line.outbox.send(ack(number))
        await asyncio.sleep(0)
    for track in tracks:
        await settled(track)


async def read(end: socket.socket, tracks: list[Track]) -> list[str]:
    """Read, with pauses, until the last number of every track has come."""
    loop, found = asyncio.get_running_loop(), b""
    lasts = [f'"{track.name}","seq":{CHANGES // len(tracks)},'.encode() for track in tracks]
    async with asyncio.timeout(60):
        while not all(last in found for last in lasts):
            found += await loop.sock_recv(end, 3_000)
            await asyncio.sleep(0.001)
    return texts(found[: found.rindex(b"}") + 1])


@pytest.mark.skipif(sys.platform == "win32", reason="There are no such numbers there")
@pytest.mark.parametrize("names", [["auction:1"], ["auction:1", "prices:*", "prices:A/*"]])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_frames_stay_whole_and_in_order_through_every_pause(
    loop: Callable[[], asyncio.AbstractEventLoop], names: list[str]
) -> None:
    async def told() -> None:
        tracks = [a_track(name=name, is_ticked=name.startswith("prices")) for name in names]
        outbox, line, end = await connected()
        for track in tracks:
            joined(track, outbox)
        async with telling() as fanout:
            reading = asyncio.ensure_future(read(end, tracks))
            await changed(fanout, tracks, line)
            said = await reading

        line.transport.abort()
        end.close()
        assert (line.ended, line.pauses > 10) == ([], True)
        others = [text for text in said if not text.startswith("{")]
        assert {text for text in others if not text.startswith(ACK)} == {"pong"}
        told = [int(text.split()[1]) for text in others if text.startswith(ACK)]
        assert told == list(range(5, CHANGES + 1, 5))
        for track in tracks:
            seqs = [int(t.split('"seq":')[1].split(",")[0]) for t in said if track.name in t]
            assert all(later == seq + 1 for seq, later in pairwise([0, *seqs]))

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(told())


async def test_who_never_reads_is_kept_within_the_bounds_and_ended() -> None:
    limits = FeedLimits(queue_frames=50, queue_bytes=20_000)
    track = a_track()
    track.is_state = False
    outbox, line, end = await connected(limits)
    joined(track, outbox)
    async with telling() as fanout:
        await changed(fanout, [track], line)

    left = line.transport.get_write_buffer_size()
    line.transport.abort()
    end.close()
    assert (line.ended, outbox.line, len(outbox)) == ([Close.SLOW], None, 0)
    assert left < 2_000  # one frame that the socket took a part of


async def test_a_line_that_broke_is_left_to_its_transport() -> None:
    track = Track("auction:1", PUBLIC, {"n": 0}, epoch="ab", is_state=True, window=10)
    outbox, line, end = await connected()
    joined(track, outbox)
    end.close()
    async with telling() as fanout:
        track.show({"n": 1})
        fanout.grown(track)
        await settled(track)
        async with asyncio.timeout(20):
            while not line.transport.is_closing():
                await asyncio.sleep(0)

    assert outbox.ending is None
