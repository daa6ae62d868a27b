"""Chargebacks: the bank takes back a credit that it booked before.

A debit that names the entry of an earlier credit of the same amount takes that money back where
it went: from the organisation's cash, or from suspense. Where the organisation has it no more,
the line waits on the desk, is tried again every day, and nothing is moved until it is covered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aggregator.errors import InsufficientFunds
from aggregator.ledger import accounts, transfers
from aggregator.ledger.accounts import BANK, CASH, SUSPENSE
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import set_timer
from aggregator.settlement.facts import MoneyTakenBack
from aggregator.settlement.statements import CREDIT, StatementLine

AGAIN = timedelta(days=1)
TIMER = "settlement.chargeback"
STREAM = "bank"
_WORD = re.compile(r"[!-~]{1,64}")


async def original(unit: Unit, line: StatementLine) -> Mapping[str, Any] | None:
    """Return the credit that a debit takes back, or None if it names none."""
    found = await unit.rows(
        "select c.* from bank_line c where c.account = $1 and c.direction = $2"
        " and c.currency = $3 and c.amount_minor = $4 and c.entry_reference = any($5::text[])"
        " and c.state <> 'returned'"
        " and not exists (select 1 from bank_line d where d.reverses = c.id) for update of c",
        line.account,
        CREDIT,
        line.currency,
        line.amount_minor,
        sorted(set(_WORD.findall(line.remittance))),
    )
    return found[0] if len(found) == 1 else None


async def take_back(unit: Unit, line_id: str, credit: Mapping[str, Any]) -> bool:
    """Move a credit's money back to the bank; False where it is not there any more."""
    currency, amount_minor = credit["currency"], credit["amount_minor"]
    owner = credit["organisation_id"]
    bank = await accounts.ensure(unit, None, BANK, currency)
    if owner is None:
        source = await accounts.ensure(unit, None, SUSPENSE, currency)
    else:
        source = await accounts.ensure(unit, owner, CASH, currency)
    try:
        await transfers.post(
            unit,
            "bank.chargeback",
            line_id,
            [(source, -amount_minor), (bank, amount_minor)],
            key=f"bank.chargeback:{credit['id']}",
        )
    except InsufficientFunds:
        await set_timer(unit, TIMER, line_id, unit.now + AGAIN)
        return False
    if owner is None:
        await unit.execute("update bank_line set state = 'reversed' where id = $1", credit["id"])
    else:
        await unit.record(STREAM, MoneyTakenBack(line_id, owner, amount_minor, currency))
    return True


async def again(market: Market, line_id: str) -> None:
    """Ring every day while a chargeback is not covered."""

    async def step(unit: Unit) -> Answer:
        line = await unit.row("select * from bank_line where id = $1 for update", line_id)
        assert line is not None, line_id
        if line["state"] != "unmatched":
            return {}
        credit = await unit.row("select * from bank_line where id = $1", line["reverses"])
        assert credit is not None, line_id
        if await take_back(unit, line_id, credit):
            await unit.execute(
                "update bank_line set state = 'reversed', reason = '', organisation_id = $2"
                " where id = $1",
                line_id,
                credit["organisation_id"],
            )
        return {"line_id": line_id}

    await market.perform(Actor.SYSTEM, TIMER, step, stream=STREAM)
