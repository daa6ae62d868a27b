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
    await _end(unit, reference, "paid")


async def cancel(unit: Unit, reference: str) -> None:
    await _end(unit, reference, "cancelled")


async def _end(unit: Unit, reference: str, state: str) -> None:
    await unit.execute(
        "update money_call set state = $2, ended_at = $3 where reference = $1 and state = 'open'",
        reference,
        state,
        unit.now,
    )
