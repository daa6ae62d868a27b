"""The feed: lines that break, a server that is killed, hostile sockets; no gap goes unnoticed.

One writer publishes prices and knows what every number of every topic must look like. Clients
follow through a bad line, some of them slowly, with the client that the market ships. Whatever
a client holds under a number is compared with what the writer knows of it. At the end the server
is left in peace, and who is told first and who last is noted over a thousand messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aggregator import vault
from aggregator.app import market_on
from aggregator.bus.redis import RedisBus
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.migrating import migrate
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC, Answer, Market, Unit
from aggregator.prices.facts import PricePublished
from aggregator.prices.publication import STREAM
from aggregator.prices.topic import PriceTopic, State
from scripts._bad_line import BadLine
from scripts._bid_storm import GONE, Web, Witnesses
from tests.api.hostile_sockets import CASES, ending
from tests.builders import a_command, an_actor, with_sugar
from tests.integration.feed.valkey import Valkey, a_free_port
from web.client.feed import Changed, Disconnected, Feed, digest_of
from web.feed.patches import bare

TOPICS = ("*", "SUGAR-W1/*", "SUGAR-W1/GX/2027-03")
CELLS = [f"SUGAR-W1/GX/2027-{month:02}" for month in range(1, 13)]
FOLLOWERS, FEW, SLOW_EVERY, COMPARED_EVERY = 48, 12, 6, 10
SHORT_S, WITHIN_MS = 30, 2_000
LAST_WORD_S, MOST_KEPT_KB = 90, 20_000
FRAMES_PER_S, PATIENCE = 8_400, 3
RANKED, MESSAGES, FIELD = 40, 1_000, (40, 60)


@dataclass
class Truth:
    """A topic as it must be: the digest under each number."""

    topic_id: str
    state: State
    digests: list[str] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        topic = PriceTopic()
        self.state = topic.evolve(self.state, entry)
        digest = digest_of(bare(topic.view(self.state, PUBLIC)))
        if not self.digests or digest != self.digests[-1]:
            self.digests.append(digest)


@dataclass
class Scene:
    """What the storm rages over."""

    market: Market
    web: Web
    line: BadLine
    chance: random.Random
    seen: Witnesses = field(default_factory=Witnesses)
    truths: dict[str, Truth] = field(default_factory=dict)
    until: float = 0
    at_latest: float = 0
    wanted: int = 0
    slowest_ms: int = 0
    lives: int = 0
    """How often the server was killed; a hostile socket that lives through one tells nothing."""

    def goes_on(self) -> bool:
        """Whether the time is not over, or on a slow machine the frames are not enough yet."""
        now = asyncio.get_running_loop().time()
        is_short = self.seen.seen["frames taken"] < self.wanted
        return now < self.until or (is_short and now < self.at_latest)

    def topics(self) -> list[str]:
        return [f"prices:{topic_id}" for topic_id in TOPICS]


async def storm(seconds: int, seed: int) -> tuple[dict[str, int], list[str]]:
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    try:
        async with staged(folder, random.Random(seed)) as scene:
            await rage(scene, seconds)
            if seconds >= SHORT_S:
                await be_fair(scene)
                await stay_small(scene)
            listen_for_noise(scene)
        return figures(scene), scene.seen.violations
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def figures(scene: Scene) -> dict[str, int]:
    return {
        "changes published": sum(len(truth.digests) - 1 for truth in scene.truths.values()),
        **{name: scene.seen.seen[name] for name in sorted(scene.seen.seen)},
        **dict(sorted(scene.line.done.items())),
        "kills of the server": scene.lives,
        "slowest end of a hostile socket, ms": scene.slowest_ms,
    }


@asynccontextmanager
async def staged(folder: Path, chance: random.Random) -> AsyncIterator[Scene]:
    """Start the database, the bus, the server and the line to it."""
    postgres, valkey = EmbeddedPostgres(folder / "pg"), Valkey(a_free_port())
    try:
        dsn = await asyncio.to_thread(postgres.start)
        await migrate(dsn)
        await valkey.start()
        vault.install(folder / "var")
        settings = {"AGG_DATABASE_URL": dsn, "AGG_REDIS_URL": valkey.url}
        web = Web(a_free_port(), folder / "var", settings)
        try:
            async with market_on(dsn, bus=RedisBus(valkey.url)) as market:
                await with_sugar(market)
                await web.start()
                scene = Scene(market, web, BadLine(web.port, chance), chance)
                for topic_id in TOPICS:
                    truth = Truth(topic_id, PriceTopic().initial(topic_id))
                    truth.digests.append(digest_of(bare(PriceTopic().view(truth.state, PUBLIC))))
                    scene.truths[f"prices:{topic_id}"] = truth
                yield scene
        finally:
            web.bury()
    finally:
        valkey.stop()
        await asyncio.to_thread(postgres.stop)


async def rage(scene: Scene, seconds: int) -> None:
    """Publish, break and abuse for so many seconds; then everybody must come to the same."""
    port = await scene.line.open()
    began = asyncio.get_running_loop().time()
    scene.until, scene.at_latest = began + seconds, began + PATIENCE * seconds
    scene.wanted = FRAMES_PER_S * seconds if seconds >= SHORT_S else 0
    feeds = [
        Feed(f"ws://127.0.0.1:{port}/feed", scene.topics(), proxy=None, longest_wait_ms=500)
        for _ in range(FEW if seconds < SHORT_S else FOLLOWERS)
    ]
    following = [
        asyncio.ensure_future(follow(scene, feed, is_slow=number % SLOW_EVERY == 0))
        for number, feed in enumerate(feeds)
    ]
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(publish(scene))
            group.create_task(kill_again(scene))
            group.create_task(abuse(scene))
        scene.line.is_good = True
        await agree(scene, feeds)
    finally:
        for task in following:
            task.cancel()
        for error in await asyncio.gather(*following, return_exceptions=True):
            if isinstance(error, Exception):
                scene.seen.broken(f"a client has ended: {error!r}")
        await scene.line.close()
    for feed in feeds:
        scene.seen.seen["gaps noticed and made good"] += feed.copies.found["gaps"]
        scene.seen.seen["gaps that went unnoticed"] += feed.copies.found["digests"]
        if feed.copies.found["digests"]:
            scene.seen.broken("a heartbeat's digest differed: a gap had gone unnoticed")


async def publish(scene: Scene) -> None:
    """Publish prices in breaths of some; what is to be seen is known before it is said."""
    chance, number = scene.chance, 0
    while scene.goes_on():
        facts = []
        for _ in range(chance.randint(1, 20)):
            number += 1
            facts.append(published(scene, number))
        for fact in facts:
            for truth in scene.truths.values():
                truth.take(Entry(STREAM, number, fact.at, fact, "", b""))

        await say(scene, facts)
        await asyncio.sleep(chance.uniform(0, 0.08))


async def say(scene: Scene, facts: list[PricePublished]) -> None:
    async def step(unit: Unit) -> Answer:
        await unit.record(STREAM, *facts)
        return {}

    await scene.market.perform(
        an_actor("operator", "operator"), "catalogue.define", step, command=a_command(),
        stream=STREAM,
    )  # fmt: skip


def published(scene: Scene, number: int) -> PricePublished:
    chance = scene.chance
    return PricePublished(
        publication_id=f"pub_{number}",
        cell=chance.choice(CELLS),
        number=number,
        value_minor=chance.randint(400_000, 600_000),
        currency="CNY",
        volume_band="100-500",
        size_band="10-50",
        method="weighted",
        inputs_sha256="",
        at=scene.market.clock.now(),
    )


async def follow(scene: Scene, feed: Feed, *, is_slow: bool) -> None:
    """Follow, and compare what is held with what is true."""
    seen, last = scene.seen, dict.fromkeys(scene.topics(), -1)
    async for event in feed:
        if isinstance(event, Disconnected):
            seen.seen[f"ends of a connection: {event.code}"] += 1
        if not isinstance(event, Changed):
            continue
        seen.seen["frames taken"] += 1
        if event.seq < last[event.topic]:
            seen.broken(f"{event.topic} went back from {last[event.topic]} to {event.seq}")
        last[event.topic] = event.seq
        if seen.seen["frames taken"] % COMPARED_EVERY == 0:
            compare(scene, feed, event.topic)
        # At the end the slow ones hurry, or what waits in every buffer takes minutes.
        if is_slow and not scene.line.is_good and scene.chance.random() < 0.01:
            await asyncio.sleep(scene.chance.uniform(0, 3))


def compare(scene: Scene, feed: Feed, topic: str) -> None:
    copy, digests = feed.copies.topics[topic], scene.truths[topic].digests
    scene.seen.seen["views compared"] += 1
    if copy.seq >= len(digests) or copy.digest != digests[copy.seq]:
        scene.seen.broken(f"a client holds something else as number {copy.seq} of {topic}")


async def kill_again(scene: Scene) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(min(scene.chance.uniform(2, 6), (scene.until - loop.time()) * 0.5))
    while scene.goes_on():
        listen_for_noise(scene)
        scene.lives += 1
        scene.web.signal(signal.SIGKILL)
        scene.web.bury()
        await scene.web.start()
        await asyncio.sleep(min(scene.chance.uniform(3, 12), max(scene.until - loop.time(), 3)))


async def abuse(scene: Scene) -> None:
    """Open one hostile socket after the other, each kind at least once."""
    left = dict(CASES)
    while left or scene.goes_on():
        left = left or dict(CASES)
        name = scene.chance.choice(sorted(left))
        life = scene.lives
        try:
            # In a thread, or the clock would tell how busy our own clients are.
            code, took_ms = await asyncio.to_thread(
                asyncio.run, ending(scene.web.port, CASES[name])
            )
        except (*GONE, AssertionError) as error:
            await asyncio.sleep(0.05)
            if life == scene.lives and scene.web.runs() and not isinstance(error, OSError):
                scene.seen.broken(f"{name}: {error!r} instead of {CASES[name].code}")
            continue
        del left[name]
        scene.seen.seen["hostile sockets"] += 1
        scene.slowest_ms = max(scene.slowest_ms, took_ms)
        if took_ms > WITHIN_MS and life == scene.lives:
            scene.seen.seen["hostile sockets ended late"] += 1
        if code != CASES[name].code:
            scene.seen.broken(f"{name} ended with {code} instead of {CASES[name].code}")


async def agree(scene: Scene, feeds: list[Feed]) -> None:
    """Wait until every client has the last number of every topic."""
    deadline = time.monotonic() + LAST_WORD_S
    for feed in feeds:
        for topic, truth in scene.truths.items():
            while feed.copies.topics[topic].seq != len(truth.digests) - 1:
                if time.monotonic() > deadline:
                    copy = feed.copies.topics[topic]
                    scene.seen.broken(f"{topic} stays at {copy.seq} of {len(truth.digests) - 1}")
                    break
                await asyncio.sleep(0.02)
            compare(scene, feed, topic)


async def be_fair(scene: Scene) -> None:
    """Note in which order subscribers hear of single messages: nobody is always first or last."""
    topic = f"prices:{CELLS[0]}"
    url, order, turn = f"ws://127.0.0.1:{scene.web.port}/feed", [], asyncio.Event()

    async def listen(name: int) -> None:
        async for event in Feed(url, [topic], proxy=None):
            if isinstance(event, Changed):
                order.append(name)
                if len(order) == RANKED:
                    turn.set()

    async def everybody() -> None:
        async with asyncio.timeout(LAST_WORD_S):
            await turn.wait()
        turn.clear()

    listening = [asyncio.ensure_future(listen(name)) for name in range(RANKED)]
    ranks = [0] * RANKED
    try:
        await everybody()  # has its first snapshot
        for number in range(MESSAGES):
            order.clear()
            await say(scene, [replace(published(scene, number), cell=CELLS[0], value_minor=number)])
            await everybody()
            for rank, name in enumerate(order):
                ranks[name] += rank
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    means = [100 * total // (MESSAGES * (RANKED - 1)) for total in ranks]
    scene.seen.seen["single messages ranked"] += MESSAGES
    scene.seen.seen["mean rank of who is first, %"] = min(means)
    scene.seen.seen["mean rank of who is last, %"] = max(means)
    if not FIELD[0] <= min(means) <= max(means) <= FIELD[1]:
        scene.seen.broken(f"mean ranks from {min(means)} to {max(means)} % of the field")


async def stay_small(scene: Scene) -> None:
    """Abuse the server, by itself, and see that it does not grow."""
    for case in CASES.values():
        await ending(scene.web.port, case)
    before = memory_kb(scene.web)
    for _ in range(5):
        for case in CASES.values():
            await ending(scene.web.port, case)
    grown = memory_kb(scene.web) - before
    scene.seen.seen["kB kept after 5 rounds of hostile sockets"] = max(grown, 0)
    if grown > MOST_KEPT_KB:
        scene.seen.broken(f"hostile sockets leave {grown} kB behind")


def memory_kb(web: Web) -> int:
    assert web.process is not None
    lines = Path(f"/proc/{web.process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def listen_for_noise(scene: Scene) -> None:
    """What a hostile client does is no error of ours, so nothing is logged as one."""
    with contextlib.suppress(OSError):
        said = scene.web.output.read_text()
        noise: Counter[str] = Counter(
            line for line in said.splitlines() if "Traceback" in line or "[error" in line
        )
        for line in noise:
            scene.seen.broken(f"the server's log: {line}")
