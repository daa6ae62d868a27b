"""Kill -9 a settlement between any two of its statements: no money is left without an owner.

One settlement runs from award over bank, escrow, short delivery, claims, invoice and return to
the payout. It is played to count its statements, then killed before one after the other,
evenly spread, at least 60 where there is time. After each kill the books must agree and every
fen must have an owner: an escrow a deal that still needs it, a hold something that is not over,
money in suspense a bank line that waits. Then the same settlement is played on and must end
where the one that was never killed ended, to the last fen.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import time

import asyncpg

from aggregator.app import market_on
from aggregator.journal.reading import Pool
from aggregator.ledger.verifying import verify
from scripts import _settlement_kills
from scripts._lent import Found, a_database
from scripts._settlement_kills import Parties
from tests.builders import an_organisation, with_cash, with_sugar

POINTS, RICH_MINOR, LONGEST_S = 60, 10**12, 60

_OWNERLESS = {
    "escrow of a deal that is over": """
        select a.id from account a left join deal d on d.id = a.reference
        where a.purpose = 'escrow' and a.balance_minor <> 0 and (d.id is null
          or d.state in ('settled', 'returned', 'lapsed', 'defaulted', 'cancelled'))""",
    "escrow that is not what was paid in": """
        select d.id from deal d join account a on a.reference = d.id
        join money_call c on c.escrow = d.id
        where d.state in ('formed', 'funded', 'shipping', 'delivered')
          and a.balance_minor <> d.deposit_minor + c.paid_minor""",
    "hold of nothing that goes on": """
        select h.id from hold h where h.state = 'pending'
        and not exists (select 1 from deal d where d.performance_hold_id = h.id
          and d.state not in ('settled', 'returned', 'lapsed', 'defaulted', 'cancelled'))
        and not exists (select 1 from deal_claim c where c.hold_id = h.id and c.ended_at is null)
        and not exists (select 1 from payment_out p where p.hold_id = h.id
          and p.state = 'ordered')""",
    "suspense that no line explains": """
        select a.id from account a where a.purpose = 'suspense' and a.balance_minor <> (
          select coalesce(sum(l.amount_minor - l.taken_back_minor), 0) from bank_line l
          where l.direction = 'credit' and l.state in ('unmatched', 'returned')
            and l.currency = a.currency)""",
    "bank that its lines do not explain": """
        select a.id from account a where a.purpose = 'bank' and -a.balance_minor <> (
          select coalesce(sum(case when direction = 'credit' then amount_minor
            when state = 'unmatched' then 0 else -amount_minor end), 0) from bank_line
            where state <> 'duplicate') + (
          select coalesce(sum(p.amount_minor), 0) from posting p join transfer t
            on t.id = p.transfer_id where t.kind = 'deposit' and p.amount_minor > 0)""",
}


async def storm(seconds: int, seed: int) -> Found:
    async with a_database() as (dsn, _):
        return await stormed(dsn, seconds, seed)


async def stormed(dsn: str, seconds: int, seed: int, *, points: int = POINTS) -> Found:
    """Run the storm on the migrated database at `dsn`."""
    async with market_on(dsn) as market:
        await with_sugar(market)
        buyer = await an_organisation(market, "Factory")
        seller = await an_organisation(market, "Mill", kind="mill")
        for firm in (buyer, seller):
            await with_cash(market, firm, RICH_MINOR)
    return await Kills(dsn, Parties(buyer, "Factory", seller)).all(seconds, seed, points)


class Kills:
    """Settlements on one database, each killed once and then played on."""

    def __init__(self, dsn: str, parties: Parties) -> None:
        self.dsn, self.parties = dsn, parties
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([_settlement_kills.__name__])
        self.violations: list[str] = []
        self.killed = self.ended = 0

    async def all(self, seconds: int, seed: int, points: int) -> tuple[dict[str, int], list[str]]:
        until = time.monotonic() + seconds
        # The first one also makes what all the others find: accounts, and the cell's batch.
        await self._play("first", 0)
        before = await self._balances()
        statements = await self._play("whole", 0)
        assert statements is not None, "the settlement itself failed"
        after = await self._balances()
        meant = {name: after[name] - before.get(name, 0) for name in after}
        step = max(1, statements // points)
        wanted = range(1 + seed % step, statements + 1, step)
        for number in wanted:
            await self._one(number, meant)
            if time.monotonic() > until and self.killed >= points:
                break
        figures = {
            "statements of a settlement": statements,
            "kill points": self.killed,
            "settlements played on to their end": self.ended,
        }
        return figures, self.violations

    async def _one(self, number: int, meant: dict[str, int]) -> None:
        before = await self._balances()
        key = f"kill-{number}"
        if await self._play(key, number) is not None:
            self.violations.append(f"statement {number} was never reached")
        self.killed += 1
        await self._alone()
        await self._check(f"killed before statement {number}")
        if await self._play(key, 0) is None:
            self.violations.append(f"killed before statement {number}: it does not go on")
            return
        await self._check(f"played on after statement {number}")
        after = await self._balances()
        moved = {name: after[name] - before.get(name, 0) for name in after}
        self.ended += 1
        if moved != meant:
            self.violations.append(f"killed before statement {number}: {moved}, not {meant}")

    async def _play(self, key: str, kill_at: int) -> int | None:
        """Play a settlement in a process; return its statements, None if it was killed.

        A process that ends in any other way is no kill, and the storm's own failure.
        """
        ours, theirs = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=_settlement_kills.play, args=(self.dsn, self.parties, key, kill_at, theirs)
        )
        process.start()
        theirs.close()
        await asyncio.to_thread(process.join, LONGEST_S)
        try:
            return int(ours.recv()) if ours.poll() else None
        except EOFError:
            if process.exitcode != -signal.SIGKILL:
                self.violations.append(f"{key} ended as {process.exitcode}, not killed")
            return None
        finally:
            ours.close()

    async def _alone(self) -> None:
        """Wait until the database has noticed that the dead process is gone."""
        connection = await asyncpg.connect(self.dsn)
        try:
            for _ in range(200):
                others = await connection.fetchval(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and pid <> pg_backend_pid() and backend_type = 'client backend'"
                )
                if not others:
                    return
                await asyncio.sleep(0.02)
        finally:
            await connection.close()

    async def _check(self, when: str) -> None:
        async with market_on(self.dsn):
            for found in (await verify()).differences:
                self.violations.append(f"{when}: {found.rule}: {found.id}")
            for rule, query in _OWNERLESS.items():
                for row in await Pool().rows(query):
                    self.violations.append(f"{when}: {rule}: {row['id']}")

    async def _balances(self) -> dict[str, int]:
        """Return the balances of firms, market and bank, escrows together."""
        connection = await asyncpg.connect(self.dsn)
        try:
            rows = await connection.fetch(
                "select case purpose when 'escrow' then 'escrow' else id end as name,"
                " sum(balance_minor)::bigint as n from account group by 1 order by 1"
            )
            return {row["name"]: row["n"] for row in rows}
        finally:
            await connection.close()
