"""Calls for money: what is due, from whom, until when, under which reference."""

from __future__ import annotations

from datetime import datetime

from aggregator.market import Unit

_LENGTH = 12


def reference_of(escrow: str) -> str:
    """Return the reference a payer writes: a letter and the random end of the escrow's name."""
    return "C" + escrow[-_LENGTH:].upper()


async def call(
    unit: Unit,
    escrow: str,
    organisation_id: str,
    amount_minor: int,
    *,
    currency: str,
    due_at: datetime,
) -> str:
    """Call for money towards an escrow and return the reference to pay with."""
    reference = reference_of(escrow)
    await unit.execute(
        "insert into money_call (reference, escrow, organisation_id, currency, amount_minor,"
        " due_at, state, called_at) values ($1, $2, $3, $4, $5, $6, 'open', $7)",
        reference,
        escrow,
        organisation_id,
        currency,
        amount_minor,
        due_at,
        unit.now,
    )
    return reference


async def mark_paid(unit: Unit, reference: str) -> None:
    """End an open call as paid, whatever was left of it."""
    await unit.execute(
        "update money_call set paid_minor = amount_minor where reference = $1 and state = 'open'",
        reference,
    )
    await _end(unit, reference, "paid")


async def left_of(unit: Unit, reference: str) -> int:
    """Return what is still to be paid of an open call."""
    row = await unit.row(
        "select amount_minor - paid_minor as left_minor from money_call"
        " where reference = $1 and state = 'open' for update",
        reference,
    )
    assert row is not None, reference
    return int(row["left_minor"])


async def pay(unit: Unit, reference: str, amount_minor: int) -> None:
    """Note a payment towards an open call, which ends with the last of it."""
    left_minor = await left_of(unit, reference) - amount_minor
    await unit.execute(
        "update money_call set paid_minor = paid_minor + $2 where reference = $1",
        reference,
        amount_minor,
    )
    if not left_minor:
        await _end(unit, reference, "paid")


async def move_due(unit: Unit, reference: str, due_at: datetime) -> None:
    """Leave an open call until a later instant."""
    await unit.execute(
        "update money_call set due_at = $2 where reference = $1 and state = 'open'",
        reference,
        due_at,
    )


async def cancel(unit: Unit, reference: str) -> None:
    await _end(unit, reference, "cancelled")


async def _end(unit: Unit, reference: str, state: str) -> None:
    await unit.execute(
        "update money_call set state = $2, ended_at = $3 where reference = $1 and state = 'open'",
        reference,
        state,
        unit.now,
    )
