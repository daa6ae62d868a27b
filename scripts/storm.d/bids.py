"""Two web processes on one auction, killed, frozen and cut off, and the database under them.

Processes and database die at random and at named points of a commit. Wall clocks are off and
jump. Bids, open and sealed, go over HTTP and over the feed, twice, late, out of order and again,
while auctions close. At the end journal, command rows, receipts, feed and ledger must tell one
story with true stamps, no bid after a close, and each auction replays to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator import vault
from aggregator.app import market_on
from aggregator.auctions import opening
from aggregator.catalogue.tenors import Cell
from aggregator.db.embedded import EmbeddedError, EmbeddedPostgres
from aggregator.db.migrating import migrate
from aggregator.db.processes import recorded_server
from aggregator.market import Market
from aggregator.market.points import POINTS
from scripts._bid_audit import Heard, audit
from scripts._bid_storm import GONE, Bidder, Follower, NotStarted, Web, Witnesses, snapshot
from scripts._lent import a_postgres, loaded
from scripts._storm_process import JUMPS_S
from tests.builders import a_command, a_person, an_actor, an_organisation, with_cash, with_sugar
from tests.e2e.processes import PASSWORD, PATIENCE_S
from tests.integration.feed.valkey import a_free_port

FIRMS = [f"firm{number}" for number in range(8)]
SECONDS_AN_AUCTION = 8
SECONDS_TO_ITS_CLOSE = 6
"""It closes while it is bid in, unless an outage puts that off."""
FORMATS = ("english", "sealed_first")
DATABASE_KILLS = ("a backend", "the postmaster", "every process")
PASSINGS = (1, 1, 2, 3, 5, 8, 13)
RICH_MINOR = 10**14
LAST_ANSWERS_S = 90


@dataclass
class Scene:
    """Everything of one storm; it kills what it has started and nothing else."""

    folder: Path
    postgres: EmbeddedPostgres
    chance: random.Random
    webs: list[Web]
    witnesses: Witnesses
    auctions: list[str] = field(default_factory=list)
    bidders: list[Bidder] = field(default_factory=list)
    mill_token: str = ""
    kills: Counter[str] = field(default_factory=Counter)
    best: dict[str, int] = field(default_factory=dict)
    mending: asyncio.Lock = field(default_factory=asyncio.Lock)
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once both processes serve again and nothing is broken any more."""


async def storm(seconds: int, seed: int) -> tuple[dict[str, int], list[str]]:
    chance = random.Random(seed)
    async with a_postgres() as (postgres, folder):
        dsn = postgres.dsn()
        await migrate(dsn)
        settings = {"AGG_DATABASE_URL": dsn}
        webs = [Web(a_free_port(), folder / "var", settings) for _ in range(2)]
        scene = Scene(folder, postgres, chance, webs, Witnesses())
        try:
            await furnish(scene, dsn, seconds)
            await rage(scene, seconds)
            await asyncio.to_thread(postgres.start)
            await listen_at_the_end(scene)
        finally:
            for web in webs:
                web.bury()
        await audit(Heard(scene.auctions, scene.bidders, scene.witnesses), dsn)
        return figures(scene), scene.witnesses.violations


def figures(scene: Scene) -> dict[str, int]:
    asked = [one for bidder in scene.bidders for one in bidder.asked]
    return {
        "kills in all": sum(count for kind, count in scene.kills.items() if "kills" in kind),
        **{kind: scene.kills[kind] for kind in sorted(scene.kills)},
        "auctions": len(scene.auctions),
        "commands": len(asked),
        "acknowledged bids": sum(one.answer is not None and one.answer[0] == 201 for one in asked),
        "refused bids": sum(one.answer is not None and one.answer[0] != 201 for one in asked),
        **dict(sorted(scene.witnesses.seen.items())),
    }


async def furnish(scene: Scene, dsn: str, seconds: int) -> None:
    """Register a mill and its bidders, and open an auction for every few seconds."""
    vault.install(scene.folder / "var")
    async with market_on(dsn) as market:
        await with_sugar(market)
        mill = await an_organisation(market, "Mill", kind="mill")
        firms = {"mill": (mill, "seller")}
        for name in FIRMS:
            firm = await an_organisation(market, name, kind="trader")
            await with_cash(market, firm, RICH_MINOR)
            firms[name] = (firm, "buyer")
        for name, (firm, role) in firms.items():
            await a_person(market, firm, name, role, password=PASSWORD)
        await sign_in(scene)
        await open_auctions(scene, market, mill, seconds)


async def sign_in(scene: Scene) -> None:
    """Start both processes and let everybody in."""
    await asyncio.gather(*(web.start() for web in scene.webs))
    for name in FIRMS:
        chance = random.Random(f"{scene.chance.random()} {name}")
        scene.bidders.append(Bidder(name, scene.webs, chance, scene.witnesses))
    watcher = Bidder("mill", scene.webs, scene.chance, scene.witnesses)
    for bidder in (*scene.bidders, watcher):
        await bidder.sign_in()
    scene.mill_token = watcher.token


async def open_auctions(scene: Scene, market: Market, mill: str, seconds: int) -> None:
    """Open auctions, in turn open and sealed, that close one after the other."""
    now = market.clock.now()
    for number in range(seconds // SECONDS_AN_AUCTION + 1):
        is_open = FORMATS[number % 2] == "english"
        lasts_s = SECONDS_AN_AUCTION * number + SECONDS_TO_ITS_CLOSE
        terms = opening.AuctionTerms(
            side="sell",
            cell=Cell("SUGAR-W1", "GX", f"{now.year + 1}-03"),
            lots=100,
            format="english" if is_open else "sealed_first",
            closes_at=now + timedelta(seconds=lasts_s),
            start_minor=100_000,
            step_minor=100,
            disclosure="full",
            soft_close_s=2 if is_open else 120,
        )
        outcome = await opening.open_auction(market, an_actor(mill, "seller"), a_command(), terms)
        scene.auctions.append(outcome.answer["auction_id"])


async def rage(scene: Scene, seconds: int) -> None:
    """Bid and break for so many seconds, then repair everything and let each command settle."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    followers = [
        asyncio.ensure_future(
            Follower(web, scene.mill_token, scene.witnesses, scene.auctions[:50]).follow()
        )
        for web in scene.webs
    ] + [asyncio.ensure_future(mend_database(scene))]
    bidding = [asyncio.ensure_future(keep_bidding(scene, one, until)) for one in scene.bidders]
    breaking = [asyncio.ensure_future(break_webs(scene, web, until)) for web in scene.webs] + [
        asyncio.ensure_future(break_database(scene, until))
    ]
    try:
        await asyncio.gather(*breaking)
        scene.calm.set()
        await asyncio.gather(*bidding)
    finally:
        for task in (*followers, *bidding, *breaking):
            task.cancel()
        ended = await asyncio.gather(*followers, *bidding, *breaking, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                scene.witnesses.broken(f"the storm itself: {error!r}")


async def keep_bidding(scene: Scene, bidder: Bidder, until: float) -> None:
    loop, chance = asyncio.get_running_loop(), bidder.chance
    began = until
    while loop.time() < until:
        passed = len(scene.auctions) - 1 - int((began - loop.time()) // SECONDS_AN_AUCTION)
        auction = scene.auctions[min(max(passed, 0), len(scene.auctions) - 1)]
        await bid(scene, bidder, auction, until)
        if chance.random() < 0.1:
            await say_again(bidder, chance.choice(bidder.asked))
        await asyncio.sleep(chance.uniform(0, 0.02))
    await scene.calm.wait()
    patience = loop.time() + LAST_ANSWERS_S
    for asked in bidder.asked:
        await bidder.settle(asked, patience)
        if asked.answer is None:
            scene.witnesses.broken(f"{asked.command_id} was never answered")
    await bidder.leave()


async def bid(scene: Scene, bidder: Bidder, auction: str, until: float) -> None:
    """Place a bid or two, in order or not, once or twice at the same time."""
    chance = bidder.chance
    price = scene.best.get(auction, 1000) + chance.choice((-1, 0, 1, 1, 1, 1, 2))
    asked = bidder.command(auction, max(price, 1000))
    kind = chance.random()
    if kind < 0.1:
        # Both processes get it at once; one of them carries it out.
        await asyncio.gather(*(suppressed(bidder.ask(web, asked)) for web in bidder.webs))
    elif kind < 0.2:
        # The later command is sent first.
        later = bidder.command(auction, asked.price + 1)
        await suppressed(bidder.ask(chance.choice(bidder.webs), later))
    await bidder.settle(asked, until)
    if asked.answer is not None and asked.answer[0] == 201:
        scene.best[auction] = max(scene.best.get(auction, 0), asked.price)
    elif chance.random() < 0.5:
        scene.best[auction] = max(scene.best.get(auction, 1000), asked.price) + 1


async def say_again(bidder: Bidder, asked: Any) -> None:
    """Repeat an old command: it is answered as before, whoever is asked."""
    if asked.answer is not None:
        bidder.witnesses.seen["old commands repeated"] += 1
        await suppressed(bidder.ask(bidder.chance.choice(bidder.webs), asked))


async def suppressed(asking: Any) -> None:
    with contextlib.suppress(*GONE):
        await asking


async def break_webs(scene: Scene, web: Web, until: float) -> None:
    """Kill one process at random or at a named point, freeze it, or move its clock, repeatedly."""
    loop, chance = asyncio.get_running_loop(), random.Random(f"{scene.chance.random()}")
    took, kills = 0.0, scene.kills
    while loop.time() < until:
        # Who starts slowly is left to work for longer, or there is nothing to break.
        await asyncio.sleep(chance.uniform(0.2, 1.2) + took * 0.3)
        kind = chance.random()
        if not web.runs():
            kills["kills of web processes at a named point"] += 1
        elif kind < 0.1:
            kills["web processes frozen"] += 1
            web.signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.5, 7.0))
            web.signal(signal.SIGCONT)
            continue
        elif kind < 0.25:
            kills["clocks that jumped"] += 1
            web.signal(signal.SIGUSR1)
            continue
        else:
            kills["kills of web processes"] += 1
            web.signal(signal.SIGKILL)
        web.bury()
        is_armed = chance.random() < 0.6 and loop.time() < until
        point = f"{chance.choice(POINTS)}:{chance.choice(PASSINGS)}" if is_armed else ""
        struck = scene.postgres.data_dir if chance.random() < 0.5 else None
        off_s = chance.choice((0, *JUMPS_S))
        kills["processes started with a clock that is off"] += off_s != 0
        began = loop.time()
        await start_again(web, point, off_s, struck)
        took = loop.time() - began
    if web.runs():
        web.bury()
    await start_again(web, "", 0)


async def start_again(web: Web, point: str, off_s: int, struck: Path | None = None) -> None:
    """Start a process, however long the database recovers or if the point is passed too early."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 4 * PATIENCE_S
    while loop.time() < deadline:
        try:
            await web.start(point, off_s, struck)
        except NotStarted:
            web.bury()
            point = ""
            await asyncio.sleep(0.1)
        else:
            return
    raise RuntimeError("a web process does not start any more")


async def break_database(scene: Scene, until: float) -> None:
    loop, chance = asyncio.get_running_loop(), random.Random(f"{scene.chance.random()}")
    kill, took = loaded("storm", "database_kills").kill, 0.0
    while loop.time() < until:
        await asyncio.sleep(chance.uniform(1.0, 5.0) + took * 0.5)
        if loop.time() >= until:
            break
        async with scene.mending:
            kind = chance.choice(DATABASE_KILLS)
            kill(scene.postgres, kind, chance)
            scene.kills[f"kills of the database: {kind}"] += 1
            took = await start_database(scene)


async def mend_database(scene: Scene) -> None:
    """Start the database again when a process has killed it at its named point."""
    while True:
        await asyncio.sleep(0.1)
        async with scene.mending:
            server = recorded_server(scene.postgres.data_dir)
            if server is None or not server.alive():
                scene.kills["kills of the database: at a named point"] += 1
                await start_database(scene)


async def start_database(scene: Scene) -> float:
    """Return how long it took, in seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(10):
        with contextlib.suppress(EmbeddedError):
            await asyncio.to_thread(scene.postgres.start)
            break
    return loop.time() - began


async def listen_at_the_end(scene: Scene) -> None:
    """Both processes show the same, to whoever comes anew."""
    for auction in scene.auctions:
        shown = [await snapshot(web, scene.mill_token, auction) for web in scene.webs]
        if len({(frame["epoch"], frame["seq"], frame["digest"]) for frame in shown}) != 1:
            scene.witnesses.broken(f"{auction}: the two processes show different things")
        scene.witnesses.seen["snapshots compared"] += 1
