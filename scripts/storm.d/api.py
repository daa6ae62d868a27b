"""The API, asked by its own document as each role: no failure of ours, each answer as described."""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import tempfile
import time
from pathlib import Path

import structlog

from aggregator import vault
from aggregator.app import market_on
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.db.migrating import migrate
from tests.api.conftest import Served, serving
from tests.api.fuzzing import Fuzz
from tests.builders import with_cash, with_sugar
from web.auth.rates import Rate
from web.context import EdgeLimits

ROLES = {
    "factory": ("buyer", "owner"),
    "mill": ("seller", "owner"),
    "trader": ("buyer", "seller", "logistics"),
    "finance": ("finance",),
    "viewer": ("viewer",),
}
TOGETHER = 4


async def storm(seconds: int, seed: int) -> tuple[dict[str, int], list[str]]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    postgres = EmbeddedPostgres(folder / "pg")
    try:
        dsn = await asyncio.to_thread(postgres.start)
        await migrate(dsn)
        vault.install(folder / "var")
        freely = Rate(per_s=100_000, burst=1_000_000)
        limits = EdgeLimits(organisation=freely, address=freely, login=freely)
        async with market_on(dsn) as market, serving(market, limits) as served:
            return await fuzzed(served, time.monotonic() + seconds, random.Random(seed))
    finally:
        await asyncio.to_thread(postgres.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def fuzzed(
    served: Served, until: float, chance: random.Random
) -> tuple[dict[str, int], list[str]]:
    await with_sugar(served.market)
    tokens = {"nobody": ""}
    for name, roles in ROLES.items():
        kind = name if name in ("factory", "mill") else "trader"
        visitor = await served.member(f"Firm {name}", *roles, kind=kind)
        await with_cash(served.market, visitor.organisation_id, 10**10)
        tokens[name] = visitor.token
    tokens["operator"] = (await served.operator()).token
    client = served.client()
    document = (await client.get("/api/v1/openapi.json")).json()
    told: list[str] = []
    fuzzes = {name: Fuzz(document, chance, told) for name in tokens}

    async def ask_on() -> None:
        while time.monotonic() < until:
            for name, token in tokens.items():
                await fuzzes[name].ask(client, token)

    await asyncio.gather(*(ask_on() for _ in range(TOGETHER)))
    figures: dict[str, int] = {}
    wrong: list[str] = []
    for name, fuzz in fuzzes.items():
        figures[f"requests as {name}"] = fuzz.statuses.total()
        figures[f"done as {name}"] = sum(
            count for status, count in fuzz.statuses.items() if status < 300
        )
        wrong += [f"as {name}: {fault}" for fault in fuzz.wrong]
    return figures, list(dict.fromkeys(wrong))[:50]
