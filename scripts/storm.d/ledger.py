"""32 clients of four processes move money at random, take it back twice, and read meanwhile.

Every reversal is sent twice at once, once over the counter and once by itself, and may be asked
for by another process in the same instant. Readers sum all accounts in one snapshot, which must
be zero, and compare a balance with its postings. At the end the whole ledger is verified, each
transfer has at most one reversal, each reversal undoes its transfer to the last fen, and the
database has met no deadlock.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter as Tally
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import asyncpg

from aggregator.app import market_on
from aggregator.errors import Conflict, InsufficientFunds
from aggregator.journal.reading import Pool
from aggregator.ledger import accounts, transfers
from aggregator.ledger.counter import Counter, Movement, Reversal
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Answer, Command, Market, Unit
from scripts._lent import Found, a_database
from tests.builders import an_organisation, with_cash

PROCESSES, CLIENTS, READERS, FIRMS = 4, 8, 2, 24
RICH_MINOR, VOLLEY = 1_000_000, 16
REFUSED = (InsufficientFunds, Conflict)

_TWICE = """
select count(*)::bigint as n from (
  select reverses from transfer where reverses is not null
   group by reverses having count(*) > 1) as twice
"""
_UNEVEN = """
select count(*)::bigint as n from (
  select coalesce(t.reverses, t.id), p.account_id from transfer t
    join posting p on p.transfer_id = t.id
   where t.reverses is not null or t.id in (
     select reverses from transfer where reverses is not null)
   group by 1, 2 having sum(p.amount_minor) <> 0) as uneven
"""


async def storm(seconds: int, seed: int) -> Found:
    async with a_database() as (dsn, _):
        return await stormed(dsn, seconds, seed)


async def stormed(dsn: str, seconds: int, seed: int, *, processes: int = PROCESSES) -> Found:
    """Run the storm on the migrated database at `dsn`."""
    met = await _deadlocks(dsn)
    async with market_on(dsn) as market:
        await _firms(market)
        told = await asyncio.gather(
            *(_process(dsn, seconds, seed, number) for number in range(processes))
        )
        figures, violations = await _audit(told)
    figures["deadlocks"] = await _deadlocks(dsn) - met
    if figures["deadlocks"]:
        violations.append(f"{figures['deadlocks']} deadlocks")
    return figures, violations


async def _firms(market: Market) -> None:
    for number in range(FIRMS):
        firm = await an_organisation(market, f"Firm {number}", kind="trader")
        await with_cash(market, firm, RICH_MINOR)


async def _process(dsn: str, seconds: int, seed: int, number: int) -> dict[str, int]:
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        dsn,
        str(seconds),
        str(seed),
        str(number),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await running.communicate()
    if running.returncode:
        return {"failed": 1}
    found: dict[str, int] = json.loads(out)
    return found


async def _audit(told: list[dict[str, int]]) -> tuple[dict[str, int], list[str]]:
    figures: Tally[str] = Tally()
    for one in told:
        figures.update(one)
    report = await verify()
    violations = [
        f"{found.rule}: {found.id} by {found.difference_minor}" for found in report.differences
    ]
    figures["transfers in the ledger"] = report.transfers
    for name, query in (("reversed twice", _TWICE), ("reversal is not exact", _UNEVEN)):
        (row,) = await Pool().rows(query)
        if row["n"]:
            violations.append(f"{name}: {row['n']}")
    (reversals,) = await Pool().rows(
        "select count(*)::bigint as n from transfer where reverses is not null"
    )
    figures["reversals in the ledger"] = reversals["n"]
    (movements,) = await Pool().rows(
        "select count(*)::bigint as n from transfer where kind = 'storm.move'"
    )
    if movements["n"] != figures["moved"]:
        violations.append(f"{figures['moved']} movements told, {movements['n']} in the ledger")
    wrong = ("failed", "answers differ", "readings differ")
    violations += [f"{name}: {figures[name]}" for name in wrong if figures[name]]
    return dict(sorted(figures.items())), violations


async def _deadlocks(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_stat_clear_snapshot()")
        found: int = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        return found
    finally:
        await connection.close()


class Worker:
    """The clients and readers of one process."""

    def __init__(self, market: Market, names: list[str], number: int, until: float) -> None:
        self.market, self.names, self.until = market, names, until
        self.number, self.commands = number, 0
        self.figures: Tally[str] = Tally()

    async def client(self, chance: random.Random) -> None:
        while time.monotonic() < self.until:
            if chance.random() < 0.3:
                await self._reverse(chance)
            else:
                await asyncio.gather(*(self._move(chance) for _ in range(VOLLEY)))

    async def reader(self, chance: random.Random) -> None:
        while time.monotonic() < self.until:
            async with self.market.reading() as unit:
                total = await unit.row("select sum(balance_minor)::bigint as n from account")
                one = await unit.row(
                    "select a.balance_minor - coalesce(sum(p.amount_minor), 0)::bigint as n"
                    " from account a left join posting p on p.account_id = a.id"
                    " where a.id = $1 group by a.id",
                    chance.choice(self.names),
                )
            assert total is not None
            assert one is not None
            self.figures["readings"] += 1
            if total["n"] or one["n"]:
                self.figures["readings differ"] += 1
            await asyncio.sleep(0.05)

    async def _move(self, chance: random.Random) -> None:
        source, one, other = chance.sample(self.names, 3)
        amount = chance.randrange(2, 20_000)
        part = chance.randrange(1, amount)
        lines = ((source, -amount), (one, part), (other, amount - part))
        key = f"storm-{self._next()}"
        try:
            if chance.random() < 0.98:
                await self._at_counter(Movement("storm.move", key, lines, key))
            else:
                await self._posted(key, lines)
        except REFUSED:
            self.figures["refused"] += 1
        else:
            self.figures["moved"] += 1

    async def _reverse(self, chance: random.Random) -> None:
        """Take back a late transfer of anybody's, twice at once."""
        found = await Pool().rows(
            "select id from transfer where kind = 'storm.move' order by id desc limit 1 offset $1",
            chance.randrange(0, 40),
        )
        if not found:
            return
        wanted = found[0]["id"]
        answers = await asyncio.gather(
            self._at_counter(Reversal(wanted, "storm.reversal")),
            self._reversed(wanted),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, REFUSED):
                raise answer
        told = {answer for answer in answers if isinstance(answer, str)}
        self.figures["reversals asked for"] += 2
        if len(told) > 1:
            self.figures["answers differ"] += 1

    async def _at_counter(self, wanted: Movement | Reversal) -> str:
        outcome = await self.market.perform_at(
            Counter,
            Actor.SYSTEM,
            "ledger.move",
            wanted,
            command=Command(f"command-{self._next()}", b"f" * 32),
            stream=f"ledger:{self.number}",
        )
        return str(outcome.answer["transfer_id"])

    async def _posted(self, key: str, lines: tuple[tuple[str, int], ...]) -> str:
        async def step(unit: Unit) -> Answer:
            return {"id": await transfers.post(unit, "storm.move", key, lines, key=key)}

        return str((await self.market.perform(Actor.SYSTEM, "ledger.move", step)).answer["id"])

    async def _reversed(self, wanted: str) -> str:
        async def step(unit: Unit) -> Answer:
            return {"id": await transfers.reverse(unit, wanted, kind="storm.reversal")}

        return str((await self.market.perform(Actor.SYSTEM, "ledger.move", step)).answer["id"])

    def _next(self) -> str:
        self.commands += 1
        return f"{self.number}-{self.commands}"


async def work(dsn: str, seconds: int, seed: int, number: int) -> dict[str, int]:
    async with market_on(dsn) as market:
        found = await Pool().rows(
            "select id from account where purpose = $1 order by id", accounts.CASH
        )
        worker = Worker(market, [row["id"] for row in found], number, time.monotonic() + seconds)
        chances = (random.Random(seed * 1_000 + number * 100 + one) for one in range(100))
        await asyncio.gather(
            *(worker.client(next(chances)) for _ in range(CLIENTS)),
            *(worker.reader(next(chances)) for _ in range(READERS)),
        )
    return dict(worker.figures)


if __name__ == "__main__":
    _dsn, _seconds, _seed, _number = sys.argv[1:]
    print(json.dumps(asyncio.run(work(_dsn, int(_seconds), int(_seed), int(_number)))))
