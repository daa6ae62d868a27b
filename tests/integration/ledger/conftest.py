"""A ledger with a bank and two organisations' cash, without any of the market above it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from aggregator.bus.memory import MemoryBus
from aggregator.clock import SimulatedClock
from aggregator.ids import SeededIds
from aggregator.ledger import accounts, transfers
from aggregator.market import Actor, Market, Unit


@dataclass
class Book:
    """A market whose only use is its ledger."""

    market: Market
    numbers: count[int]

    async def within(self, step: Callable[[Unit], Awaitable[Any]]) -> Any:
        """Run `step` in one transaction and return what it returns."""
        found: list[Any] = []

        async def kept(unit: Unit) -> dict[str, Any]:
            found.append(await step(unit))
            return {}

        await self.market.perform(Actor.SYSTEM, "test.ledger", kept)
        return found[-1]

    async def move(self, *lines: tuple[str, int], key: str = "", kind: str = "test.move") -> str:
        """Post a transfer and return its id."""
        named = key or f"move-{next(self.numbers)}"
        moved: str = await self.within(
            lambda unit: transfers.post(unit, kind, named, lines, key=named)
        )
        return moved

    async def open(self, name: str, currency: str = "CNY") -> str:
        """Open the cash account of an organisation made for it."""

        async def step(unit: Unit) -> str:
            await unit.execute(
                "insert into organisation (id, name, kind, owner_group, region, deposit_reference,"
                " created_at) values ($1, $1, 'factory', $1, 'CN', $1, $2) on conflict do nothing",
                name,
                unit.now,
            )
            return await accounts.ensure(unit, name, accounts.CASH, currency)

        opened: str = await self.within(step)
        return opened


@pytest.fixture
async def book(orm: str) -> AsyncIterator[Book]:
    """A bank with 1,000.00 paid in for `alice`, and an empty `bob`."""
    clock = SimulatedClock(datetime(2027, 3, 1, tzinfo=UTC))
    found = Book(Market(clock, MemoryBus(), SeededIds(1, clock)), count(1))
    await found.within(lambda unit: accounts.ensure(unit, None, accounts.BANK, "CNY"))
    alice = await found.open("alice")
    await found.open("bob")
    await found.move((BANK, -100_000), (alice, 100_000), key="opening")
    yield found
    await found.market.tasks.stop()


BANK, ALICE, BOB = "bank:platform:CNY", "cash:alice:CNY", "cash:bob:CNY"
