"""Two processes of the program share one market: one database, woken over a real Valkey."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from aggregator.app import market_on
from aggregator.parties.registering import found_operator
from tests.documents import REGION, SUGAR
from tests.integration.feed.valkey import Valkey, a_free_port

PASSWORD = "correct horse 8"
MILL = {"name": "South mill", "kind": "mill", "owner_group": "South", "region": "GX"}


@dataclass
class Process:
    """One running `aggregator serve`."""

    running: asyncio.subprocess.Process
    url: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            answer = await client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer

    async def token(self, login: str) -> str:
        body = {"login": login, "password": PASSWORD, "bearer": True}
        return str((await self.ask("POST", "/sessions", body)).json()["token"])

    @asynccontextmanager
    async def feed(self, token: str) -> AsyncIterator[ClientConnection]:
        url = self.url.replace("http", "ws", 1) + "/feed"
        async with connect(url, compression=None, proxy=None) as socket:
            await socket.send(json.dumps({"op": "hello", "token": token}))
            assert (await heard(socket, "welcome"))["heartbeat_s"] == 5
            yield socket


async def heard(socket: ClientConnection, op: str) -> Any:
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if frame["op"] == op:
            return frame


async def phase_heard(socket: ClientConnection) -> str:
    """Wait for the auction's next phase; that its stop is proposed is told before."""
    while "phase" not in (delta := await heard(socket, "delta"))["data"]:
        assert set(delta["data"]) == {"motions"}
    return str(delta["data"]["phase"])


async def started(dsn: str, redis_url: str, folder: Path) -> Process:
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "aggregator", "serve", "--port", "0"),
        env={
            **os.environ,
            "AGG_DATABASE_URL": dsn,
            "AGG_REDIS_URL": redis_url,
            "AGG_DATA_DIR": str(folder),
            "AGG_LOG_LEVEL": "error",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    assert running.stdout is not None
    async with asyncio.timeout(60):
        while b"http://" not in (line := await running.stdout.readline()):
            assert line, "the program ended before it served"
    url = line.decode().split()[-1]
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        for _ in range(200):
            try:
                await client.get("/api/v1/time")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                break
    return Process(running, url)


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    server = Valkey(a_free_port())
    await server.start()
    yield server
    server.stop()


@pytest.fixture
async def pair(dsn: str, valkey: Valkey, tmp_path: Path) -> AsyncIterator[tuple[Process, Process]]:
    async with market_on(dsn) as market:
        await found_operator(market, "operator", PASSWORD, name="The market")
    found = [await started(dsn, valkey.url, tmp_path / str(number)) for number in range(2)]
    yield found[0], found[1]
    for process in found:
        process.running.terminate()
    for process in found:
        assert await asyncio.wait_for(process.running.wait(), 20) == 0


@pytest.mark.slow
async def test_what_one_process_does_the_other_shows_at_once(
    pair: tuple[Process, Process], valkey: Valkey
) -> None:
    here, there = pair
    operator = {"Authorization": f"Bearer {await here.token('operator')}"}
    await here.ask("POST", "/regions", REGION, **operator, **{"Idempotency-Key": "region"})
    replayed = await there.ask(
        "POST", "/regions", REGION, **operator, **{"Idempotency-Key": "region"}
    )
    await there.ask("POST", "/instruments", SUGAR, **operator, **{"Idempotency-Key": "sugar"})
    mill = await there.ask(
        "POST", "/organisations", MILL, **operator, **{"Idempotency-Key": "mill"}
    )
    person = {"login": "mill", "name": "Li Lei", "password": PASSWORD, "roles": ["seller"]}
    path = f"/organisations/{mill.json()['organisation_id']}/people"
    await here.ask("POST", path, person, **operator, **{"Idempotency-Key": "person"})
    firms = (await here.ask("GET", "/organisations", **operator)).json()["organisations"]
    market_id = next(one["id"] for one in firms if one["kind"] == "operator")
    person = {**person, "login": "second", "roles": ["operator"]}
    path = f"/organisations/{market_id}/people"
    await here.ask("POST", path, person, **operator, **{"Idempotency-Key": "colleague"})
    colleague = {"Authorization": f"Bearer {await here.token('second')}"}
    seller = await here.token("mill")
    bearer = {"Authorization": f"Bearer {seller}"}
    now = (await here.ask("GET", "/time")).json()["now"]

    async def opened(key: str) -> str:
        rules = {
            "side": "sell",
            "cell": "SUGAR-W1/GX/2027-03",
            "lots": 10,
            "closes_at": f"{int(now[:4]) + 1}{now[4:10].replace('02-29', '02-28')}T00:00:00Z",
            "start": "5000.00",
            "step": "10.00",
        }
        answer = await here.ask("POST", "/auctions", rules, **bearer, **{"Idempotency-Key": key})
        return str(answer.json()["auction_id"])

    async def cancelled(auction_id: str) -> float:
        body, path = {"reason": "shown elsewhere"}, f"/auctions/{auction_id}"
        key = {"Idempotency-Key": f"cancel-{auction_id}"}
        proposed = await here.ask("POST", f"{path}/cancel", body, **operator, **key)
        began = time.monotonic()
        approve = f"{path}/motions/{proposed.json()['motion_id']}/approve"
        agreed = {"Idempotency-Key": f"approve-{auction_id}"}
        await here.ask("POST", approve, **colleague, **agreed)
        return began

    assert replayed.headers["idempotent-replayed"] == "true"
    async with there.feed(seller) as socket:
        waits: list[float] = []
        for number in range(27):
            auction_id = await opened(f"auction-{number}")
            await socket.send(json.dumps({"op": "subscribe", "topic": f"auction:{auction_id}"}))
            await heard(socket, "snapshot")
            began = await cancelled(auction_id)
            assert await phase_heard(socket) == "cancelled"
            waits.append(time.monotonic() - began)
            if len(waits) % 9 == 0 and sorted(waits[-9:])[4] < 0.3:
                break
        # The poll looks once a second; five of nine this quick were woken. A busy machine
        # has three goes at it.
        assert sorted(waits[-9:])[4] < 0.3, waits

        valkey.stop()
        auction_id = await opened("auction-without-valkey")
        await socket.send(json.dumps({"op": "subscribe", "topic": f"auction:{auction_id}"}))
        await heard(socket, "snapshot")
        await cancelled(auction_id)
        assert await phase_heard(socket) == "cancelled"

        await valkey.start()
        await asyncio.sleep(6)  # the longest wait before both try again
        await here.ask("DELETE", "/sessions/current", **bearer)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(heard(socket, "never"), 3)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
