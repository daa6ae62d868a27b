"""Acknowledged bids: the turnstile against the plain way and a bare file journal, all durable.

A bid is measured at the use case, in one process on a database that waits for its disk:
authorised, once for its command id, covered by a deposit, chained, journalled, answered by a
receipt. The plain way is a row lock, a check, an insert and an update through the ORM, in one
transaction a bid, without deposit, command id, journal or receipt; another one beside it has
these too. Two more rows say what is left for everything else: what a bid's texts, hashes and
waiting take alone in this process, and what its rows take alone in the database. The file journal
appends the same entry's bytes and waits for the disk once for all that wait; it decides nothing.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import itertools
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import _bids_on_slow_disk
import _bids_over_feed
import asyncpg
import orjson
import uvloop
from _bid_rows import Rates, rows_alone
from _plain_ways import the_plain_ways

from aggregator.app import market_on
from aggregator.auctions import bidding, opening
from aggregator.catalogue.tenors import Cell
from aggregator.db.processes import recorded_server
from aggregator.errors import TryAgain
from aggregator.ids import new_id
from aggregator.market import Actor, Command, Market
from aggregator.tasks import Tasks
from scripts._lent import a_database
from tests.builders import a_command, an_actor, an_organisation, with_cash, with_sugar

BIDDERS, AUCTIONS = 512, 32
START_MINOR, STEP_MINOR = 500_000, 100
RICH_MINOR = 10**14
OPEN_RATE, OPEN_S = 20_000, 2
PAD = "x" * 300
"""Brings a line of the file journal to the length of an entry of ours."""


class Way(Protocol):
    """A way to place bids."""

    async def renew(self) -> None:
        """Open other auctions for the next load."""

    async def place(self, bidder: int, auction: int) -> object:
        """Place a bid that is accepted, and return once it is durable."""


Row = dict[str, Any]


@dataclass
class Seen:
    """What one load did: bids a second, and each one's wait."""

    rate: float
    waits: list[float]
    cpu_us: float
    turned_away: int = 0
    database_us: float = 0

    def ms(self, share: float) -> float:
        return sorted(self.waits)[int((len(self.waits) - 1) * share)] * 1000


@dataclass
class Compared:
    """What each way did under each load, and the median of one commit."""

    plain: dict[str, Seen]
    as_careful: dict[str, Seen]
    file: dict[str, Seen]
    bare_duties: dict[str, Seen]
    rows: dict[int, Rates]
    ours: dict[str, Seen]
    commit_ms: float


def measure(seed: int) -> Iterator[Row]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield from told(runner.run(compared(seed)))
        yield from of_the_feed(*runner.run(_bids_over_feed.measured()))
    yield from _bids_on_slow_disk.measured(seed)


async def compared(seed: int) -> Compared:
    """Put the loads on the plain ways, the file journal and ours; and time one commit."""
    async with a_database() as (dsn, folder):
        database = partial(processor_s, folder)
        async with the_plain_ways(dsn, AUCTIONS, BIDDERS) as (bare, careful):
            plain = await loads(bare, database, short=True)
            as_careful = await loads(careful, database, short=True)
        async with a_file_journal(folder / "journal") as journal:
            file = await loads(journal, database, short=False, seed=seed)
        bare = await loads(BareDuties(), database, short=False)
        rows = await rows_alone(dsn, sorted(set(ALONE.values())))
        async with the_turnstile(dsn) as turnstile:
            ours = await loads(turnstile, database, short=False, seed=seed)
        return Compared(plain, as_careful, file, bare, rows, ours, await one_commit(dsn))


REACH = {"512 on one": 100, "32 on one": 60, "512 on 32": 50}
"""How many times the plain way is asked for; the rows say what was reached."""
ALONE = {"512 on one": 512, "32 on one": 32, "512 on 32": 512}
"""How many bidders' rows are written alone."""


def told(found: Compared) -> Iterator[Row]:
    plain, file, ours = found.plain, found.file, found.ours
    for name in ("512 on one", "32 on one", "512 on 32", "a lone bidder"):
        yield row(f"{name}: bids", ours[name].rate, "/s")
        yield row(f"{name}: wait, median", ours[name].ms(0.5), "ms")
        yield row(f"{name}: wait, 99 %", ours[name].ms(0.99), "ms")
        yield row(f"{name}: our processor time", ours[name].cpu_us, "us/bid")
        yield row(f"{name}: the database's processor time", ours[name].database_us, "us/bid")
        yield row(f"{name}: the plain way", plain[name].rate, "/s")
        asked = f" ({REACH[name]} asked)" if name in REACH else ""
        yield row(f"{name}: of the plain way{asked}", ours[name].rate / plain[name].rate, "x")
        as_careful = found.as_careful[name].rate
        yield row(f"{name}: the plain way with the duties of ours", as_careful, "/s")
        yield row(f"{name}: of that", ours[name].rate / as_careful, "x")
        for limit, rate in limits(found, name):
            yield row(f"{name}: {limit}", rate, "/s")
            yield row(f"{name}: {limit}, of the plain way", rate / plain[name].rate, "x")
    yield row("512 on one: the file journal", file["512 on one"].rate, "/s")
    yield row(
        "512 on one: of the file journal (0.35 asked)",
        ours["512 on one"].rate / file["512 on one"].rate,
        "x",
    )
    name = f"open loop, {OPEN_RATE:,}/s"
    yield row(f"{name}: kept up", ours["open"].rate, "/s")
    yield row(f"{name}: turned away for a while", ours["open"].turned_away, "bids")
    yield row(f"{name}: wait, median", ours["open"].ms(0.5), "ms")
    yield row(f"{name}: wait, 99 %", ours["open"].ms(0.99), "ms")
    yield row(f"{name}: the file journal's, 99 %", file["open"].ms(0.99), "ms")
    yield row(
        f"{name}: 99 %, of the file journal's (1.5 asked)",
        ours["open"].ms(0.99) / file["open"].ms(0.99),
        "x",
    )
    yield row("one durable commit, median", found.commit_ms, "ms")
    yield row(
        "a lone bid beyond one commit, median (2 asked)",
        ours["a lone bidder"].ms(0.5) - found.commit_ms,
        "ms",
    )


def limits(found: Compared, name: str) -> Iterator[tuple[str, float]]:
    """Yield parts of what a bid takes, each alone, and how many a second that leaves."""
    yield "a bid's texts, hashes and waiting alone", found.bare_duties[name].rate
    if name in ALONE:
        rows = found.rows[ALONE[name]]
        yield "a bid's rows alone", rows.lines
        yield "a bid's rows alone, the journal's in pages", rows.page


def of_the_feed(ours: _bids_over_feed.Seen, plain: _bids_over_feed.Seen) -> Iterator[Row]:
    name = f"{_bids_over_feed.SOCKETS} sockets in {_bids_over_feed.LOTS} auctions"
    yield row(f"{name}: acknowledged over the feed", ours.rate, "/s")
    yield row(f"{name}: the plain way, end to end", plain.rate, "/s")
    yield row(f"{name}: of the plain way, end to end (20 asked)", ours.rate / plain.rate, "x")
    yield row(f"{name}: the server's processor time (40 asked)", ours.cpu_us, "us/bid")
    yield row(f"{name}: the plain server's processor time", plain.cpu_us, "us/bid")


async def loads(
    way: Way,
    database: Callable[[], float],
    *,
    short: bool,
    seed: int | None = None,
) -> dict[str, Seen]:
    """Put each load on a way to place bids; the plain way is slow and gets fewer of them."""
    found: dict[str, Seen] = {}
    for name, bidders, auctions, each in (
        ("warm", 512, 1, 1 if short else 20),
        ("512 on one", 512, 1, 3 if short else 100),
        ("32 on one", 32, 1, 40 if short else 400),
        ("512 on 32", 512, 32, 4 if short else 100),
        ("a lone bidder", 1, 1, 300),
    ):
        await way.renew()
        used = database()
        seen = found[name] = await closed_loop(way, bidders, auctions, each)
        seen.database_us = (database() - used) / len(seen.waits) * 1e6
    if seed is not None:
        await way.renew()
        found["open"] = await open_loop(way, random.Random(seed))
    return found


async def closed_loop(way: Way, bidders: int, auctions: int, each: int) -> Seen:
    waits: list[float] = []

    async def bid_on(bidder: int) -> None:
        for _ in range(each):
            began = time.perf_counter()
            await way.place(bidder, bidder % auctions)
            waits.append(time.perf_counter() - began)

    with QuietHeap():
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(bid_on(bidder) for bidder in range(bidders)))
        took, used = time.perf_counter() - began, time.process_time() - used
    return Seen(len(waits) / took, waits, used / len(waits) * 1e6)


async def open_loop(way: Way, chance: random.Random) -> Seen:
    """Let bids come when they come; each wait counts from the instant a bid was to come."""
    waits: list[float] = []
    due, at = [], 0.0
    while at < OPEN_S:
        at += chance.expovariate(OPEN_RATE)
        due.append(at)
    running: set[asyncio.Task[None]] = set()

    turned_away: list[int] = []

    async def bid(number: int, wanted: float) -> None:
        try:
            await way.place(number % BIDDERS, 0)
        except TryAgain:
            turned_away.append(number)
        else:
            waits.append(time.perf_counter() - wanted)

    with QuietHeap():
        began, used = time.perf_counter(), time.process_time()
        number = 0
        while number < len(due):
            now = time.perf_counter() - began
            while number < len(due) and due[number] <= now:
                task = asyncio.ensure_future(bid(number, began + due[number]))
                running.add(task)
                task.add_done_callback(running.discard)
                number += 1
            await asyncio.sleep(0 if number < len(due) and due[number] - now < 0.0005 else 0.0005)
        await asyncio.gather(*running)
        took, used = time.perf_counter() - began, time.process_time() - used
    return Seen(len(waits) / took, waits, used / len(waits) * 1e6, len(turned_away))


@asynccontextmanager
async def the_turnstile(dsn: str) -> AsyncIterator[Way]:
    async with market_on(dsn) as market:
        yield Turnstile(market, *await a_town(market))


class Turnstile:
    def __init__(self, market: Market, mill: Actor, firms: list[Actor]) -> None:
        self._market, self._mill, self._firms = market, mill, firms
        self._auctions: list[str] = []
        self._prices = itertools.count()
        self._commands = itertools.count()

    async def renew(self) -> None:
        self._auctions = [await self._opened() for _ in range(AUCTIONS)]
        self._prices = itertools.count(START_MINOR, STEP_MINOR)

    async def place(self, bidder: int, auction: int) -> object:
        return await bidding.place_bid(
            self._market,
            self._firms[bidder],
            Command(f"bench-{next(self._commands)}", b"f" * 32),
            self._auctions[auction],
            price_minor=next(self._prices),
        )

    async def _opened(self) -> str:
        now = self._market.clock.now()
        terms = opening.AuctionTerms(
            side="sell",
            cell=Cell("SUGAR-W1", "GX", f"{now.year + 1}-03"),
            lots=100,
            closes_at=now + timedelta(days=1),
            start_minor=START_MINOR,
            step_minor=STEP_MINOR,
        )
        outcome = await opening.open_auction(self._market, self._mill, a_command(), terms)
        return str(outcome.answer["auction_id"])


async def a_town(market: Market) -> tuple[Actor, list[Actor]]:
    await with_sugar(market)
    mill = await an_organisation(market, "Mill", kind="mill")
    firms = []
    for number in range(BIDDERS):
        firm = await an_organisation(market, f"Firm {number}", kind="trader")
        await with_cash(market, firm, RICH_MINOR)
        firms.append(an_actor(firm, "buyer"))
    return an_actor(mill, "seller"), firms


class BareDuties:
    """What no bid of ours is without in its own process, decided by nobody and kept nowhere.

    A caller who waits and is told, a name, the entry chained, the record chained beside it, the
    receipt, the command's fingerprint. What is above this rate, no Python around them reaches.
    """

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[bytes]] = []
        self._head = bytes(32)
        self._key = hashlib.blake2b(key=bytes(32), digest_size=32)

    async def renew(self) -> None:
        return None

    async def place(self, bidder: int, auction: int) -> object:
        del bidder, auction
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bytes] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._tell)
        self._waiting.append(done)
        return await done

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.set_result(self._done())

    def _done(self) -> bytes:
        bid = new_id("bid")
        said = {"bid_id": bid, "bidder": bid, "price_minor": START_MINOR, "lots": 100}
        entry = orjson.dumps({"at": "2027-01-04T01:00:00.000Z", "seq": 1, **said})
        self._head = hashlib.sha256(self._head + entry).digest()
        content = self._keyed(b"salt") + orjson.dumps(said)
        record = hashlib.sha256(content).hexdigest().encode()
        record = hashlib.sha256(self._head + record).digest()
        self._keyed(record)
        return orjson.dumps({**said, "hash": record.hex(), "is_leading": True, "my_rank": None})

    def _keyed(self, content: bytes) -> bytes:
        mac = self._key.copy()
        mac.update(content)
        return mac.digest()


@asynccontextmanager
async def a_file_journal(path: Path) -> AsyncIterator[Way]:
    with path.open("ab", buffering=0) as file:
        yield FileJournal(file)


class FileJournal:
    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._tasks = Tasks()
        self._is_draining = False
        self._prices = itertools.count(START_MINOR, STEP_MINOR)

    async def renew(self) -> None:
        return None

    async def place(self, bidder: int, auction: int) -> object:
        entry = {"auction": auction, "bidder": bidder, "price_minor": next(self._prices)}
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((json.dumps({**entry, "pad": PAD}).encode(), done))
        if not self._is_draining:
            self._is_draining = True
            self._tasks.start(self._drain(), name="file journal")
        return await done

    async def _drain(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            lines = b"".join(line for line, _ in group)
            await asyncio.to_thread(self._write, lines)
            for _, done in group:
                done.set_result(None)
        self._is_draining = False

    def _write(self, lines: bytes) -> None:
        self._file.write(lines)
        os.fdatasync(self._file.fileno())


def processor_s(folder: Path) -> float:
    """Return the processor seconds that the database's processes have used so far."""
    server = recorded_server(folder / "pg")
    assert server is not None
    ticks = 0
    for children in Path(f"/proc/{server.pid}/task").glob("*/children"):
        for child in children.read_text().split():
            # The name in brackets may itself hold brackets and spaces.
            told = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(told[11]) + int(told[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def one_commit(dsn: str) -> float:
    """Return the median milliseconds of a commit that waits for the disk."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table written (id bigint)")
    waits = []
    for number in range(300):
        began = time.perf_counter()
        await connection.execute("insert into written values ($1)", number)
        waits.append(time.perf_counter() - began)
    await connection.close()
    return sorted(waits)[150] * 1000


class QuietHeap:
    """Collect garbage before and rarely during, as the server does."""

    def __enter__(self) -> None:
        gc.collect()
        gc.freeze()
        self._threshold = gc.get_threshold()
        gc.set_threshold(50_000, 50, 1000)

    def __exit__(self, *_: object) -> None:
        gc.set_threshold(*self._threshold)
        gc.unfreeze()


def row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit}
