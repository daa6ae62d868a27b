"""What we rely on in uvicorn's websocket protocol, which is no public interface."""

from __future__ import annotations

import asyncio
import inspect
import re

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from web.auth.rates import Bucket, Rate
from web.feed.wire import FeedProtocol, _Messages

OVERRIDDEN = {
    "handle_connect": ["self", "event"],
    "handle_text": ["self", "event"],
    "handle_bytes": ["self", "event"],
    "handle_cont": ["self", "event"],
    "handle_ping": ["self"],
    "handle_pong": ["self", "event"],
    "handle_close": ["self", "event"],
    "handle_parser_exception": ["self"],
    "keepalive_timeout": ["self"],
    "send_receive_event_to_app": ["self"],
    "data_received": ["self", "data"],
    "receive": ["self"],
    "connection_lost": ["self", "exc"],
    "pause_writing": ["self"],
    "resume_writing": ["self"],
    "shutdown": ["self"],
    "stop_keepalive": ["self"],
}


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_uvicorn_still_calls_what_we_override(name: str) -> None:
    theirs = getattr(WebSocketsSansIOProtocol, name)

    assert list(inspect.signature(theirs).parameters) == OVERRIDDEN[name]


def test_uvicorn_still_has_what_we_read_and_has_not_taken_our_names() -> None:
    source = inspect.getsource(WebSocketsSansIOProtocol)

    for name in ("close_sent", "close_timer", "read_paused", "writable", "queue", "conn", "scope"):
        assert f"self.{name}" in source
    for name in ("attach", "detach", "write", "close", "_sink", "_leave", "_counts"):
        assert name in vars(FeedProtocol)
        assert name not in vars(WebSocketsSansIOProtocol)


def test_uvicorn_asks_of_its_queue_only_what_ours_has() -> None:
    source = inspect.getsource(WebSocketsSansIOProtocol)

    # Who takes from it is overridden.
    assert set(re.findall(r"self\.queue\.(\w+)", source)) == {"put_nowait", "get", "empty"}
    assert "self.queue." not in source.replace("self.queue.put_nowait", "").replace(
        inspect.getsource(WebSocketsSansIOProtocol.receive), ""
    )


class Deaf:
    """A sink that nothing is written to."""

    is_shut = False

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def shut(self) -> None:
        self.is_shut = True


class Reading(asyncio.Transport):
    """A connection that counts how often it was told to read no more."""

    paused = resumed = 0
    closing = False

    def is_closing(self) -> bool:
        return self.closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self) -> None:
        self.resumed += 1


def a_wire() -> FeedProtocol:
    """Return a wire after the handshake, without a transport."""
    wire = FeedProtocol.__new__(FeedProtocol)
    wire.conn = ServerProtocol(state=OPEN)
    wire.close_sent = False
    wire._sink = Deaf()
    wire._is_at_rest = False
    return wire


def heard(wire: FeedProtocol, data: bytes) -> list[bytes]:
    """Return the frames that data completes, the way `data_received` hears them."""
    text = wire._whole_text(data)
    if text is not None:
        return [text]
    wire.conn.receive_data(data)
    return [bytes(one.data) for one in wire.conn.events_received() if isinstance(one, Frame)]


def sent(payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 4000])
def test_a_whole_text_is_heard_past_the_parser(size: int) -> None:
    assert a_wire()._whole_text(sent(b"x" * size)) == b"x" * size


@pytest.mark.parametrize(
    "data",
    [
        sent(b"part", fin=False),
        sent(b"binary", Opcode.BINARY),
        sent(b"ping", Opcode.PING),
        sent(b"x" * 5000),
        sent(b"x" * 70_000),
        sent(b"two") * 2,
        sent(b"cut")[:-1],
        Frame(Opcode.TEXT, b"bare").serialize(mask=False),
        b"\xc1" + sent(b"with a reserved bit")[1:],
        # Its length stands in eight bytes, so what looks like its mask is a part of that.
        b"\x81\xff" + (119).to_bytes(8, "big") + sent(b"x" * 119)[2:],
        b"",
    ],
)
def test_anything_else_is_for_the_parser(data: bytes) -> None:
    assert a_wire()._whole_text(data) is None


def test_nothing_is_heard_past_a_parser_that_has_begun() -> None:
    whole = sent(b"whole")
    for begun in (sent(b"part", fin=False), *(whole[:size] for size in range(1, len(whole)))):
        wire = a_wire()
        wire.conn.receive_data(begun)
        assert wire._whole_text(whole) is None


def test_frames_are_the_same_however_their_bytes_come() -> None:
    frames = [sent(b"one"), sent(b"", Opcode.PING), sent(b"2" * 300), sent(b"three")]
    stream = b"".join(frames)
    for size in range(1, len(stream)):
        wire, found = a_wire(), list[bytes]()
        for at in range(0, len(stream), size):
            found += heard(wire, stream[at : at + size])
        assert found == [b"one", b"", b"2" * 300, b"three"]


def test_whole_texts_are_heard_between_any_others() -> None:
    frames = [sent(b"1"), sent(b"2"), sent(b"3a", fin=False), sent(b"3b", Opcode.CONT), sent(b"4")]
    # What lies within another frame is none, even where it comes alone and looks whole.
    within, unmasked = sent(b"5"), bytes(4)
    frames += [bytes((0x82, 0x80 + len(within))) + unmasked + within, sent(b"6")]
    stream = b"".join(frames)
    for size in range(1, 20):
        wire = a_wire()
        wire.transport, wire.read_paused, wire._deaf_bytes = Reading(), False, 0
        wire._messages, wire._counted = _Messages(), Bucket(Rate(per_s=1, burst=100), 0)
        wire.initial_response, wire.handshake_initiated = None, True

        wire.data_received(frames[0])
        for at in range(0, len(stream), size):
            wire.data_received(stream[at : at + size])

        told = [message.get("text") for message in wire._messages.waiting]
        assert told == ["1", "1", "2", "3a3b", "4", None, "6"]


async def test_reading_stops_only_when_two_frames_wait_for_their_reader() -> None:
    wire = a_wire()
    transport = Reading()
    wire.transport, wire._messages, wire.read_paused = transport, _Messages(), False

    for number, paused in enumerate([0, 1, 1]):
        wire.curr_msg_data_type, wire.frames = "text", [b"%d" % number]
        wire.send_receive_event_to_app()
        assert transport.paused == paused

    for number, resumed in enumerate([0, 0, 1]):
        assert await wire.receive() == {"type": "websocket.receive", "text": str(number)}
        assert transport.resumed == resumed


@pytest.mark.parametrize("is_closing", [True, False])
def test_who_comes_when_the_goodbye_was_said_writes_nothing_behind_it(is_closing: bool) -> None:
    wire, transport, sink = a_wire(), Reading(), Deaf()
    wire._sink, wire.transport, wire.writable = None, transport, asyncio.Event()
    wire.writable.set()
    transport.closing = is_closing

    wire.attach(sink)

    assert sink.is_shut is is_closing
    assert (wire._sink is None) is is_closing
