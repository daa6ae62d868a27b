"""What we rely on in uvicorn's websocket protocol, which is no public interface."""

from __future__ import annotations

import inspect

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from web.feed.wire import FeedProtocol

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
