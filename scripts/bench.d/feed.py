"""The feed: one change to many sockets, against a C send loop and other ways in Python and Node.

`BENCH_SOCKETS=1000 scripts/bench feed` takes fewer than 10,000, and `BENCH_PEERS=C,starlette`
fewer peers. Each peer runs in turn with the
feed, one message of 200 bytes after the other, and ratios are of the medians of such pairs. CPU
is the sending process's own, from the scheduler's count. What the views of 512 bidders cost who
follow one auction stands beside it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _auction_followers

ROOT = Path(__file__).resolve().parents[2]
SOCKETS = int(os.environ.get("BENCH_SOCKETS", "10000"))
ROUNDS = max(8, 60_000 // SOCKETS)
BURST, STALLED, ACTS = 16, 50, 400
PEERS = ("C", "starlette-queue", "starlette", "websockets", "aiohttp", "picows", "node ws")
Row = dict[str, Any]


@dataclass
class Talk:
    """A process that is told and tells, line by line."""

    process: subprocess.Popen[str]

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} has ended")
        return json.loads(line)

    def ask(self, line: str) -> Any:
        self.tell(line)
        return self.hear()

    def cpu_ns(self) -> int:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text().split()[0]) for one in tasks)

    def memory(self) -> int:
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

    def end(self) -> None:
        with suppress(BrokenPipeError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Seen:
    """What rounds showed: CPU a message, messages a second, when most had come."""

    cpu_us: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def median(self, name: str) -> float:
        return statistics.median(getattr(self, name))


@dataclass
class Pair:
    """A way to send, and the sockets it sends to."""

    way: Talk
    load: Talk

    def round(self, seen: Seen, messages: int = 1) -> None:
        began_ns = self.way.cpu_ns()
        self.load.ask(f"round {messages}")
        self.way.tell(f"send {messages}")
        came = self.load.hear()
        # The work that follows a write is part of the message too.
        time.sleep(0.02)
        sent = messages * SOCKETS
        seen.cpu_us.append((self.way.cpu_ns() - began_ns) / 1e3 / sent)
        seen.rate.append(sent / came["all_ns"] * 1e9)
        seen.p99_ms.append(came["p99_ns"] / 1e6)


def measure(seed: int) -> Iterator[Row]:
    yield from (row(*found) for found in _auction_followers.measured(seed))
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        ways, missing = commands(folder)
        print(f"  {SOCKETS:,} sockets; missing here: {', '.join(missing) or 'none'}", flush=True)
        feed = begun(exits, [sys.executable, "scripts/_feed_ours.py"])
        port = feed.hear()
        before = feed.memory()
        ours = Pair(feed, connected(exits, port, is_ours=True))
        yield row("memory of an idle socket", (feed.memory() - before) / SOCKETS / 1000, "kB")
        whole = Seen()
        for name, command in ways.items():
            yield from compared(name, command, ours, whole)
        yield row("CPU of a message", whole.median("cpu_us"), "us")
        yield row("deliveries", whole.median("rate"), "/s")
        yield row("last percent after", whole.median("p99_ms"), "ms")
        ranks = ours.load.ask("ranks")
        yield row("single messages ranked", ranks["rounds"], "")
        yield row("mean rank of the socket that is first", ranks["first"], "%")
        yield row("mean rank of the socket that is last", ranks["last"], "%")
        yield from stalled(ours, port)
        yield from acknowledged(ours)


def commands(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return how to start each peer that is here, and the names of the others."""
    found, missing = {}, []
    for name in os.environ.get("BENCH_PEERS", ",".join(PEERS)).split(","):
        command = [sys.executable, "scripts/_feed_peers.py", name]
        if name == "C":
            is_here, command = compiled(folder / "loop"), [str(folder / "loop")]
        elif name == "node ws":
            command = ["node", "scripts/_feed_peer.js"]
            is_here = shutil.which("node") is not None and runs("node", "-e", 'require("ws")')
        else:
            is_here = runs(sys.executable, "-c", f"import {name.partition('-')[0]}")
        if is_here:
            found[name] = command
        else:
            missing.append(name)
    return found, missing


def compiled(program: Path) -> bool:
    source = str(ROOT / "scripts" / "_feed_loop.c")
    return shutil.which("cc") is not None and runs("cc", "-O2", "-o", str(program), source)


def runs(*command: str) -> bool:
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def begun(exits: ExitStack, command: list[str]) -> Talk:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "AGG_ENV": "test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    talk = Talk(process)
    exits.callback(talk.end)
    return talk


def connected(exits: ExitStack, port: int, *, is_ours: bool) -> Talk:
    load = begun(exits, [sys.executable, "scripts/_feed_load.py"])
    assert load.ask(f"connect {port} {SOCKETS} {int(is_ours)}") == {"connected": SOCKETS}
    return load


def compared(name: str, command: list[str], ours: Pair, whole: Seen) -> Iterator[Row]:
    """Send by turns, by the peer and by the feed."""
    with ExitStack() as exits:
        way = begun(exits, command)
        theirs = Pair(way, connected(exits, way.hear(), is_ours=False))
        feed, peer, burst, peers_burst = Seen(), Seen(), Seen(), Seen()
        for pair in (theirs, ours):
            pair.round(Seen())
        for _ in range(ROUNDS):
            theirs.round(peer)
            ours.round(feed)
        if name == "starlette":
            for _ in range(3):
                theirs.round(peers_burst, BURST)
                ours.round(burst, BURST)
    whole.cpu_us += feed.cpu_us
    whole.rate += feed.rate
    whole.p99_ms += feed.p99_ms
    yield row(f"{name}: CPU of a message", peer.median("cpu_us"), "us")
    for what, title in (("cpu_us", "CPU"), ("rate", "deliveries a second"), ("p99_ms", "p99")):
        yield row(f"{title}, to {name}", feed.median(what) / peer.median(what), "x")
    if burst.rate:
        ratio = burst.median("rate") / peers_burst.median("rate")
        yield row(f"{BURST} changes in one tick, deliveries to {name}", ratio, "x")


def stalled(ours: Pair, port: int) -> Iterator[Row]:
    """Let some connect and never read, and see what it costs the others and us."""
    alone, beside = Seen(), Seen()
    for _ in range(ROUNDS):
        ours.round(alone, 4)
    with ExitStack() as exits:
        for _ in range(STALLED):
            exits.enter_context(deaf(port))
        # Enough changes to fill what the kernel holds for each of them.
        most = 0
        for _ in range(ROUNDS):
            ours.round(beside, 4)
        for _ in range(12):
            ours.round(Seen(), 250 if SOCKETS <= 1000 else 60)
            most = max(most, ours.way.ask("state")["most_bytes"])
        for _ in range(ROUNDS):
            ours.round(beside, 4)
    yield row(f"p99 beside {STALLED} that never read, to alone",
              beside.median("p99_ms") / alone.median("p99_ms"), "x")  # fmt: skip
    yield row("most that waited for one of them", most / 1000, "kB")


def deaf(port: int) -> socket.socket:
    """Return a socket that follows the board, with little room, and is never read."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from _feed_load import FOLLOWING, HANDSHAKE

    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", port))
    one.sendall(HANDSHAKE)
    one.recv(200)
    one.sendall(FOLLOWING)
    return one


def acknowledged(ours: Pair) -> Iterator[Row]:
    """Carry acts out in the process that sends, with and without changes to everybody."""
    quiet = ours.way.ask(f"acts {ACTS} 0")
    changes = 4
    ours.load.ask(f"round {changes}")
    loud = ours.way.ask(f"acts {ACTS} {changes}")
    ours.load.hear()
    yield row("an acknowledgement, quiet, p99", quiet["ack_p99_ms"], "ms")
    yield row("an acknowledgement, during broadcasts, p99", loud["ack_p99_ms"], "ms")
    delay = loud["ack_p99_ms"] - quiet["ack_p99_ms"]
    yield row("delay of an acknowledgement by broadcasts, p99", delay, "ms")
    yield row("longest hold of the loop, p99", loud["timer_p99_ms"], "ms")


def row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": value, "unit": unit}
