"""Authorisation: what knowing and judging who bids adds to a bid, as ratios within one run.

A bid goes through the whole application by HTTP, in this process, with no socket between. The
market has no switch that turns authorisation off; here, in a process of its own, the choke point,
the actor's acts, support's grants and the wall are taken out of the way, and the session's look-up
too, which over the feed is made once a socket and by HTTP once a bid. A session that was used
lately is known to its process; the first look-up reads it, and what that adds is told beside.
Rounds of the four take turns, so that a busy machine slows all alike.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import uvloop
from _bids_over_feed import MUCH, START_YUAN, a_town

from aggregator import logs
from aggregator.app import market_on
from aggregator.market import Actor
from aggregator.parties import sessions, support
from aggregator.parties.known import Known
from scripts._lent import a_database
from web.api import serving
from web.app import create_app
from web.context import EdgeLimits

ROUNDS, EACH = 12, 4
FULL, FIRST = "authorised", "authorised, session read"
GIVEN, NONE = "authorised, session given", "no authorisation"

Row = dict[str, Any]


@dataclass
class Seen:
    """Microseconds: of this process a bid, and of waiting a bid that comes alone."""

    cpu: list[float] = field(default_factory=list)
    wait: list[float] = field(default_factory=list)


def measure(_: int) -> list[Row]:
    logs.configure(level="warning")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return list(runner.run(measured()))


async def measured() -> list[Row]:
    async with a_database() as (dsn, _), market_on(dsn) as market:
        town = await a_town(market)
        actors = {token: await sessions.actor_of(market, token) for token in town["tokens"]}
        app = create_app(market, limits=EdgeLimits(organisation=MUCH, address=MUCH))
        seen = {name: Seen() for name in (FULL, FIRST, GIVEN, NONE)}
        bids = Bids(app, town)
        async with app.router.lifespan_context(app):
            await bids.together(EACH)
            for _ in range(ROUNDS):
                for name, found in seen.items():
                    with switched(name, actors):
                        began = time.process_time()
                        await bids.together(EACH)
                        used = time.process_time() - began
                        found.cpu.append(used / EACH / len(actors) * 1e6)
                        found.wait += await bids.alone(20)
    return list(told(seen))


def told(seen: dict[str, Seen]) -> Iterator[Row]:
    for name, found in seen.items():
        yield row(f"{name}: our processor time", statistics.median(found.cpu), "us/bid")
        yield row(f"{name}: a lone bid's wait, median", statistics.median(found.wait), "us")
    for what in ("cpu", "wait"):
        full, first, given, none = (
            statistics.median(getattr(seen[name], what)) for name in (FULL, FIRST, GIVEN, NONE)
        )
        said = "processor time" if what == "cpu" else "wait"
        yield row(f"{said} with judging and session, of without (1.1 asked)", full / none, "x")
        yield row(f"{said} with the judging alone, of without", given / none, "x")
        yield row(f"{said} with judging and the first look-up, of without", first / none, "x")


def switched(name: str, actors: dict[str, Actor]) -> ExitStack:
    """Take what `name` does without out of this process until the block is left."""
    stack = ExitStack()
    if name == FULL:
        return stack

    async def read(known: Known, token: str, **_: int) -> Actor:
        return await sessions.actor_of(known._market, token)

    async def given(_: Known, token: str, **__: int) -> Actor:
        return actors[token]

    stack.enter_context(patch.object(Known, "actor_of", read if name == FIRST else given))
    if name == NONE:

        async def unnoted(*_: object) -> None:
            return None

        stack.enter_context(patch.object(serving, "_authorise", lambda *_: None))
        stack.enter_context(patch.object(serving, "reading_for", lambda _: nullcontext()))
        stack.enter_context(patch.object(support, "note", unnoted))
        stack.enter_context(patch.object(Actor, "require", lambda *_: None))
    return stack


class Bids:
    """Each firm beats its own bid, so that all are accepted."""

    def __init__(self, app: Any, town: dict[str, Any]) -> None:
        self._app, self._tokens = app, town["tokens"]
        self._path = f"/api/v1/auctions/{town['lots'][0]}/bids"
        self._numbers = {token: itertools.count() for token in self._tokens}

    async def together(self, each: int) -> None:
        async def go_on(token: str) -> None:
            for _ in range(each):
                await self._place(token)

        await asyncio.gather(*(go_on(token) for token in self._tokens))

    async def alone(self, count: int) -> list[float]:
        waits = []
        for token in self._tokens[:count]:
            began = time.perf_counter()
            await self._place(token)
            waits.append((time.perf_counter() - began) * 1e6)
        return waits

    async def _place(self, token: str) -> None:
        number = next(self._numbers[token])
        body = json.dumps({"price": f"{START_YUAN + number}.00"}).encode()
        headers = {
            "host": "localhost",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "idempotency-key": f"bench-{number}",
        }
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
            "state": {},
        }
        await self._app(scope, receive, send)
        assert said[0]["status"] in (200, 201), said


def row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit}
