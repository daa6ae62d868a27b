"""Pictures without what a camera hides in them.

A file counts for what its bytes are, not for what it is called: JPEG and PNG, read segment by
segment, and nothing but the segments that make up the picture is kept. Place, time, camera,
comments, previews and whatever was appended (a film of the same moment, another file) are left
out. The picture itself is not decoded; who relies on a camera's note of how it was held must turn
the picture before sending it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.errors import InvalidField

JPEG, PNG = "image/jpeg", "image/png"
MAX_BYTES = 4 * 1024 * 1024
MAX_SIDE, MAX_PIXELS, MAX_PARTS = 12_000, 50_000_000, 5_000
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"})
_JPEG_START, _END, _SCAN = b"\xff\xd8", 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_KEPT = _FRAMES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDD}
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
# Of what applications add, only the short segment that tells how colours are meant.
_COLOURS, _COLOURS_LENGTH = b"\xff\xee\x00\x0eAdobe", 16


@dataclass(frozen=True, slots=True)
class Picture:
    """A cleaned picture and its size in pixels."""

    media_type: str
    content: bytes
    width: int
    height: int


def cleaned(content: bytes) -> Picture:
    """Return the picture that the bytes are, and nothing else of them.

    Raises:
        InvalidField: they are no whole JPEG or PNG file, or too large.

    """
    if len(content) > MAX_BYTES:
        raise InvalidField("", "max_bytes", MAX_BYTES)
    try:
        found = _png(content) if content.startswith(_PNG_START) else _jpeg(content)
    except (_Broken, IndexError):
        raise InvalidField("", "picture", len(content)) from None
    if min(found.width, found.height) < 1 or max(found.width, found.height) > MAX_SIDE:
        raise InvalidField("", "picture_side", MAX_SIDE)
    if found.width * found.height > MAX_PIXELS:
        raise InvalidField("", "picture_pixels", MAX_PIXELS)
    return found


class _Broken(Exception):
    """The bytes are no picture."""


def _png(content: bytes) -> Picture:
    kept = [_PNG_START]
    names = []
    for name, whole, body in _chunks(content):
        if name in _PNG_KEPT:
            kept.append(whole)
            names.append(name)
        elif not name[0] & 0x20:
            raise _Broken  # a part without which the picture cannot be read
        if name == b"IHDR":
            width, height = _number(body[:4]), _number(body[4:8])
    if names[0] != b"IHDR" or names[-1] != b"IEND" or b"IDAT" not in names:
        raise _Broken
    return Picture(PNG, b"".join(kept), width, height)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = len(_PNG_START)
    for _ in range(MAX_PARTS):
        length = _number(content[at : at + 4])
        whole = content[at : at + 12 + length]
        name, body = whole[4:8], whole[8:-4]
        if len(whole) != 12 + length or _number(whole[-4:]) != zlib.crc32(whole[4:-4]):
            raise _Broken
        yield name, whole, body
        if name == b"IEND":
            return
        at += len(whole)
    raise _Broken


def _jpeg(content: bytes) -> Picture:
    if not content.startswith(_JPEG_START):
        raise _Broken
    kept, at, size, has_scan = [_JPEG_START], 2, (0, 0), False
    for _ in range(MAX_PARTS):
        if content[at] != 0xFF:
            raise _Broken
        marker = content[at + 1]
        if marker == _END:
            break
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + _number(content[at + 2 : at + 4])
        if end < at + 4 or end > len(content):
            raise _Broken
        if marker in _FRAMES:
            size = _number(content[at + 7 : at + 9]), _number(content[at + 5 : at + 7])
        if marker == _SCAN:
            end, has_scan = _scanned(content, end), True
        segment = content[at:end]
        if marker in _JPEG_KEPT or _tells_colours(segment):
            kept.append(segment)
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            raise _Broken
        at = end
    else:
        raise _Broken
    if not has_scan:
        raise _Broken
    return Picture(JPEG, b"".join([*kept, bytes([0xFF, _END])]), *size)


def _tells_colours(segment: bytes) -> bool:
    return segment.startswith(_COLOURS) and len(segment) == _COLOURS_LENGTH


def _scanned(content: bytes, at: int) -> int:
    """Return where a scan's data end: at a marker that is neither escaped nor a restart."""
    found = _NEXT_MARKER.search(content, at)
    if found is None:
        raise _Broken
    return found.start()


def _number(digits: bytes) -> int:
    return int.from_bytes(digits, "big")
