"""A small market with money in it: two factories, two mills and the operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import pytest

from aggregator.bus.memory import MemoryBus
from aggregator.catalogue.defining import NewInstrument, define_instrument, define_region
from aggregator.clock import SimulatedClock
from aggregator.deals.formation import DealTerms, form_deal
from aggregator.ids import SeededIds
from aggregator.ledger import accounts, transfers
from aggregator.market import Actor, Command, Market, Unit
from aggregator.parties.permissions import grants_of
from aggregator.parties.registering import NewOrganisation, register_organisation
from aggregator.reactions import ON_FACT, ON_TIMER
from aggregator.settlement.simulator import SimulatedBank
from aggregator.workers.ringing import ring_due

START = datetime(2027, 3, 1, 1, tzinfo=UTC)


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
        held = frozenset(roles)
        return Actor(f"per_{name}_{'_'.join(roles)}", organisation_id, group, held, grants_of(held))

    async def give(self, name: str, amount_minor: int) -> None:
        """Put cash into an organisation's account, from the bank."""

        async def step(unit: Unit) -> dict[str, object]:
            bank = await accounts.ensure(unit, None, accounts.BANK, "CNY")
            cash = await accounts.ensure(unit, self.id_of(name), accounts.CASH, "CNY")
            await transfers.post(
                unit,
                "test.gift",
                name,
                [(bank, -amount_minor), (cash, amount_minor)],
                key=f"gift-{next(self.numbers)}",
            )
            return {}

        await self.market.perform(Actor.SYSTEM, "test.gift", step)

    async def form(
        self,
        *,
        buyer: str = "factory",
        seller: str = "mill",
        lots: int = 100,
        goods_minor: int = 495_000,
        freight_minor: int = 12_345,
        **more: object,
    ) -> str:
        """Form a deal and return its id."""

        async def step(unit: Unit) -> dict[str, object]:
            terms = DealTerms(
                source="pool",
                source_id="pool_1",
                instrument_id="SUGAR-W1",
                region="GX",
                tenor="2027-03",
                buyer_id=self.id_of(buyer),
                seller_id=self.id_of(seller),
                lots=lots,
                goods_minor=goods_minor,
                freight_minor=freight_minor,
                **more,  # type: ignore[arg-type]
            )
            return {"deal_id": await form_deal(unit, terms)}

        outcome = await self.market.perform(Actor.SYSTEM, "deals.form", step)
        return str(outcome.answer["deal_id"])

    async def at(self, instant: datetime) -> None:
        """Move the clock and ring what is due."""
        self.clock.set(instant)
        await ring_due(self.market, ON_TIMER)


@pytest.fixture
def bank() -> SimulatedBank:
    return SimulatedBank("CN-6222-01", "CNY")


@pytest.fixture
async def trading(orm: str) -> AsyncIterator[Trading]:
    clock = SimulatedClock(START)
    market = Market(clock, MemoryBus(), SeededIds(1, clock), ON_FACT)
    operator = Actor(
        "per_op", "org_op", "operator", frozenset({"operator"}), grants_of(["operator"])
    )
    numbers = count(1)

    def command() -> Command:
        return Command.of(f"set-up-{next(numbers)}", None)

    for code, name_zh, name_en, parent in (
        ("CN", "中国", "China", None),
        ("GX", "广西", "Guangxi", "CN"),
    ):
        await define_region(
            market, operator, command(), code=code, name_zh=name_zh, name_en=name_en, parent=parent
        )
    await define_instrument(market, operator, command(), sugar())
    parties: dict[str, tuple[str, str, str]] = {"operator": ("org_op", "operator", "")}
    for name, kind in (
        ("factory", "factory"),
        ("bakery", "factory"),
        ("mill", "mill"),
        ("rival", "mill"),
    ):
        made = await register_organisation(
            market,
            operator,
            command(),
            NewOrganisation(f"{name} 公司", kind, f"group-{name}", "GX"),
        )
        parties[name] = (
            made.answer["organisation_id"],
            f"group-{name}",
            made.answer["deposit_reference"],
        )
    yield Trading(market, clock, parties, numbers)
    await market.tasks.stop()


def sugar() -> NewInstrument:
    return NewInstrument(
        id="SUGAR-W1",
        name_zh="一级白砂糖",
        name_en="White sugar grade one",
        standard="GB/T 317-2018",
        packaging="50 kg bags",
        currency="CNY",
        lot_text="1 t",
        tick_minor=100,
        step_minor=2_500,
        max_lots=1_000_000,
        tax_bps=1_300,
        service_tax_bps=600,
        fee_bps=30,
        deposit_bps=1_000,
        tolerance_bps=100,
        return_policy="Wet or wrong goods come back within 30 days at the seller's cost.",
        return_days=30,
    )
