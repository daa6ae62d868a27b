"""Real processes of the program, each over a data folder of its own, and a client for them."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from aggregator.app import market_on
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.processes import recorded_server
from aggregator.parties.registering import found_operator
from tests.documents import REGION, SUGAR
from tests.e2e.tap import Tap

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse 8"
PATIENCE_S = 90
LOUD = {"AGG_LOG_LEVEL": "info"}
"""What is logged is scanned, so let there be much of it."""


@dataclass
class Started:
    """A process of the program, over a data folder, with what it said in a file."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    output: Path

    def said(self) -> str:
        return self.output.read_text()

    def hears(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill_everything(self) -> None:
        """Kill the process and its database at one instant, as a power cut would."""
        pids = [self.process.pid, *left_over(self.data_dir)]
        while pids:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE_S)
            # What was just being forked as the others were looked for.
            pids = left_over(self.data_dir)


@dataclass
class Serving(Started):
    """A process that has said where it serves."""

    url: str = ""

    @asynccontextmanager
    async def client(self, login: str = "") -> AsyncIterator[Client]:
        """Lend a program's client, signed in if a log-in is given."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False) as http:
            client = Client(http)
            if login:
                body = {"login": login, "password": PASSWORD, "bearer": True}
                client.token = (await client.done("POST", "/sessions", body))["token"]
            yield client

    @asynccontextmanager
    async def feed(self, topic: str, token: str = "") -> AsyncIterator[Feed]:
        """Lend a socket that is subscribed to one topic and has its snapshot."""
        url = self.url.replace("http", "ws", 1) + "/feed"
        async with connect(url, compression=None, proxy=None) as socket:
            hello = {"op": "hello", "client": "tests/1", **({"token": token} if token else {})}
            await socket.send(json.dumps(hello))
            await socket.send(json.dumps({"op": "subscribe", "topic": topic}))
            feed = Feed(socket)
            feed.snapshot = (await feed.next("snapshot"))["data"]
            yield feed


@dataclass
class Feed:
    socket: ClientConnection
    snapshot: dict[str, Any] = field(default_factory=dict)

    async def next(self, op: str) -> dict[str, Any]:
        """Return the next frame of a kind; the caller limits how long."""
        while True:
            frame: dict[str, Any] = json.loads(await self.socket.recv())
            if frame["op"] == op:
                return frame

    async def shows(self, name: str, value: object) -> None:
        """Return once a change has brought this value; the caller limits how long."""
        while (await self.next("delta"))["data"].get(name) != value:
            pass


_KEYS = itertools.count(1)


@dataclass
class Client:
    """Acts with command ids, as a firm's program would."""

    http: httpx.AsyncClient
    token: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str = ""
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET":
            headers["Idempotency-Key"] = key or f"key-{os.getpid()}-{next(_KEYS):06d}"
        return await self.http.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def done(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        answer = await self.ask(method, path, body, key=key)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json()


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGG_")}
    given = {"AGG_ENV": "test", "AGG_LOG_LEVEL": "warning", "AGG_DATA_DIR": str(data_dir)}
    return {**kept, **given, **settings}


def run(data_dir: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the program to its end; `said` is typed into it, and its output scanned."""
    done = subprocess.run(
        [sys.executable, "-m", "aggregator", *arguments],
        env=environment(data_dir),
        cwd=ROOT,
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if _TAPS:
        _TAPS[-1].log.write(done.stdout + done.stderr)
    return done


def overhear(url: str) -> str:
    """Return where to go in place of `url`, so that a test's tap hears what is said."""
    return _TAPS[-1].through(url) if _TAPS else url


_TAPS: list[Tap] = []


@contextmanager
def tapping() -> Iterator[Tap]:
    """Overhear what is served from now on, until the end of the block."""
    tap = Tap()
    _TAPS.append(tap)
    try:
        yield tap
    finally:
        _TAPS.remove(tap)
        tap.close()


def start(data_dir: Path, *options: str, port: int = 0, **settings: str) -> Started:
    """Start `aggregator serve` and return at once."""
    notes = Path(os.environ.get("TMPDIR", "/tmp"))
    output = notes / f"serve-{os.getpid()}-{next(_KEYS)}.log"
    with output.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "serve", "--port", str(port), *options],
            env=environment(data_dir, **settings),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    if _TAPS:
        _TAPS[-1].follow(output)
    return Started(process, data_dir, output)


def opened(started: Started) -> Serving:
    """Wait until the process says where it serves."""
    wait_until(lambda: "is open at http" in started.said(), started)
    line = next(line for line in started.said().splitlines() if "is open at http" in line)
    url = overhear(line.split()[-1])
    return Serving(started.process, started.data_dir, started.output, url)


def wait_until(happened: Callable[[], bool], started: Started) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert started.process.poll() is None, started.said()
        assert time.monotonic() < deadline, started.said()
        time.sleep(0.005)


@contextmanager
def serving(data_dir: Path, *options: str, **settings: str) -> Iterator[Serving]:
    """Serve for the length of the block; whatever is left of it is killed at the end."""
    started = start(data_dir, *options, **LOUD, **settings)
    try:
        yield opened(started)
    finally:
        started.kill_everything()
        started.output.unlink()


def left_over(data_dir: Path) -> list[int]:
    """Return every process that works for this data folder: the program's and the database's."""
    place, ours = str(data_dir.resolve()), os.getpid()
    named = os.fsencode(f"AGG_DATA_DIR={data_dir}")
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == ours:
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            folder = str((entry / "cwd").readlink())
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if state not in "ZX" and (folder.startswith(place) or named in variables):
            found.append(int(entry.name))
    return found


def database_runs(data_dir: Path) -> bool:
    server = recorded_server(data_dir / "pg")
    return server is not None and server.alive()


async def with_operator(data_dir: Path) -> None:
    """Make the operator of a market that is being served, as `aggregator user` does."""
    async with market_on(EmbeddedPostgres(data_dir / "pg").dsn()) as market:
        await found_operator(market, "operator", PASSWORD, name="The market")


async def found_market(operator: Client) -> None:
    """Register the region, the sugar, a mill that sells and two firms that buy, with money."""
    await operator.done("POST", "/regions", REGION)
    await operator.done("POST", "/instruments", SUGAR)
    firms = (("mill", "seller"), ("factory", "buyer"), ("trader", "buyer"))
    for key, role in firms:
        firm = {"name": f"Firm {key}", "kind": key, "owner_group": key, "region": "GX"}
        made = await operator.done("POST", "/organisations", firm)
        person = {"login": key, "name": key, "password": PASSWORD, "roles": [role]}
        people = f"/organisations/{made['organisation_id']}/people"
        await operator.done("POST", people, person)
        line = {
            "account": "CN-1",
            "entry_reference": key,
            "direction": "credit",
            "amount": "900000000.00",
            "currency": "CNY",
            "booked_on": "2026-01-04",
            "payer": firm["name"],
            "remittance": made["deposit_reference"],
        }
        await operator.done("POST", "/bank/lines", {"lines": [line]})


async def open_auction(mill: Client) -> str:
    """Open an ascending auction of 10 lots that stays open for a day; return its id."""
    now = datetime.fromisoformat((await mill.done("GET", "/time"))["now"])
    rules = {
        "side": "sell",
        "cell": f"SUGAR-W1/GX/{now.year + 1}-03",
        "lots": 10,
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "start": "5000.00",
        "step": "10.00",
    }
    return str((await mill.done("POST", "/auctions", rules))["auction_id"])
