"""Websocket framing of what the market sends (RFC 6455, section 5.2): text, whole, unmasked.

A server's frame is the same for every reader, so it is made once and the same bytes are written
to all. Frames that follow one another may be joined into one write.
"""

from __future__ import annotations

_WHOLE_TEXT = 0x81
_TWO_BYTES, _EIGHT_BYTES = 126, 127


def framed(payload: bytes) -> bytes:
    """Return the frame that carries a text's UTF-8."""
    size = len(payload)
    if size < _TWO_BYTES:
        return bytes((_WHOLE_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_WHOLE_TEXT, _TWO_BYTES)) + size.to_bytes(2, "big") + payload
    return bytes((_WHOLE_TEXT, _EIGHT_BYTES)) + size.to_bytes(8, "big") + payload


def texts(frames: bytes) -> list[str]:
    """Return the texts of frames that `framed` made and somebody joined."""
    found, at = [], 0
    while at < len(frames):
        size, begins = frames[at + 1], at + 2
        if size >= _TWO_BYTES:
            ends = begins + (2 if size == _TWO_BYTES else 8)
            size, begins = int.from_bytes(frames[begins:ends], "big"), ends
        at = begins + size
        found.append(frames[begins:at].decode())
    return found
