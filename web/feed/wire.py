"""Uvicorn's websocket protocol, lent to the feed: frames go straight to the transport.

It stands on uvicorn's own class, which is no public interface; `tests/unit/web/test_feed_wire.py`
says what of it we rely on, and without it, under any other server, the feed sends by ASGI.
It also bounds what uvicorn does not: control frames, fragments, and who never ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import GeneratorType
from typing import Any, Protocol, cast

from starlette.websockets import WebSocket
from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.streams import StreamReader

from web.auth.rates import Bucket, Rate
from web.context import monotonic_ms

try:
    from websockets.speedups import apply_mask
except ImportError:  # where its wheel was built without a compiler; eight times as slow
    from websockets.utils import apply_mask

_EXTENSION = "aggregator.wire"
_CLOSE_S = 5
_SHUTDOWN_S = 1
_LONGEST_REASON = 120
# Beyond what the protocol of the feed allows, so that it gets to say so first.
_FRAMES = Rate(per_s=100, burst=200)
_PART_BYTES = 4096
_DEAF_BYTES = 1024 * 1024
_IS_WINDOWS = os.name == "nt"
_WHOLE_TEXT, _MASKED, _TWO_BYTES = 0x81, 0x80, 126
_MASK, _HEADER = 4, 6
_NOTHING = StreamReader.at_eof.__code__
"""Where the parser waits while nothing of a frame has come."""
_INVALID_TEXT, _TOO_MANY = 1007, 4429


class Sink(Protocol):
    """Whoever writes to a wire."""

    def pause(self) -> None:
        """Hear that the wire has enough."""

    def resume(self) -> None:
        """Hear that it takes more."""

    def shut(self) -> None:
        """Hear that nothing may be written any more."""


class _Messages:
    """What waits for the one task that reads; a queue for many takes far more memory and time."""

    __slots__ = ("more", "waiting")

    def __init__(self) -> None:
        self.waiting: list[ASGIReceiveEvent] = []
        self.more: asyncio.Future[None] | None = None
        """Done once something waits, while the reader waits for that."""

    def put_nowait(self, message: ASGIReceiveEvent) -> None:
        self.waiting.append(message)
        more = self.more
        if more is not None:
            self.more = None
            if not more.done():
                more.set_result(None)


class FeedProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    # What each frame asks for stands close together: of thousands of sockets none is in a cache.
    __slots__ = ("_counted", "_is_at_rest", "_messages", "_sink")
    _deaf_bytes = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._sink: Sink | None = None
        self._counted = Bucket(_FRAMES, monotonic_ms())
        self._is_at_rest = False
        self._messages = _Messages()
        self.queue = cast(Any, self._messages)

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message; the reader of a feed calls this past all that wraps it."""
        messages = self._messages
        while not messages.waiting:
            messages.more = self.loop.create_future()
            await messages.more
        message = messages.waiting.pop(0)
        if self.read_paused and not messages.waiting:
            self.read_paused = False
            self.transport.resume_reading()
        return message

    def attach(self, sink: Sink) -> None:
        """Tell `sink` from now on whether more may be written."""
        if self.close_sent or self.transport.is_closing():
            # It ended before its task began: nothing may follow the close frame.
            sink.shut()
            return
        # Whatever the transport cannot send at once pauses the sink, so while that is not
        # paused the transport holds nothing back, and `fileno` may be written to past it.
        self.transport.set_write_buffer_limits(high=0)
        self._sink = sink
        if not self.writable.is_set():
            sink.pause()

    def detach(self) -> None:
        if self._sink is not None:
            self._sink.shut()
            self._sink = None

    @property
    def write(self) -> Callable[[bytes], None]:
        """What writes whole frames without waiting, until the sink has been shut."""
        return self.transport.write

    def fileno(self) -> int:
        """Return the socket's number, or -1 where bytes must go through the transport."""
        if _IS_WINDOWS or self.transport.get_extra_info("sslcontext") is not None:
            return -1
        number: int = self.transport.get_extra_info("socket").fileno()
        return number

    def close(self, code: int, reason: str) -> None:
        """Say goodbye behind what was written; end within seconds even if nobody listens."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))
        self._leave()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            # The application's task has not run yet.
            self.scope["extensions"][_EXTENSION] = {"wire": self}

    def shutdown(self) -> None:
        self.detach()
        super().shutdown()
        self.loop.call_later(_SHUTDOWN_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self.detach()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._sink is not None:
            self._sink.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._sink is not None:
            self._sink.resume()

    def data_received(self, data: bytes) -> None:
        text = self._whole_text(data)
        if text is not None:
            if self._counts():
                self._hear(text)
            return
        self._is_at_rest = False
        # In parts, so that a flood is seen before all of it is read.
        for at in range(0, len(data), _PART_BYTES):
            if self.close_sent:
                self._hear_no_more(min(_PART_BYTES, len(data) - at))
            if self.conn.parser_exc is not None or self.transport.is_closing():
                return
            super().data_received(data[at : at + _PART_BYTES])

    def handle_text(self, event: Frame) -> None:
        if self._counts():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._counts():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if self._counts():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if self._counts():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._counts():
            super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        content, self.frames = b"".join(self.frames), []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self._put({"type": "websocket.receive", "bytes": content})
        else:
            self._hear(content)

    def _hear(self, content: bytes) -> None:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            self.close(_INVALID_TEXT, "frames are UTF-8")
        else:
            self._put({"type": "websocket.receive", "text": text})

    def _put(self, message: ASGIReceiveEvent) -> None:
        self._messages.put_nowait(message)
        # While one is answered the next may come; to stop and start for each costs more.
        if len(self._messages.waiting) > 1 and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def handle_close(self, event: Frame) -> None:
        self.detach()
        super().handle_close(event)

    def keepalive_timeout(self) -> None:
        self.detach()
        super().keepalive_timeout()

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            return
        self._leave()
        # What comes from now on is not understood, so its close frame cannot be waited for.
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _whole_text(self, data: bytes) -> bytes | None:
        """Return the text of data that is one frame, whole and masked (RFC 6455, section 5.2).

        So nearly every frame of a client arrives. What is anything else, or comes while
        something else has begun, is for the parser, which takes ten times as long.
        """
        # Who has sent a close frame has no sink any more.
        if len(data) < _HEADER or data[0] != _WHOLE_TEXT or self._sink is None:
            return None
        size, begins = data[1] - _MASKED, _HEADER
        if size == _TWO_BYTES:
            size, begins = int.from_bytes(data[2:4], "big"), _HEADER + 2
        elif size > _TWO_BYTES:
            return None
        if begins + size != len(data) or size > _PART_BYTES:
            return None
        if not self._is_at_rest:
            conn = self.conn
            if conn.current_size is not None or conn.state is not OPEN or _has_begun(conn.parser):
                return None
            self._is_at_rest = True
        return apply_mask(data[begins:], data[begins - _MASK : begins])

    def _counts(self) -> bool:
        """Count one more frame; end the connection that sends too many."""
        if self._sink is None and self.close_sent:
            return False
        if not self._counted.wait_ms(monotonic_ms()):
            return True
        self.close(_TOO_MANY, f"at most {_FRAMES.per_s} frames of any kind a second")
        return False

    def _leave(self) -> None:
        """Send the close frame that was made; the client may still read what came before."""
        sent = self.conn.close_sent
        assert sent is not None
        self.detach()
        self.stop_keepalive()
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": sent.code, "reason": sent.reason}
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            # Its own close frame is yet to come.
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_CLOSE_S, self.transport.abort)

    def _hear_no_more(self, size: int) -> None:
        self._deaf_bytes += size
        if self._deaf_bytes > _DEAF_BYTES:
            self.transport.abort()


def _has_begun(parser: object) -> bool:
    """Say whether the parser waits for the rest of a frame."""
    while isinstance(parser, GeneratorType):
        if parser.gi_code is _NOTHING:
            return False
        parser = parser.gi_yieldfrom
    return True


def wire_of(websocket: WebSocket) -> FeedProtocol | None:
    """Return the connection's wire, where the server lends it."""
    lent = websocket.scope.get("extensions", {}).get(_EXTENSION)
    return None if lent is None else cast(FeedProtocol, lent["wire"])
