"""Races on one mandate and on approvals: two processes, many hands, one truth."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from aggregator.approvals.executing import approve_and_execute, execute
from aggregator.auctions import bidding
from aggregator.errors import InsufficientFunds, MarketError, WrongState
from aggregator.journal.reading import Pool
from aggregator.mandates import granting
from aggregator.mandates.errors import BeyondMandate, OwnAct
from aggregator.market import Market
from matching.errors import RuleViolation
from tests.builders import a_command, a_market
from tests.integration.mandates.building import PRICE, Firm, uses_agree

EXPECTED = (BeyondMandate, InsufficientFunds, OwnAct, RuleViolation, WrongState)


@dataclass
class Race:
    """One firm and two processes; each `run` is a fresh mandate and fresh requests."""

    firm: Firm
    random: Random
    done: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def markets(self) -> tuple[Market, Market]:
        return self.firm.market, self._second

    def __post_init__(self) -> None:
        self._second = a_market(self.firm.clock)

    async def run(self) -> None:
        total = self.random.randint(50, 250)
        mandate_id = await self.firm.mandate(
            total_minor=total * PRICE,
            per_act_minor=min(total, self.random.randint(20, 100)) * PRICE,
            reserve_minor=self.random.choice([0, total * PRICE // 20]),
        )
        auctions = [await self.firm.auction() for _ in range(self.random.randint(2, 4))]
        approvals = [
            await self.firm.ask_to_bid(self.random.choice(auctions), lots=100, price_minor=PRICE)
            for _ in range(self.random.randint(1, 2))
        ]
        acts = [self._bid(auction_id) for auction_id in auctions for _ in range(2)]
        for approval_id in approvals:
            acts += [self._approve(approval_id) for _ in range(3)]
            acts += [self._execute(approval_id) for _ in range(2)]
        if self.random.random() < 0.3:
            acts.append(self._revoke(mandate_id))
        self.random.shuffle(acts)
        await asyncio.gather(*acts)
        for approval_id in approvals:
            await execute(self.firm.market, approval_id)
        await self._check(mandate_id, total, approvals)
        self.done["races"] += 1
        if (await self.firm.of_mandate(mandate_id))["state"] == "open":
            boss = self.firm.people["boss"]
            await granting.revoke(self.firm.market, boss, a_command(), mandate_id)

    async def _tried(self, name: str, act: Any) -> None:
        try:
            await act
            self.done[name] += 1
        except EXPECTED as refusal:
            self.done[f"{name}, refused as {type(refusal).__name__}"] += 1
        except MarketError as error:
            self.broken.append(f"{name} failed with {error}")

    async def _bid(self, auction_id: str) -> None:
        price_minor = PRICE + 1_000 * self.random.randint(0, 3)
        market = self.random.choice(self.markets)
        clerk, lots = self.firm.people["clerk"], self.random.randint(1, 100)
        bid = bidding.place_bid(
            market, clerk, a_command(), auction_id, price_minor=price_minor, lots=lots
        )
        await self._tried("bids inside the mandate", bid)

    async def _approve(self, approval_id: str) -> None:
        seen = await self.firm.approval(approval_id)
        market = self.random.choice(self.markets)
        boss = replace(self.firm.people["boss"])
        yes = approve_and_execute(
            market, boss, a_command(), approval_id, fingerprint=seen["fingerprint"]
        )
        await self._tried("approvals", yes)

    async def _execute(self, approval_id: str) -> None:
        await self._tried(
            "tries to execute", execute(self.random.choice(self.markets), approval_id)
        )

    async def _revoke(self, mandate_id: str) -> None:
        boss = self.firm.people["boss"]
        end = granting.revoke(self.random.choice(self.markets), boss, a_command(), mandate_id)
        await self._tried("mandates revoked in the race", end)

    async def _check(self, mandate_id: str, total: int, approvals: list[str]) -> None:
        found = await self.firm.of_mandate(mandate_id)
        if found["used_minor"] > total * PRICE:
            self.broken.append(f"{mandate_id} is used beyond its total")
        self.broken += [f"{one} does not add up" for one in await uses_agree()]
        rows = await Pool().rows(
            "select a.id, a.state, (select count(*) from journal j where j.kind = 'BidPlaced'"
            " and j.command = 'approval:' || a.id) as bids from approval a"
            " where a.id = any($1::text[]) order by a.id",
            approvals,
        )
        for row in rows:
            self.done[f"requests that ended as {row['state']}"] += 1
            if row["bids"] != (1 if row["state"] == "executed" else 0):
                self.broken.append(f"{row['id']} is {row['state']} with {row['bids']} bids")
            if row["state"] not in ("executed", "failed"):
                self.broken.append(f"{row['id']} stays {row['state']}")


async def raced(firm: Firm, count: int, seed: int) -> Race:
    """Run `count` races in one market and return what happened."""
    await firm.bind()
    race = Race(firm, Random(seed))
    for _ in range(count):
        await race.run()
        if race.broken:
            break
    return race
