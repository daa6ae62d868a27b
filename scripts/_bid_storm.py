"""What a storm of bids is made of: two web processes, and clients that believe only answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from aggregator.clock import SystemClock
from scripts._storm_process import forking, serve
from tests.e2e.processes import PASSWORD, PATIENCE_S

GONE = (httpx.TransportError, WebSocketException, OSError, TimeoutError, EOFError)
WAIT_S = 8
TRUE_TIME = SystemClock()
"""The time of this program and of the database, by which the market's stamps are judged."""
AGAIN = ("try_again", "outcome_unknown", "disk_full", "rate_limited", "internal", "not_signed_in")
"""Answers that settle nothing: the same command is sent once more."""


@dataclass
class Web:
    """One web process: started, killed, frozen and started again on the same port."""

    port: int
    data_dir: Path
    settings: dict[str, str]
    process: BaseProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        return self.data_dir.parent / f"web-{self.port}.log"

    async def start(self, kill_at: str = "", off_s: int = 0, struck: Path | None = None) -> None:
        """Start a process whose wall clock is off by `off_s`, and wait until it serves.

        At the point `kill_at` it dies, or the database of the folder `struck` does.
        """
        self.output.unlink(missing_ok=True)
        settings = {**self.settings, "AGG_KILL_AT": kill_at}
        self.process = forking().Process(
            target=serve, args=(self.port, self.data_dir, self.output, settings, off_s, struck)
        )
        await asyncio.to_thread(self.process.start)
        deadline = time.monotonic() + PATIENCE_S
        while not self._says("is open at http"):
            if not self.runs() or time.monotonic() > deadline:
                raise NotStarted(self.output.read_text() if self.output.exists() else "")
            await asyncio.sleep(0.01)

    def runs(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.pid is not None and self.runs():
            os.kill(self.process.pid, number)

    def bury(self) -> None:
        """Kill the process if it runs, and forget it."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.process = None

    def _says(self, words: str) -> bool:
        return self.output.exists() and words in self.output.read_text()


class NotStarted(Exception):
    """A web process ended before it served; the text is what it said."""


@dataclass
class Asked:
    """One command of a firm, and the one answer that it has ever been given."""

    command_id: str
    auction: str
    price: int
    asked_at: datetime
    answered_at: datetime | None = None
    answer: tuple[int, dict[str, Any]] | None = None


@dataclass
class Witnesses:
    """What everybody saw, and what broke."""

    violations: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def broken(self, sentence: str) -> None:
        if len(self.violations) < 50:
            self.violations.append(sentence)


@dataclass
class Bidder:
    """A firm's program. It keeps each command until it has an answer that settles it."""

    firm: str
    webs: list[Web]
    chance: random.Random
    witnesses: Witnesses
    token: str = ""
    asked: list[Asked] = field(default_factory=list)
    sockets: dict[int, ClientConnection] = field(default_factory=dict)

    async def sign_in(self) -> None:
        body = {"login": self.firm, "password": PASSWORD, "bearer": True}
        async with self._http() as http:
            answer = await http.post(f"{self.webs[0].url}/api/v1/sessions", json=body)
        self.token = str(answer.json()["token"])

    def command(self, auction: str, price: int) -> Asked:
        asked = Asked(f"{self.firm}-{len(self.asked):06d}", auction, price, TRUE_TIME.now())
        self.asked.append(asked)
        return asked

    async def settle(self, asked: Asked, until: float) -> None:
        """Ask until somebody answers; whichever process and way are asked, the answer is one."""
        loop = asyncio.get_running_loop()
        while asked.answer is None and loop.time() < until:
            web = self.chance.choice(self.webs)
            try:
                await self.ask(web, asked)
            except GONE:
                self.witnesses.seen["asked again after a broken connection"] += 1
                await asyncio.sleep(0.05)

    async def ask(self, web: Web, asked: Asked) -> None:
        if self.chance.random() < 0.4:
            found = await self._over_the_feed(web, asked)
        else:
            found = await self._over_http(web, asked)
        if found is None:
            await asyncio.sleep(0.1)
        elif asked.answer is None:
            asked.answer, asked.answered_at = found, TRUE_TIME.now()
        elif asked.answer != found:
            self.witnesses.broken(f"{asked.command_id} answered {asked.answer}, then {found}")

    async def _over_http(self, web: Web, asked: Asked) -> tuple[int, dict[str, Any]] | None:
        # Some connections are cut before their answer; the command is then asked about again.
        is_cut = self.chance.random() < 0.1
        patience = self.chance.uniform(0.001, 0.03) if is_cut else WAIT_S
        async with asyncio.timeout(patience), self._http() as http:
            answer = await http.post(
                f"{web.url}/api/v1/auctions/{asked.auction}/bids",
                json={"price": f"{asked.price}.00"},
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Idempotency-Key": asked.command_id,
                },
            )
        return _settled(answer.status_code, answer.json())

    async def _over_the_feed(self, web: Web, asked: Asked) -> tuple[int, dict[str, Any]] | None:
        socket = self.sockets.get(web.port)
        try:
            async with asyncio.timeout(WAIT_S):
                if socket is None:
                    socket = self.sockets[web.port] = await a_socket(web, self.token)
                await socket.send(
                    json.dumps(
                        {
                            "op": "bid",
                            "cmd": asked.command_id,
                            "auction": asked.auction,
                            "price": f"{asked.price}.00",
                        }
                    )
                )
                while True:
                    frame = json.loads(await socket.recv())
                    if frame.get("cmd") == asked.command_id:
                        break
        except GONE:
            self.sockets.pop(web.port, None)
            if socket is not None:
                socket.transport.abort()
            raise
        self.witnesses.seen["answers over the feed"] += 1
        if frame["op"] == "ack":
            return 201, frame["data"]
        return _settled(0, frame)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=WAIT_S, trust_env=False)

    async def leave(self) -> None:
        for socket in self.sockets.values():
            socket.transport.abort()
        self.sockets.clear()


def _settled(status: int, answer: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
    """Return what an answer settles; what may be tried again settles nothing."""
    if status == 201:
        return 201, answer
    if answer["code"] in AGAIN:
        return None
    return 422, {"code": answer["code"]}


async def a_socket(web: Web, token: str) -> ClientConnection:
    url = web.url.replace("http", "ws", 1) + "/feed"
    socket = await connect(url, compression=None, proxy=None, open_timeout=WAIT_S)
    await socket.send(json.dumps({"op": "hello", "token": token, "client": "storm/1"}))
    return socket


async def snapshot(web: Web, token: str, auction: str) -> dict[str, Any]:
    """Return what a new follower of the auction is shown."""
    socket = await a_socket(web, token)
    try:
        await socket.send(json.dumps({"op": "subscribe", "topic": f"auction:{auction}"}))
        async with asyncio.timeout(60):
            while (frame := json.loads(await socket.recv()))["op"] != "snapshot":
                pass
    finally:
        socket.transport.abort()
    return dict(frame)


@dataclass
class Follower:
    """A firm that only looks, at one process: what it is told must follow from what it knows."""

    web: Web
    token: str
    witnesses: Witnesses
    auctions: list[str]
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    best: dict[str, int] = field(default_factory=dict)

    async def follow(self) -> None:
        while True:
            with contextlib.suppress(*GONE):
                async with asyncio.timeout(WAIT_S):
                    socket = await a_socket(self.web, self.token)
                try:
                    await self._read(socket)
                finally:
                    socket.transport.abort()
            await asyncio.sleep(0.1)

    async def _read(self, socket: ClientConnection) -> None:
        for auction in self.auctions:
            frame: dict[str, Any] = {"op": "subscribe", "topic": f"auction:{auction}"}
            if auction in self.known:
                frame["since"] = self.known[auction]
            await socket.send(json.dumps(frame))
        while True:
            async with asyncio.timeout(4 * WAIT_S):
                frame = json.loads(await socket.recv())
            if frame["op"] in ("snapshot", "delta"):
                self._told(frame)

    def _told(self, frame: dict[str, Any]) -> None:
        auction = frame["topic"].partition(":")[2]
        known = self.known.setdefault(auction, {"epoch": "", "seq": 0})
        if frame["op"] == "delta":
            self.witnesses.seen["deltas followed"] += 1
            if frame["prev"] != known["seq"]:
                self.witnesses.broken(f"{frame['topic']}: {known['seq']}, then {frame['prev']}")
        else:
            known["epoch"] = frame["epoch"]
        known["seq"] = frame["seq"]
        best = frame["data"].get("best")
        if best is not None:
            minor = int(best.replace(".", ""))
            if minor < self.best.get(auction, 0):
                self.witnesses.broken(f"{frame['topic']}: the best bid fell to {best}")
            self.best[auction] = minor
