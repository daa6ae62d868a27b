"""Refunds: what is owed back is paid at once, or as soon as the payer can.

A payer without cash does not stop what the refund is for: it stays owed, and is tried
again every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aggregator.ledger import accounts, transfers
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import set_timer
from aggregator.settlement import escrow
from aggregator.settlement.facts import RefundOwed, RefundPaid

AGAIN = timedelta(days=1)
TIMER = "settlement.refund"


async def owe(
    unit: Unit,
    reference: str,
    *,
    payer_id: str | None,
    payee_id: str,
    currency: str,
    amount_minor: int,
    tax_minor: int = 0,
) -> bool:
    """Owe a refund, pay it if the payer can, and tell whether it is paid.

    Without a payer the market itself pays: `tax_minor` of it from the tax on its services,
    the rest from its fees.
    """
    refund_id = unit.new_id("rfd")
    await unit.execute(
        "insert into refund (id, reference, payer_id, payee_id, currency, amount_minor, tax_minor,"
        " state, owed_at) values ($1, $2, $3, $4, $5, $6, $7, 'owed', $8)",
        refund_id,
        reference,
        payer_id,
        payee_id,
        currency,
        amount_minor,
        tax_minor,
        unit.now,
    )
    await unit.record(
        f"refund:{refund_id}",
        RefundOwed(refund_id, reference, payer_id, payee_id, amount_minor, currency),
    )
    return await _pay(unit, refund_id)


async def owed_by(unit: Unit, organisation_id: str, currency: str) -> int:
    """Return what an organisation owes: refunds, and what waits on the desk for it to cover."""
    row = await unit.row(
        "select (select coalesce(sum(amount_minor), 0) from refund"
        " where payer_id = $1 and currency = $2 and state = 'owed')"
        " + (select coalesce(sum(d.amount_minor), 0) from bank_line d"
        " left join bank_line c on c.id = d.reverses left join payment_out p on p.id = d.payment_id"
        " where $1 in (c.organisation_id, p.organisation_id)"
        " and d.currency = $2 and d.state = 'unmatched') as owed_minor",
        organisation_id,
        currency,
    )
    assert row is not None
    return int(row["owed_minor"])


async def pay(market: Market, refund_id: str) -> None:
    """Ring every day while a refund is owed."""

    async def step(unit: Unit) -> Answer:
        return {"refund_id": refund_id, "is_paid": await _pay(unit, refund_id)}

    await market.perform(Actor.SYSTEM, TIMER, step, stream=f"refund:{refund_id}")


async def _pay(unit: Unit, refund_id: str) -> bool:
    row = await unit.row("select * from refund where id = $1 for update", refund_id)
    assert row is not None, refund_id
    if row["state"] == "paid":
        return True
    taken = await _sources(unit, row)
    for account, amount_minor in sorted(taken):
        balance_minor, held_minor, _ = await accounts.lock(unit, account)
        if balance_minor - held_minor < amount_minor:
            await set_timer(unit, TIMER, refund_id, unit.now + AGAIN)
            return False
    cash = await escrow.cash_of(unit, row["payee_id"], row["currency"])
    lines = [(account, -amount_minor) for account, amount_minor in taken]
    transfer_id = await transfers.post(
        unit,
        "deal.reversal",
        row["reference"],
        [*lines, (cash, row["amount_minor"])],
        key=refund_id,
    )
    await unit.execute(
        "update refund set state = 'paid', transfer_id = $2 where id = $1", refund_id, transfer_id
    )
    await unit.record(
        f"refund:{refund_id}",
        RefundPaid(
            refund_id,
            row["reference"],
            row["payer_id"],
            row["payee_id"],
            row["amount_minor"],
            row["currency"],
        ),
    )
    return True


async def _sources(unit: Unit, row: Mapping[str, Any]) -> list[tuple[str, int]]:
    if row["payer_id"] is not None:
        cash = await escrow.cash_of(unit, row["payer_id"], row["currency"])
        return [(cash, row["amount_minor"])]
    fees = await escrow.fees_account(unit, row["currency"])
    tax = await escrow.tax_account(unit, row["currency"])
    return [(fees, row["amount_minor"] - row["tax_minor"]), (tax, row["tax_minor"])]
