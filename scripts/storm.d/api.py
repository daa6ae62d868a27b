"""The API, asked by its own document as each role: no failure of ours, each answer as described.

Our own fuzz asks for so many seconds; it learns the market's names and gets far. With
`--requests N` Schemathesis then makes N requests as each role, as it reads the document.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import structlog

from aggregator import vault
from aggregator.app import market_on
from aggregator.parties.registering import KINDS
from scripts._lent import Found, a_database
from tests.api.conftest import Served, serving
from tests.api.fuzzing import Fuzz
from tests.api.probing import probed
from tests.builders import with_cash, with_sugar
from web.auth.rates import Rate
from web.context import EdgeLimits

ROLES = {
    "factory": ("buyer", "owner"),
    "mill": ("seller", "owner"),
    "trader": ("buyer", "seller", "logistics"),
    "finance": ("finance",),
    "approver": ("approver",),
    "viewer": ("viewer",),
    "operator": ("operator",),
    "auditor": ("auditor",),
}
NAMES = ("nobody", *ROLES)
TOGETHER, PROCESSES, AT_ONCE = 4, 2, 250
UNAUTHENTICATED = 401
FIRMS = itertools.count(1)


async def storm(seconds: int, seed: int, requests: int = 0) -> Found:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with a_database() as (dsn, folder):
        vault.install(folder / "var")
        freely = Rate(per_s=100_000, burst=1_000_000)
        limits = EdgeLimits(organisation=freely, address=freely, login=freely)
        async with market_on(dsn) as market, serving(market, limits) as served:
            await with_sugar(served.market)
            document = (await served.client().get("/api/v1/openapi.json")).json()
            until = time.monotonic() + seconds
            figures, wrong = await fuzzed(served, document, until, random.Random(seed))
            if requests:
                done, faults = await schemathesised(served, document, requests, seed)
                figures, wrong = {**figures, **done}, [*wrong, *faults]
            return figures, list(dict.fromkeys(wrong))[:50]


async def signed_in(served: Served, name: str) -> str:
    """Return the token of somebody new of a role, of a firm of its own; none for nobody.

    What is asked at random lets people go and suspends firms, and then nothing more is reached.
    """
    if name == "nobody":
        return ""
    kind = name if name in KINDS else "trader"
    visitor = await served.member(f"Firm {name} {next(FIRMS)}", *ROLES[name], kind=kind)
    await with_cash(served.market, visitor.organisation_id, 10**10)
    return visitor.token


async def fuzzed(
    served: Served,
    document: dict[str, Any],
    until: float,
    chance: random.Random,
) -> Found:
    client = served.client()
    told: list[str] = []
    fuzzes = {name: Fuzz(document, chance, told) for name in NAMES}
    tokens = {name: await signed_in(served, name) for name in NAMES}

    async def ask_on() -> None:
        while time.monotonic() < until:
            for name, token in list(tokens.items()):
                status = await fuzzes[name].ask(client, token)
                if status == UNAUTHENTICATED and token:
                    tokens[name] = await signed_in(served, name)

    await asyncio.gather(*(ask_on() for _ in range(TOGETHER)))
    figures: dict[str, int] = {}
    wrong: list[str] = []
    for name, fuzz in fuzzes.items():
        figures[f"requests as {name}"] = fuzz.statuses.total()
        figures[f"done as {name}"] = sum(
            count for status, count in fuzz.statuses.items() if status < 300
        )
        wrong += [f"as {name}: {fault}" for fault in fuzz.wrong]
    return figures, wrong


async def schemathesised(
    served: Served, document: dict[str, Any], requests: int, seed: int
) -> Found:
    """Let Schemathesis ask as each role; some hundreds at a time, so that it forgets between."""
    loop = asyncio.get_running_loop()
    statuses: dict[str, Counter[int]] = {name: Counter() for name in NAMES}
    wrong: list[str] = []
    gate = asyncio.Semaphore(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:

        async def ask(name: str, part: int) -> None:
            count = min(AT_ONCE, requests - part * AT_ONCE)
            async with gate:
                token = await signed_in(served, name)
                arguments = (document, served.url, token, count, seed + part)
                came, faults = await loop.run_in_executor(pool, probed, *arguments)
            statuses[name] += came
            for fault in faults:
                # A run takes hours; what is wrong is told at once.
                print(f"  Schemathesis as {name}: {fault}", flush=True)
                wrong.append(f"Schemathesis as {name}: {fault}")

        parts = -(-requests // AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for part in range(parts):
                for name in NAMES:
                    group.create_task(ask(name, part))
    figures: dict[str, int] = {}
    for name, came in statuses.items():
        figures[f"requests of Schemathesis as {name}"] = came.total()
        figures[f"done for it as {name}"] = sum(came[status] for status in came if status < 300)
    return figures, wrong
