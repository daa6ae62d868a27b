"""Calls for money: what is due, from whom, until when, under which reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.market import Unit

_LENGTH = 12
_OPEN = (
    "select reference, escrow, currency, paid_minor, amount_minor - paid_minor as left_minor,"
    " paid_minor + taken_back_minor as received_minor from money_call where state = 'open'"
)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that is not wholly paid; `received_minor` came so far, taken back or not."""

    reference: str
    escrow: str
    currency: str
    paid_minor: int
    left_minor: int
    received_minor: int


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


async def locked(unit: Unit, reference: str) -> OpenCall:
    """Return an open call for paying it."""
    row = await unit.row(f"{_OPEN} and reference = $1 for update", reference)
    assert row is not None, reference
    return OpenCall(**dict(row))


async def part_paid(unit: Unit, organisation_id: str) -> list[OpenCall]:
    """Return an organisation's open calls that were paid in part, the last called first."""
    found = await unit.rows(
        f"{_OPEN} and organisation_id = $1 and paid_minor > 0"
        " order by called_at desc, reference desc for update",
        organisation_id,
    )
    return [OpenCall(**dict(row)) for row in found]


async def pay(unit: Unit, reference: str, amount_minor: int) -> None:
    """Note a payment towards an open call, which ends with the last of it."""
    left_minor = (await locked(unit, reference)).left_minor - amount_minor
    await unit.execute(
        "update money_call set paid_minor = paid_minor + $2 where reference = $1",
        reference,
        amount_minor,
    )
    if not left_minor:
        await _end(unit, reference, "paid")


async def take_back(unit: Unit, reference: str, amount_minor: int) -> None:
    """Let a part of what was paid towards an open call be due again."""
    await unit.execute(
        "update money_call set paid_minor = paid_minor - $2,"
        " taken_back_minor = taken_back_minor + $2 where reference = $1",
        reference,
        amount_minor,
    )


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
