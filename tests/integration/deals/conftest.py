"""A small market with money in it: two factories, two mills and the operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import pytest

from aggregator.clock import SimulatedClock
from aggregator.market import Actor, Command, Market
from aggregator.reactions import ON_TIMER
from aggregator.settlement.queries import deposit_reference
from aggregator.settlement.simulator import SimulatedBank
from aggregator.workers.ringing import ring_due
from tests.builders import a_deal, a_market, an_actor, an_organisation, with_cash, with_sugar

START = datetime(2027, 3, 1, 1, tzinfo=UTC)
SUGAR = {
    "fee_bps": 30,
    "return_policy": "Wet or wrong goods come back within 30 days at the seller's cost.",
    "return_days": 30,
}


@dataclass
class Trading:
    """A market with its parties by name."""

    market: Market
    clock: SimulatedClock
    parties: dict[str, tuple[str, str, str]]
    numbers: count[int]

    def command(self, content: object = None) -> Command:
        return Command.of(f"cmd-{next(self.numbers)}", content)

    def id_of(self, name: str) -> str:
        return self.parties[name][0]

    def reference_of(self, name: str) -> str:
        return self.parties[name][2]

    def actor(self, name: str, *roles: str) -> Actor:
        organisation_id, group, _ = self.parties[name]
        person = f"per_{name}_{'_'.join(roles)}"
        return an_actor(organisation_id, *roles, group=group, person=person)

    async def give(self, name: str, amount_minor: int) -> None:
        """Put cash into an organisation's account, from the bank."""
        await with_cash(self.market, self.id_of(name), amount_minor)

    async def form(self, *, buyer: str = "factory", seller: str = "mill", **terms: object) -> str:
        """Form a deal and return its id."""
        parties = {"buyer": self.id_of(buyer), "seller": self.id_of(seller)}
        return await a_deal(self.market, **parties, **terms)

    async def at(self, instant: datetime) -> None:
        """Move the clock and ring what is due."""
        self.clock.set(instant)
        await ring_due(self.market, ON_TIMER)


@pytest.fixture
def bank() -> SimulatedBank:
    return SimulatedBank("CN622201", "CNY")


@pytest.fixture
async def trading(orm: str) -> AsyncIterator[Trading]:
    clock = SimulatedClock(START)
    # Of what is made at one instant the seed says the order.
    market = a_market(clock, seed=1)
    await with_sugar(market, **SUGAR)
    parties: dict[str, tuple[str, str, str]] = {"operator": ("org_op", "operator", "")}
    for name, kind in (
        ("factory", "factory"),
        ("bakery", "factory"),
        ("mill", "mill"),
        ("rival", "mill"),
    ):
        group = f"group-{name}"
        firm = await an_organisation(market, f"{name} 公司", kind=kind, group=group, monthly_lots=0)
        parties[name] = (firm, group, await deposit_reference(firm))
    yield Trading(market, clock, parties, count(1))
    await market.tasks.stop()
