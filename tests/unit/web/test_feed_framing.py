"""Frames as bytes: what we write is what a websocket library reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from web.feed.framing import framed, texts


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_is_what_the_library_would_make(size: int) -> None:
    payload = b"x" * size

    assert framed(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


@given(st.lists(st.text(max_size=200), max_size=6))
def test_joined_frames_come_apart_again(said: list[str]) -> None:
    assert texts(b"".join(framed(text.encode()) for text in said)) == said
