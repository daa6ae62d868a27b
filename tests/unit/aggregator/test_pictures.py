"""A photograph is kept without what its camera knew, and only if it is one."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from aggregator.errors import InvalidField
from aggregator.fulfilment.pictures import MAX_BYTES, cleaned

HIDDEN = (b"SecretCamera", b"Nanning", b"a film of the same moment")


def a_photograph(kind: str, **options: object) -> bytes:
    """Return a picture with a camera, a place, a comment and a film in it."""
    told = Image.Exif()
    told[0x010F] = "SecretCamera"
    told.get_ifd(0x8825).update({1: "N", 2: (22.0, 48.0, 1.0)})
    picture = Image.linear_gradient("L").convert("RGB").resize((64, 48))
    file = io.BytesIO()
    picture.save(file, kind, exif=told, comment=b"Nanning", **options)
    return file.getvalue() + HIDDEN[2]


def shown(content: bytes) -> tuple[tuple[int, int], bytes]:
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return picture.size, picture.tobytes()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"restart_marker_rows": 1}),
        ("PNG", {}),
    ],
)
def test_only_the_picture_is_kept_and_looks_the_same(kind: str, options: dict[str, object]) -> None:
    given = a_photograph(kind, **options)

    found = cleaned(given)

    assert shown(found.content) == shown(given)
    assert (found.width, found.height) == (64, 48)
    assert found.media_type == f"image/{kind.lower()}"
    assert all(secret in given for secret in (HIDDEN[0], HIDDEN[2]))
    assert not any(secret in found.content for secret in HIDDEN)
    with Image.open(io.BytesIO(found.content)) as picture:
        assert not dict(picture.getexif())
    assert cleaned(found.content) == found


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cut_or_altered_picture_is_refused_or_still_one(kind: str) -> None:
    whole = cleaned(a_photograph(kind)).content

    for at in range(len(whole)):
        with pytest.raises(InvalidField):
            cleaned(whole[:at])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7 a document",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"GIF89a" + bytes(100),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8" + b"\xff" * 10_000,
        b"\xff\xd8" + b"\xff\xe1\x00\x02" * 10_000 + b"\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        bytes(MAX_BYTES + 1),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidField):
        cleaned(content)


@pytest.mark.parametrize("size", [(0, 10), (20_000, 10), (12_000, 12_000)])
def test_a_picture_that_unpacks_to_a_bomb_is_refused(size: tuple[int, int]) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        whole = name + body
        return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")

    with pytest.raises(InvalidField):
        cleaned(bomb)
