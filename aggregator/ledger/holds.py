"""Funds set aside: pending, then posted, voided or expired, once."""

from __future__ import annotations

from aggregator.errors import InsufficientFunds
from aggregator.ledger import accounts
from aggregator.market import Unit


async def place(unit: Unit, account: str, amount_minor: int, reference: str) -> str:
    """Set aside `amount_minor` of an account and return the hold's id.

    Raises:
        InsufficientFunds: less than that is available.

    """
    balance, held, currency = await accounts.lock(unit, account)
    if balance - held < amount_minor:
        raise InsufficientFunds(amount_minor, balance - held, currency)
    hold_id = unit.new_id("hld")
    await unit.execute(
        "insert into hold (id, account_id, amount_minor, reference, state, placed_at)"
        " values ($1, $2, $3, $4, 'pending', $5)",
        hold_id,
        account,
        amount_minor,
        reference,
        unit.now,
    )
    return hold_id


async def void(unit: Unit, hold_id: str) -> None:
    """Give a pending hold back to its account. An ended hold stays as it is."""
    await _end(unit, hold_id, "voided")


async def expire(unit: Unit, hold_id: str) -> None:
    """End a pending hold because its time is over."""
    await _end(unit, hold_id, "expired")


async def release_for_posting(unit: Unit, hold_id: str) -> None:
    """End a pending hold as posted; the caller moves the money in the same transaction."""
    await _end(unit, hold_id, "posted")


async def _end(unit: Unit, hold_id: str, state: str) -> None:
    await unit.execute(
        "update hold set state = $2, ended_at = $3 where id = $1 and state = 'pending'",
        hold_id,
        state,
        unit.now,
    )
