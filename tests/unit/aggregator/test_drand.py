"""A beacon from a real server on this machine that speaks as drand does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from aggregator.auctions import drand
from aggregator.auctions.drand import MOST_BYTES, Drand

CHAIN = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
GENESIS = datetime(2027, 1, 1, tzinfo=UTC)
INFO: dict[str, Any] = {"hash": CHAIN, "genesis_time": int(GENESIS.timestamp()), "period": 3}


def a_round(number: int, **other: Any) -> dict[str, Any]:
    signature = bytes([number]) * 48
    made = sha256(signature).hexdigest()
    return {"round": number, "randomness": made, "signature": signature.hex(), **other}


@dataclass
class Network:
    """Answers `says` by path and keeps what it was asked; anything else is not there."""

    says: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Network:
        self.says = {"info": INFO, **self.says}
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/{CHAIN}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        path = head.split(" ")[1].removeprefix(f"/{CHAIN}/")
        self.asked.append(path)
        status = "200 OK" if path in self.says else "425 Too Early"
        body = json.dumps(self.says.get(path)).encode()
        said = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(said.encode("ascii") + body)
        await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    ("seconds", "number"), [(-100, 1), (0, 1), (0.000001, 2), (3, 2), (3.5, 3), (6, 3)]
)
async def test_the_first_round_at_or_after_the_close_counts(seconds: float, number: int) -> None:
    async with Network({f"public/{number}": a_round(number)}) as network:
        beacon = Drand(network.url)

        found = await beacon.value(GENESIS + timedelta(seconds=seconds))

    assert found == sha256(bytes([number]) * 48).digest()
    assert network.asked == ["info", f"public/{number}"]
    assert beacon.source == f"drand {CHAIN}"


async def test_a_thousand_closes_ask_for_a_round_once() -> None:
    async with Network({"public/1": a_round(1)}) as network:
        beacon = Drand(network.url)

        found = await asyncio.gather(*(beacon.value(GENESIS) for _ in range(1000)))

    assert set(found) == {sha256(bytes([1]) * 48).digest()}
    assert network.asked == ["info", "public/1"]


@pytest.mark.parametrize(
    "says",
    [
        {},
        {"public/1": a_round(2)},
        {"public/1": a_round(1, randomness="00" * 32)},
        {"public/1": a_round(1, signature="")},
        {"public/1": a_round(1, round="1")},
        {"public/1": a_round(1, more="0" * MOST_BYTES)},
        {"public/1": [1]},
        {"info": {**INFO, "hash": "00" * 32}, "public/1": a_round(1)},
        {"info": {**INFO, "period": 0}, "public/1": a_round(1)},
    ],
)
async def test_what_is_not_the_rounds_value_has_not_come(says: dict[str, Any]) -> None:
    async with Network(says) as network:
        assert await Drand(network.url).value(GENESIS) is None


async def test_a_round_that_comes_late_and_a_server_that_was_away_are_asked_again() -> None:
    async with Network() as network:
        beacon = Drand(network.url)
        assert await beacon.value(GENESIS) is None
        network.says["public/1"] = a_round(1)
        assert await beacon.value(GENESIS) is not None

    assert await beacon.value(GENESIS + timedelta(minutes=1)) is None
    assert await beacon.value(GENESIS) is not None


async def test_a_server_that_drips_is_left_and_keeps_many_closes_no_longer_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drand, "PATIENCE_S", 0.2)
    asked = []

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.01)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    beacon = Drand(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{CHAIN}")
    async with asyncio.timeout(60):
        found = await asyncio.gather(*(beacon.value(GENESIS) for _ in range(1000)))

    assert set(found) == {None}
    assert len(asked) == 1
    for writer in asked:
        writer.close()
    server.close()
