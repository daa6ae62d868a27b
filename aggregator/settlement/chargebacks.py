"""Chargebacks: the bank takes back a credit that it booked before, or a part of one.

A debit that names the entry of an earlier credit takes its amount back where that money went, as
long as all that is taken back is no more than the credit. A stray credit is lessened in suspense.
An organisation pays in this order:

1. with what is free of its cash;
2. with what it has paid towards calls that are not wholly paid, those called last first: so much
   of them is due again. A call that is wholly paid stays so, for others rely on it;
3. with whatever comes in. Until all is covered nothing is moved: the line waits on the desk and is
   tried again with each payment and every day, and what is owed cannot be paid out.

A payment that a person noted as failed, and that the bank made all the same, is owed likewise by
the organisation whose money it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aggregator.ledger import accounts, transfers
from aggregator.ledger.accounts import BANK, CASH, SUSPENSE
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import clear_timer, set_timer
from aggregator.settlement import calls, desk, escrow, own_accounts, payouts
from aggregator.settlement.facts import (
    CallReopened,
    DebitCovered,
    DebitUncovered,
    MoneyTakenBack,
)
from aggregator.settlement.statements import CREDIT, StatementLine

AGAIN = timedelta(days=1)
TIMER = "settlement.chargeback"
STREAM = "bank"
_WORD = re.compile(r"[!-~]{1,64}")


async def original(unit: Unit, line: StatementLine) -> Mapping[str, Any] | None:
    """Return the credit that a debit takes back, or None if it names none that has so much left."""
    found = await unit.rows(
        "select * from bank_line where account = $1 and direction = $2 and currency = $3"
        " and amount_minor - taken_back_minor >= $4 and entry_reference = any($5::text[])"
        " and state in ('matched', 'assigned', 'unmatched') for update",
        line.account,
        CREDIT,
        line.currency,
        line.amount_minor,
        _named(line.remittance),
    )
    return found[0] if len(found) == 1 else None


async def of_credit(unit: Unit, line: StatementLine) -> list[tuple[str, StatementLine]]:
    """Return the debits on the desk that name a credit which comes after them."""
    found = await unit.rows(
        "select * from bank_line where state = 'unmatched' and direction = 'debit'"
        " and reason = 'not_ordered' and account = $1 and currency = $2"
        " order by imported_at, entry_reference for update",
        line.account,
        line.currency,
    )
    return [
        (row["id"], _line_of(row))
        for row in found
        if line.entry_reference in _named(row["remittance"])
    ]


async def take_back_early(unit: Unit, line: StatementLine) -> None:
    """Take back what the bank said too early to be understood: debits ahead of their credit."""
    for debit_id, debit in await of_credit(unit, line):
        credit = await original(unit, debit)
        if credit is None:
            continue
        await unit.execute(
            "update bank_line set reason = 'chargeback_uncovered', reverses = $2 where id = $1",
            debit_id,
            credit["id"],
        )
        if await take_back(unit, debit_id, credit, debit.amount_minor):
            await _end(unit, debit_id, "reversed", credit["organisation_id"])


async def wait_again(unit: Unit, line_id: str) -> None:
    """Put a stray credit that could not be sent back on the desk again.

    What the bank took back of it while it was on its way is taken back now.
    """
    row = await unit.row(
        "update bank_line set state = 'unmatched' where id = $1 returning *", line_id
    )
    assert row is not None, line_id
    await take_back_early(unit, _line_of(row))


async def pay_belated(unit: Unit, line_id: str, payment: payouts.Payment) -> bool:
    """Post a payment that was noted as failed and that a line shows; False while not covered."""
    owner = payment.organisation_id
    if owner is None:
        assert payment.line_id is not None, payment.id
        await desk.ask_no_longer(unit, payment.line_id)
        await unit.execute("update bank_line set state = 'returned' where id = $1", payment.line_id)
    else:
        source = await payouts.source_of(unit, payment)
        if not await _free(unit, owner, source, payment.amount_minor):
            await set_timer(unit, TIMER, line_id, unit.now + AGAIN)
            return False
        await clear_timer(unit, TIMER, line_id)
    await payouts.post(unit, payment, stream=STREAM)
    return True


async def take_back(unit: Unit, line_id: str, credit: Mapping[str, Any], amount_minor: int) -> bool:
    """Note that the bank takes an amount of a credit back, and move it where that is covered."""
    row = await unit.row(
        "update bank_line set taken_back_minor = taken_back_minor + $2 where id = $1"
        " returning amount_minor = taken_back_minor as is_all",
        credit["id"],
        amount_minor,
    )
    assert row is not None
    owner = credit["organisation_id"]
    if owner is None:
        await desk.ask_no_longer(unit, credit["id"])
    if owner is None and row["is_all"]:
        await unit.execute("update bank_line set state = 'reversed' where id = $1", credit["id"])
    elif row["is_all"] and credit["payer_account"]:
        await own_accounts.judge(unit, owner)
    is_moved = await _move(unit, line_id, credit, amount_minor)
    if not is_moved:
        await unit.record(STREAM, DebitUncovered(line_id, owner, amount_minor, credit["currency"]))
    return is_moved


async def again(market: Market, line_id: str) -> None:
    """Ring every day while a chargeback is not covered."""

    async def step(unit: Unit) -> Answer:
        await try_again(unit, line_id)
        return {"line_id": line_id}

    await market.perform(Actor.SYSTEM, TIMER, step, stream=STREAM)


async def cover(unit: Unit, organisation_id: str) -> None:
    """Take what an organisation owes the bank's lines now that money has come to it."""
    waiting = await unit.rows(
        "select d.id from bank_line d left join bank_line c on c.id = d.reverses"
        " left join payment_out p on p.id = d.payment_id where d.state = 'unmatched'"
        " and $1 in (c.organisation_id, p.organisation_id) order by d.imported_at, d.id",
        organisation_id,
    )
    for row in waiting:
        await try_again(unit, row["id"])


async def try_again(unit: Unit, line_id: str) -> None:
    """Move the money of a debit that waits on the desk for who owes it, if it is covered by now."""
    line = await unit.row("select * from bank_line where id = $1 for update", line_id)
    assert line is not None, line_id
    if line["state"] != "unmatched":
        return
    if line["payment_id"] is not None:
        payment = await payouts.locked(unit, line["payment_id"])
        if await pay_belated(unit, line_id, payment):
            await _end_covered(unit, line, "matched", payment.organisation_id)
        return
    credit = await unit.row("select * from bank_line where id = $1", line["reverses"])
    assert credit is not None, line_id
    if await _move(unit, line_id, credit, line["amount_minor"]):
        await _end_covered(unit, line, "reversed", credit["organisation_id"])


async def _end_covered(
    unit: Unit, line: Mapping[str, Any], state: str, organisation_id: str | None
) -> None:
    await _end(unit, line["id"], state, organisation_id)
    assert organisation_id is not None, line["id"]
    fact = DebitCovered(line["id"], organisation_id, line["amount_minor"], line["currency"])
    await unit.record(STREAM, fact)


async def _end(unit: Unit, line_id: str, state: str, organisation_id: str | None) -> None:
    """Take a debit from the desk."""
    await unit.execute(
        "update bank_line set state = $2, reason = '', organisation_id = $3 where id = $1",
        line_id,
        state,
        organisation_id,
    )


def _line_of(row: Mapping[str, Any]) -> StatementLine:
    return StatementLine(**{name: row[name] for name in StatementLine.__dataclass_fields__})


def _named(remittance: str) -> list[str]:
    return sorted(set(_WORD.findall(remittance)))


async def _move(unit: Unit, line_id: str, credit: Mapping[str, Any], amount_minor: int) -> bool:
    """Move money back to the bank; False where it is not there any more."""
    currency, owner = credit["currency"], credit["organisation_id"]
    bank = await accounts.ensure(unit, None, BANK, currency)
    if owner is None:
        source = await accounts.ensure(unit, None, SUSPENSE, currency)
    else:
        source = await accounts.ensure(unit, owner, CASH, currency)
        if not await _free(unit, owner, source, amount_minor):
            await set_timer(unit, TIMER, line_id, unit.now + AGAIN)
            return False
        await clear_timer(unit, TIMER, line_id)
    kind = "bank.chargeback"
    lines = [(source, -amount_minor), (bank, amount_minor)]
    await transfers.post(unit, kind, line_id, lines, key=f"{kind}:{line_id}")
    if owner is not None:
        await unit.record(STREAM, MoneyTakenBack(line_id, owner, amount_minor, currency))
    return True


async def _free(unit: Unit, owner: str, cash: str, wanted_minor: int) -> bool:
    """Have an amount free in an organisation's cash, out of its part payments if need be."""
    parts = await calls.part_paid(unit, owner)
    balance_minor, held_minor, currency = await accounts.lock(unit, cash)
    lacking_minor = wanted_minor - (balance_minor - held_minor)
    usable = [part for part in parts if part.currency == currency]
    if lacking_minor > sum(part.paid_minor for part in usable):
        return False
    for part in usable:
        taken_minor = min(part.paid_minor, max(lacking_minor, 0))
        lacking_minor -= taken_minor
        if taken_minor:
            await _reopen(unit, owner, part, taken_minor)
    return True


async def _reopen(unit: Unit, owner: str, part: calls.OpenCall, amount_minor: int) -> None:
    await escrow.refund(
        unit,
        part.escrow,
        owner,
        amount_minor,
        currency=part.currency,
        kind="call.reopened",
        part=f":{part.received_minor}:{part.paid_minor}",
    )
    await calls.take_back(unit, part.reference, amount_minor)
    left_minor = part.left_minor + amount_minor
    fact = CallReopened(part.reference, part.escrow, owner, amount_minor, left_minor, part.currency)
    await unit.record(STREAM, fact)
