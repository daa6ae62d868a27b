"""Sockets that mean harm, and the close code that each must be ended with."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

HELLO = '{"op":"hello","client":"hostile/1"}'
TEXT, BINARY, CLOSE, PING, PONG, CONTINUED = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
END = 0x80
_HANDSHAKE = (
    "GET /feed HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: aggregator.feed.v1\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@dataclass(frozen=True)
class Case:
    """Bytes that a client sends, after a hello or instead of one."""

    sent: bytes
    code: int
    is_greeted: bool = True


def frame(opcode: int, payload: bytes = b"", *, first: int = END, size: int | None = None) -> bytes:
    """Return a client's frame, masked with zeros; `size` lies about its length."""
    told = len(payload) if size is None else size
    if told < 126:
        head = bytes((first | opcode, 0x80 | told))
    elif told < 1 << 16:
        head = bytes((first | opcode, 0xFE)) + told.to_bytes(2, "big")
    else:
        head = bytes((first | opcode, 0xFF)) + told.to_bytes(8, "big")
    return head + bytes(4) + payload


def said(text: str) -> bytes:
    return frame(TEXT, text.encode())


def broken(**fields: object) -> Case:
    return Case(said(json.dumps(fields)), 4400)


def _cases() -> dict[str, Case]:
    found = {
        f"reserved bit {bit}": Case(frame(TEXT, b"{}", first=END | bit), 1002)
        for bit in (0x40, 0x20, 0x10)
    }
    found |= {f"opcode {code}": Case(frame(code), 1002) for code in (3, 4, 5, 6, 7)}
    found |= {f"opcode {code}": Case(frame(code), 1002) for code in (11, 12, 13, 14, 15)}
    found |= {
        f"a close with code {code}": Case(frame(CLOSE, code.to_bytes(2, "big")), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015)
    }
    found |= {
        f"no UTF-8: {payload!r}": Case(frame(TEXT, payload), 1007)
        for payload in (b"\xff", b'"\xe7\xb3"', b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80")
    }
    found |= {
        f"no frame: {text[:40]}": Case(said(text), 4400)
        for text in (
            "", "{", "[]", "7", "null", '"hello"', "[" * 5000, '{"op":1e999}', '{"op":NaN}',
            '{"op":"subscribe","op":"subscribe"}', '{"op":"subscribe","topic":"\\ud800"}',
        )
    }  # fmt: skip
    found |= {
        f"topic {topic!r:.40}": broken(op="subscribe", topic=topic)
        for topic in (
            "*", "prices:*/*", "prices:SUGAR-W1/GX/*", "auction:*", "pool:a*", "me:*", "", 7, None,
            ["prices:*"], "prices:*\n", "prices:" + "A" * 10_000,
        )
    }  # fmt: skip
    found |= {
        f"since {since!r:.40}": broken(op="subscribe", topic="prices:*", since=since)
        for since in (
            7, {}, {"epoch": "ab", "seq": -1}, {"epoch": "ab", "seq": True},
            {"epoch": "AB", "seq": 1}, {"epoch": "ab", "seq": 1, "more": 1},
        )
    }  # fmt: skip
    return found


_HALF = frame(TEXT, b"{", first=0)
CASES: dict[str, Case] = {
    **_cases(),
    "no mask": Case(b"\x81\x02{}", 1002),
    "a ping too long": Case(frame(PING, b"x" * 126), 1002),
    "a ping in parts": Case(frame(PING, b"x", first=0), 1002),
    "a rest of nothing": Case(frame(CONTINUED, b"}"), 1002),
    "a text within a text": Case(_HALF + frame(TEXT, b"{}"), 1002),
    "a close of one byte": Case(frame(CLOSE, b"\x03"), 1002),
    "a close whose reason is no UTF-8": Case(frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "no UTF-8 over two parts": Case(
        frame(TEXT, b"\xe7", first=0) + frame(CONTINUED, b"\xb3}"), 1007
    ),
    "a length of 2^63": Case(frame(TEXT, b"{", size=1 << 63), 1009),
    "a length of a terabyte": Case(frame(TEXT, b"{", size=1 << 40), 1009),
    "70,000 bytes": Case(frame(TEXT, b"x" * 70_000), 1009),
    "70,000 bytes in parts": Case(
        frame(TEXT, b"x" * 35_000, first=0) + frame(CONTINUED, b"x" * 35_000), 1009
    ),
    "17,000 bytes": Case(frame(TEXT, b"x" * 17_000), 4413),
    "a flood of pings": Case(frame(PING) * 20_000, 4429),
    "a flood of pongs": Case(frame(PONG, b"x") * 20_000, 4429),
    "a flood of empty parts": Case(_HALF + frame(CONTINUED, first=0) * 20_000, 4429),
    "10,000 subscriptions": Case(
        b"".join(said(f'{{"op":"subscribe","topic":"prices:A/B/{n}"}}') for n in range(10_000)),
        4429,
    ),
    "10,000 goodbyes to a topic": Case(said('{"op":"unsubscribe","topic":"me"}') * 10_000, 4429),
    "a binary frame": Case(frame(BINARY, b"\x00\x01"), 4400),
    "an unknown op": broken(op="fly"),
    "no op": broken(topic="prices:*"),
    "an op that is a number": broken(op=7),
    "an unknown field": broken(op="subscribe", topic="prices:*", more=1),
    "a second hello": Case(said(HELLO), 4400),
    "a topic before the hello": Case(said('{"op":"subscribe","topic":"prices:*"}'), 4400, False),
    "two hellos in one breath": Case(said(HELLO) * 2, 4400, False),
    "a ticket and a token": Case(said('{"op":"hello","ticket":"a","token":"b"}'), 4400, False),
    "a ticket that is none": Case(said('{"op":"hello","ticket":"a"}'), 4401, False),
    "a token that is none": Case(said('{"op":"hello","token":"a"}'), 4401, False),
    "a client's name too long": Case(
        said(json.dumps({"op": "hello", "client": "x" * 200})), 4400, False
    ),
    "a topic that needs a session": Case(said('{"op":"subscribe","topic":"me"}'), 4403),
    "an act without a session": Case(said('{"op":"bid","cmd":"1"}'), 4403),
}  # fmt: skip


async def ending(port: int, case: Case, *, host: str = "127.0.0.1") -> tuple[int, int]:
    """Do what the case says; return the code that ends the socket, and after how many ms."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(_HANDSHAKE.format(host=host, port=port).encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b" 101 " in answer.split(b"\r\n")[0], answer
            if case.is_greeted:
                writer.write(said(HELLO))
                assert await _next(reader) == TEXT
            began = time.monotonic_ns()
            writer.write(case.sent)
            while (found := await _next(reader)) < 1000:
                pass
            return found, (time.monotonic_ns() - began) // 1_000_000
        finally:
            writer.transport.abort()


async def _next(reader: asyncio.StreamReader) -> int:
    """Return the opcode of the next frame, or the code of a close frame."""
    first, size = await reader.readexactly(2)
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    payload = await reader.readexactly(size)
    opcode = first & 0x0F
    return int.from_bytes(payload[:2], "big") if opcode == CLOSE else opcode
