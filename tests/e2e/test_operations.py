"""Starting, stopping and killing the program, as whoever runs it on a machine would."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.cli import main
from aggregator.db.processes import recorded_server
from tests.e2e.processes import (
    PASSWORD,
    REGION,
    Client,
    Serving,
    database_runs,
    found_market,
    left_over,
    open_auction,
    run,
    serving,
    start,
    wait_until,
    with_operator,
)

REGISTRARS = 4


@pytest.fixture
def data_dir(quick_disk: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="serve-", dir=quick_disk))
    yield folder / "var"
    shutil.rmtree(folder)


async def test_a_first_start_serves_pages_api_and_feed_and_ctrl_c_ends_all_of_it(
    data_dir: Path,
) -> None:
    with serving(data_dir) as market:
        async with market.client() as nobody:
            page = await nobody.http.get("/")
            prices = await nobody.done("GET", "/prices")
        async with market.feed("prices:*") as feed:
            live = feed.snapshot

        code = market.hears(signal.SIGINT)

        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        assert prices["cells"] == []
        assert live["prices"] == {}
        assert code == 0
        assert left_over(data_dir) == []

    with serving(data_dir) as market:
        async with market.client() as nobody:
            await nobody.done("GET", "/prices")
        # Closing the terminal ends it just as Ctrl-C does.
        assert market.hears(signal.SIGHUP) == 0
        assert left_over(data_dir) == []


@dataclass
class Acknowledged:
    """What a market said yes to: by command id, what was asked and what was answered."""

    answers: dict[str, tuple[str, Any, Any]] = field(default_factory=dict)

    async def ask(self, client: Client, key: str, path: str, body: Any) -> bool:
        """Send one act, keep its acknowledgement, and tell whether the market still answers."""
        try:
            answer = await client.ask("POST", path, body, key=key)
        except httpx.TransportError:
            return False
        if answer.status_code == 503:
            return False
        assert answer.status_code == 201, answer.text
        self.answers[key] = (path, body, answer.json())
        return True

    def of(self, kind: str) -> list[Any]:
        """Return the answers to the acts whose command ids begin so."""
        return [answer for key, (_, _, answer) in self.answers.items() if key.startswith(kind)]


async def test_a_kill_of_everything_under_load_loses_no_acknowledged_act(data_dir: Path) -> None:
    operator_made = run(data_dir, "user", "operator", "operator", said=PASSWORD)
    told = Acknowledged()
    with serving(data_dir) as market:
        auction = await busy_until_killed(market, told)

    assert operator_made.returncode == 0, operator_made.stderr
    assert not database_runs(data_dir)
    with serving(data_dir) as market:
        async with market.client("operator") as operator:
            listed = (await operator.done("GET", "/organisations"))["organisations"]
            room = await operator.done("GET", f"/auctions/{auction}")
            bidders = {"/organisations": operator}
            async with market.client("factory") as factory:
                bidders[f"/auctions/{auction}/bids"] = factory
                # One key in ten is enough to show it, and keeps within the rate limits.
                for key in sorted(told.answers)[::10]:
                    path, body, answer = told.answers[key]
                    again = await bidders[path].ask("POST", path, body, key=key)
                    assert again.headers["idempotent-replayed"] == "true"
                    assert again.json() == answer
        assert market.hears(signal.SIGTERM) == 0
    verified = run(data_dir, "verify", "ledger")
    recomputed = run(data_dir, "verify", "prices")
    replayed = run(data_dir, "replay")
    firms, bids = told.of("firm"), told.of("bid")
    assert {firm["organisation_id"] for firm in firms} <= {row["id"] for row in listed}
    assert room["bids"] in (len(bids), len(bids) + 1)
    assert room["best"] >= max(bid["price"] for bid in bids)
    assert verified.returncode == 0, verified.stderr
    assert recomputed.returncode == 0, recomputed.stderr
    assert replayed.returncode == 0, replayed.stderr
    assert left_over(data_dir) == []


async def busy_until_killed(market: Serving, told: Acknowledged) -> str:
    """Register firms and bid, all at once, and kill everything in the midst of it."""
    async with market.client("operator") as operator, contextlib.AsyncExitStack() as exits:
        await found_market(operator)
        mill = await exits.enter_async_context(market.client("mill"))
        factory = await exits.enter_async_context(market.client("factory"))
        auction = await open_auction(mill)
        numbers = itertools.count(1)

        async def register() -> None:
            alive = True
            while alive:
                key = f"firm-{next(numbers):04d}"
                body = {"name": key, "kind": "factory", "owner_group": key, "region": "GX"}
                alive = await told.ask(operator, key, "/organisations", body)

        async def bid() -> None:
            alive, price = True, 5000
            while alive:
                body = {"price": f"{price}.00", "lots": 10}
                alive = await told.ask(factory, f"bid-{price}", f"/auctions/{auction}/bids", body)
                price += 10

        working = asyncio.gather(*(register() for _ in range(REGISTRARS)), bid())
        while len(told.of("firm")) < 100 or len(told.of("bid")) < 20:
            assert not working.done(), market.said()
            await asyncio.sleep(0.01)
        market.kill_everything()
        await working
    return auction


def test_a_port_in_use_is_one_sentence_and_touches_nothing(data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        refused = run(data_dir, "serve", "--port", str(port))

    assert refused.returncode == 1
    assert refused.stderr == (
        f"aggregator: port {port} on 127.0.0.1 is in use;"
        " stop what uses it or choose another with --port\n"
    )
    assert not data_dir.exists()


async def test_a_second_process_on_the_same_folder_joins_the_market(data_dir: Path) -> None:
    # Longer than a socket's address, and with all that a shell would stumble over.
    deep = Path("long " * 40) / ("longer " * 30)
    data_dir = data_dir / "my sugar's market; 蔗糖 & co" / deep / "var"
    with serving(data_dir) as first, serving(data_dir) as second:
        await with_operator(data_dir)
        async with first.client("operator") as operator, second.client("operator") as other:
            await found_market(operator)
            async with second.client("mill") as mill, first.client("factory") as factory:
                auction = await open_auction(mill)
                async with second.feed(f"auction:{auction}", mill.token) as feed:
                    bid = {"price": "5000.00", "lots": 10}
                    await factory.done("POST", f"/auctions/{auction}/bids", bid)
                    # Without Redis the second process looks for itself, once a second.
                    async with asyncio.timeout(3):
                        await feed.shows("best", "5000.00")

            code = first.hears(signal.SIGINT)
            still = await other.done("GET", f"/auctions/{auction}")
        assert second.hears(signal.SIGINT) == 0

    assert code == 0
    assert still["best"] == "5000.00"
    assert left_over(data_dir) == []


@pytest.mark.parametrize(("name", "value"), [("AGG_WORKERS", "64"), ("AGG_CLOCK", "simulated")])
def test_a_setting_that_cannot_be_served_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGG_ENV", "test")
    monkeypatch.setenv(name, value)

    code = main(["serve", "--port", "0"])

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith(f"aggregator: {name}: ")
    assert said.count("\n") == 1


def test_the_first_operator_is_made_once_and_with_a_good_password(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGG_ENV", "test")
    monkeypatch.setenv("AGG_DATABASE_URL", dsn)
    codes = []
    for typed in ("short", PASSWORD, PASSWORD):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        codes.append(main(["user", "operator", "boss", "--name", "Sugar Hall"]))

    said = capsys.readouterr()
    assert codes == [1, 0, 1]
    assert said.out == "boss is the operator: log in and register the firms\n"
    assert said.err.splitlines() == [
        "aggregator: password: 10 to 200 characters",
        "aggregator: the market has an operator already: Sugar Hall",
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/sys/market", "/sys/market"),
        ("{here}/a file/var", "Not a directory"),
        ("{here}/" + ("x" * 200 + "/") * 5, "the database takes 900"),
    ],
    ids=["may not be written", "is below a file", "has too long a name"],
)
def test_a_folder_that_cannot_hold_the_data_is_one_sentence(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "a file").write_text("")

    refused = run(Path(name.format(here=tmp_path)), "serve", "--port", "0")

    assert refused.returncode == 1
    assert refused.stderr.startswith("aggregator: The da")
    assert reason in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_database_that_is_away_is_one_sentence_without_its_password(data_dir: Path) -> None:
    started = start(data_dir, AGG_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/market")

    code = started.process.wait(60)

    assert code == 1
    assert started.said().startswith("aggregator: AGG_DATABASE_URL, postgresql://me:***@127.0.0.1")
    assert started.said().count("\n") == 1
    started.output.unlink()


async def test_a_start_that_is_broken_off_leaves_nothing_half_done(data_dir: Path) -> None:
    making = start(data_dir, "--demo")
    wait_until((data_dir / "pg.new").exists, making)
    making_code = making.hears(signal.SIGINT)
    making_left = left_over(data_dir)

    loading = start(data_dir, "--demo")
    wait_until(lambda: "." in loading.said(), loading)
    loading.process.send_signal(signal.SIGINT)
    loading_code = loading.hears(signal.SIGINT)
    loading_left = left_over(data_dir)

    killed = start(data_dir, "--demo")
    wait_until(lambda: "." in killed.said(), killed)
    killed.kill_everything()
    killed_left = left_over(data_dir)

    assert (making_code, making_left) == (130, [])
    assert (loading_code, loading_left) == (130, [])
    assert killed_left == []
    with serving(data_dir) as market:
        async with market.client() as nobody:
            body = {"login": "operator", "password": "sugar-2027-demo"}
            unknown = await nobody.ask("POST", "/sessions", body)
    assert unknown.status_code == 401
    for started in (making, loading, killed):
        started.output.unlink()


async def test_a_database_that_dies_comes_back_by_itself(data_dir: Path) -> None:
    with serving(data_dir) as market:
        await with_operator(data_dir)
        async with market.client("operator") as operator:
            await operator.done("POST", "/regions", REGION, key="region")
            server = recorded_server(data_dir / "pg")
            assert server is not None
            server.send(signal.SIGKILL)

            again = await answered(operator, "/regions", REGION, key="region")

        assert again.status_code == 201, f"{again.text}\n{market.said()}"
        assert again.headers["idempotent-replayed"] == "true"
        assert market.hears(signal.SIGINT) == 0
    assert left_over(data_dir) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a disk that is small")
async def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        data_dir = disk / "var"
        with serving(data_dir) as market:
            await with_operator(data_dir)
            async with market.client("operator") as operator:
                told = Acknowledged()
                fill(disk)
                refused = await register_until_refused(operator, told)
                server = recorded_server(data_dir / "pg")
                assert server is not None
                server.send(signal.SIGKILL)
                wait_until(lambda: "It is tried again" in market.said(), market)
                (disk / "filler").unlink()
                body = {"name": "last", "kind": "mill", "owner_group": "last", "region": "GX"}
                last = await answered(operator, "/organisations", body, key="last")
                listed = (await operator.done("GET", "/organisations"))["organisations"]
            assert market.hears(signal.SIGINT) == 0
            said = market.said()
        assert left_over(data_dir) == []

    assert refused.status_code == 503
    assert refused.json()["code"] == "disk_full"
    assert f"The disk that holds {data_dir}/pg is full: 0 MB are free" in said
    assert last.status_code == 201
    assert {answer["organisation_id"] for answer in told.of("firm")} <= {
        row["id"] for row in listed
    }


async def register_until_refused(operator: Client, told: Acknowledged) -> httpx.Response:
    for number in range(5000):
        key = f"firm-{number:04d}"
        body = {"name": key, "kind": "mill", "owner_group": key + "x" * 100, "region": "GX"}
        answer = await operator.ask("POST", "/organisations", body, key=key)
        if answer.status_code == 429:
            await asyncio.sleep(1)
        elif answer.status_code == 201:
            told.answers[key] = ("/organisations", body, answer.json())
        else:
            return answer
    raise AssertionError("the disk never filled")


async def answered(client: Client, path: str, body: Any, *, key: str) -> httpx.Response:
    """Send a command again and again, as its sender may, until the market answers."""
    async with asyncio.timeout(60):
        while (answer := await client.ask("POST", path, body, key=key)).status_code == 503:
            await asyncio.sleep(0.1)
    return answer


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> None:
    # Without a buffer, whose rest would be refused once more when the file is closed.
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(100_000))
