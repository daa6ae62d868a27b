"""Transfers a second: the counter against one transaction a transfer through the ORM.

Both move between 32 accounts, in one process, on a database that waits for its disk, with 32
clients that each wait for their transfer to be durable. The ORM's way locks its accounts in
order, checks the balance, inserts a transfer with two postings and updates two balances in one
transaction, on plain tables without triggers, keys or journal. The plain post is the
market's own, one transaction each.

Then a served market settles deals, and sockets that follow all prices tell when each had the
price that came of it: the 99th percentile of the worst of ten prices, from the commit on.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import uvloop
from _bench import ROOT
from tortoise import Tortoise, fields
from tortoise.models import Model
from tortoise.transactions import in_transaction

from aggregator.app import market_on
from aggregator.ledger import accounts, transfers
from aggregator.ledger.counter import STREAM, Counter, Movement
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Answer, Command, Market, Unit
from scripts._lent import a_database, the_orm_on
from tests.builders import an_organisation, with_cash

CLIENTS, ACCOUNTS = 32, 32
SOCKETS, PRICES = 1_000, 10
RICH_MINOR = 10**12
COUNTER_EACH, POST_EACH, PLAIN_EACH = 400, 20, 20
Row = dict[str, Any]
Mover = Callable[[int, int, int], Awaitable[object]]


class PlainAccount(Model):
    id = fields.IntField(primary_key=True)
    balance_minor = fields.BigIntField()

    class Meta:
        table = "plain_account"


class PlainTransfer(Model):
    id = fields.BigIntField(primary_key=True, generated=True)
    key = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "plain_transfer"


class PlainPosting(Model):
    id = fields.BigIntField(primary_key=True, generated=True)
    transfer_id = fields.BigIntField()
    account_id = fields.IntField()
    amount_minor = fields.BigIntField()

    class Meta:
        table = "plain_posting"


def measure(seed: int) -> list[Row]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured(seed))


async def measured(seed: int) -> list[Row]:
    async with a_database() as (dsn, _):
        plain = await the_orm(dsn, seed)
        async with market_on(dsn) as market:
            names = await firms(market)
            posted = await rate(by_post(market, names), POST_EACH, seed)
            counted = await rate(by_counter(market, names), COUNTER_EACH, seed)
            report = await verify()
        assert not report.differences, report.differences
        return [
            row("the counter", counted, "/s"),
            row("the plain post", posted, "/s"),
            row("the ORM, one transaction each", plain, "/s"),
            row("the counter, of the ORM", counted / plain, "x"),
            row("transfers verified", report.transfers, "transfers"),
            *prices_told(),
        ]


async def rate(move: Mover, each: int, seed: int) -> float:
    """Return transfers a second of clients that each wait for their own."""

    async def client(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        for _ in range(each):
            source, target = chance.sample(range(ACCOUNTS), 2)
            await move(source, target, chance.randrange(1, 1_000))

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return CLIENTS * each / (time.perf_counter() - began)


async def firms(market: Market) -> list[str]:
    names = []
    for number in range(ACCOUNTS):
        firm = await an_organisation(market, f"Firm {number}", kind="trader")
        await with_cash(market, firm, RICH_MINOR)
        names.append(accounts.account_id(accounts.CASH, firm, "CNY"))
    return names


def by_counter(market: Market, names: list[str]) -> Mover:
    numbers = itertools.count()

    async def move(source: int, target: int, amount: int) -> object:
        key = f"counter-{next(numbers)}"
        lines = ((names[source], -amount), (names[target], amount))
        return await market.perform_at(
            Counter,
            Actor.SYSTEM,
            "ledger.move",
            Movement("bench", key, lines, key),
            command=Command(key, b"f" * 32),
            stream=STREAM,
        )

    return move


def by_post(market: Market, names: list[str]) -> Mover:
    numbers = itertools.count()

    async def move(source: int, target: int, amount: int) -> object:
        key = f"post-{next(numbers)}"

        async def step(unit: Unit) -> Answer:
            lines = [(names[source], -amount), (names[target], amount)]
            return {"id": await transfers.post(unit, "bench", key, lines, key=key)}

        return await market.perform(Actor.SYSTEM, "ledger.move", step)

    return move


async def the_orm(dsn: str, seed: int) -> float:
    numbers = itertools.count()
    async with the_orm_on(dsn, __name__, connections=10):
        await Tortoise.generate_schemas()
        await PlainAccount.bulk_create(
            [PlainAccount(id=number, balance_minor=RICH_MINOR) for number in range(ACCOUNTS)]
        )

        async def move(source: int, target: int, amount: int) -> object:
            async with in_transaction():
                wanted = PlainAccount.filter(id__in=[source, target]).order_by("id")
                found = {one.id: one for one in await wanted.select_for_update()}
                assert found[source].balance_minor >= amount
                made = await PlainTransfer.create(
                    key=f"plain-{next(numbers)}", at=datetime.now(UTC)
                )
                for account, moved in ((source, -amount), (target, amount)):
                    await PlainPosting.create(
                        transfer_id=made.id, account_id=account, amount_minor=moved
                    )
                    found[account].balance_minor += moved
                    await found[account].save(update_fields=["balance_minor"])
                return made

        return await rate(move, PLAIN_EACH, seed)


def prices_told() -> list[Row]:
    """Settle deals in a served market and see when each of many sockets has the new price."""
    environment = {**os.environ, "AGG_ENV": "test", "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "scripts/_settled_prices.py", str(SOCKETS), str(PRICES)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    rounds = json.loads(found.stdout.splitlines()[-1])
    name = f"price on {SOCKETS:,} sockets after its commit"
    return [
        row(f"{name}, 99 % (at most 250 asked)", max(one["p99_ms"] for one in rounds), "ms"),
        row(f"{name}, median", sorted(one["p50_ms"] for one in rounds)[len(rounds) // 2], "ms"),
        row("the act that settles and publishes", max(one["act_ms"] for one in rounds), "ms"),
        row("prices told", len(rounds), "prices"),
    ]


def row(name: str, value: float, unit: str) -> Row:
    return {"name": name, "value": round(value, 2), "unit": unit}
