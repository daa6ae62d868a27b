"""One settlement from award to payout, killed before a statement of its own choosing.

Each step is a command with an id of its own, so that the same settlement can be played again
after the kill and goes on where it was. The process kills itself with SIGKILL: nothing is
cleaned up, and the database finds out when the socket is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import asyncpg

from aggregator.app import market_on
from aggregator.deals import answering, claims, funding
from aggregator.deals.formation import DealTerms, form_deal
from aggregator.fulfilment import accepting, delivering, returning, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.fulfilment.returning import GoodsReturn
from aggregator.invoices import issuing
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.settlement import banking, payouts
from aggregator.settlement.statements import CREDIT, DEBIT, StatementLine
from tests.builders import an_actor, with_account

LOTS, GOODS_MINOR = 10, 495_000
STATEMENTS = ("execute", "fetch", "fetchrow", "fetchval", "executemany", "copy_records_to_table")


@dataclass(frozen=True, slots=True)
class Parties:
    """Who trades: the buyer's name is what his bank writes."""

    buyer_id: str
    buyer: str
    seller_id: str


def play(dsn: str, parties: Parties, key: str, kill_at: int, told: Connection) -> None:
    """Play the settlement `key`, dying before statement `kill_at`; 0 is never.

    Tells how many statements it took when it lives to the end.
    """
    told.send(asyncio.run(_play(dsn, parties, key, kill_at)))


async def _play(dsn: str, parties: Parties, key: str, kill_at: int) -> int:
    async with market_on(dsn) as market:
        count = _armed(kill_at)
        await Settlement(market, parties, key).whole()
        return count[0]


def _armed(kill_at: int) -> list[int]:
    """Count the statements of this process from now on, and die before one of them."""
    count = [0]
    driver: Any = asyncpg.Connection

    def counting(run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return await run(*args, **more)

        return counted

    for name in STATEMENTS:
        setattr(driver, name, counting(getattr(driver, name)))
    return count


class Settlement:
    """The steps of one settlement, each done once however often they are played."""

    def __init__(self, market: Market, parties: Parties, key: str) -> None:
        self._market, self._parties, self._key = market, parties, key
        self._steps = 0

    async def whole(self) -> None:
        deal_id = await self._formed()
        (call,) = await Pool().rows(
            "select call_reference, call_minor from deal where id = $1", deal_id
        )
        paid_in = await self._bank(
            CREDIT, self._parties.buyer, call["call_minor"], call["call_reference"]
        )
        await self._buyer("finance", funding.fund, deal_id, amount_minor=1_000_000)
        await self._bank(DEBIT, self._parties.buyer, 500_000, f"RETURN {paid_in}")
        await self._buyer("finance", funding.fund, deal_id)
        await self._seller("seller", shipping.ship, deal_id, lots=9, carrier="Rail")
        receipt = Receipt(9, "Nanning 3", f"WB-{self._key}")
        await self._seller("logistics", delivering.deliver, deal_id, receipt)
        await self._buyer("logistics", accepting.accept, deal_id, lots=8)
        refused = [
            one
            for one in (await claims.claims_of(Pool(), deal_id)).values()
            if one.cause == claims.REFUSED
        ]
        await self._seller("seller", answering.concede, deal_id, refused[0].id)
        await self._seller("seller", issuing.issue, deal_id)
        wet = GoodsReturn(1, "wet", "photo 7")
        await self._buyer("logistics", returning.return_lots, deal_id, wet)
        paid = await self._seller(
            "finance",
            payouts.order,
            amount_minor=1_000_000,
            currency="CNY",
            payee_account=await with_account(self._parties.seller_id),
        )
        await self._bank(DEBIT, "Mill", 1_000_000, str(paid.answer["reference"]))

    async def _formed(self) -> str:
        async def step(unit: Unit) -> Answer:
            terms = DealTerms(
                source="pool",
                source_id=self._key,
                instrument_id="SUGAR-W1",
                region="GX",
                tenor=f"{unit.now.year + 1}-03",
                buyer_id=self._parties.buyer_id,
                seller_id=self._parties.seller_id,
                lots=LOTS,
                goods_minor=GOODS_MINOR,
                freight_minor=12_345,
                funding_due_at=unit.now + timedelta(days=3),
            )
            return {"deal_id": await form_deal(unit, terms)}

        outcome = await self._market.perform(
            Actor.SYSTEM, "deals.form", step, command=self._command()
        )
        return str(outcome.answer["deal_id"])

    async def _bank(self, direction: str, payer: str, amount_minor: int, remittance: str) -> str:
        """Import a bank's line and return its entry reference."""
        command = self._command()
        line = StatementLine(
            account="CN-6222-01",
            entry_reference=command.id,
            direction=direction,
            amount_minor=amount_minor,
            currency="CNY",
            booked_on=self._market.clock.now().date(),
            payer=payer,
            remittance=remittance,
        )
        operator = an_actor("operator", "operator")
        await banking.import_lines(self._market, operator, command, [line])
        return line.entry_reference

    async def _buyer(
        self, role: str, act: Callable[..., Awaitable[Outcome]], *args: Any, **more: Any
    ) -> Outcome:
        actor = an_actor(self._parties.buyer_id, role)
        return await act(self._market, actor, self._command(), *args, **more)

    async def _seller(
        self, role: str, act: Callable[..., Awaitable[Outcome]], *args: Any, **more: Any
    ) -> Outcome:
        actor = an_actor(self._parties.seller_id, role)
        return await act(self._market, actor, self._command(), *args, **more)

    def _command(self) -> Command:
        self._steps += 1
        return Command(f"{self._key}-{self._steps}", b"f" * 32)
