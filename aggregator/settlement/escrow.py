"""Escrows: money of one `reference` that belongs to nobody until released or refunded.

Each movement is one transfer under a key of its own, so asking for it twice moves once.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.ledger import accounts, transfers
from aggregator.ledger.accounts import CASH, ESCROW, FEES, TAX
from aggregator.ledger.queries import escrow_balance
from aggregator.market import Unit


async def take(
    unit: Unit,
    reference: str,
    organisation_id: str,
    amount_minor: int,
    *,
    currency: str,
    kind: str,
    part: str = "",
) -> None:
    """Move an organisation's cash into the escrow of `reference`; nothing for an amount of 0.

    `part` tells movements of one kind apart.

    Raises:
        InsufficientFunds: less than that is available.

    """
    cash = await accounts.ensure(unit, organisation_id, CASH, currency)
    escrow = await accounts.ensure(unit, None, ESCROW, currency, reference=reference)
    if amount_minor:
        lines = [(cash, -amount_minor), (escrow, amount_minor)]
        await transfers.post(unit, kind, reference, lines, key=f"{reference}:{kind}{part}")


async def pay_out(
    unit: Unit,
    reference: str,
    shares: Sequence[tuple[str, int]],
    *,
    currency: str,
    kind: str,
    rest_to: str,
) -> int:
    """Empty an escrow: each account its share, and the rest to the cash of `rest_to`.

    Returns the rest.

    Raises:
        InsufficientFunds: the shares are more than the escrow holds.

    """
    balance = await escrow_balance(reference, currency, unit)
    escrow = await accounts.ensure(unit, None, ESCROW, currency, reference=reference)
    cash = await accounts.ensure(unit, rest_to, CASH, currency)
    owed = sum(amount for _, amount in shares)
    rest = max(balance - owed, 0)
    lines = [(escrow, -max(balance, owed)), *shares, (cash, rest)]
    if owed or rest:
        await transfers.post(unit, kind, reference, lines, key=f"{reference}:{kind}")
    return rest


async def refund(
    unit: Unit,
    reference: str,
    organisation_id: str,
    amount_minor: int,
    *,
    currency: str,
    kind: str,
    part: str = "",
) -> None:
    """Move part of an escrow back to an organisation's cash; `part` as in `take`."""
    cash = await accounts.ensure(unit, organisation_id, CASH, currency)
    escrow = await accounts.ensure(unit, None, ESCROW, currency, reference=reference)
    if amount_minor:
        lines = [(escrow, -amount_minor), (cash, amount_minor)]
        await transfers.post(unit, kind, reference, lines, key=f"{reference}:{kind}{part}")


async def cash_of(unit: Unit, organisation_id: str, currency: str) -> str:
    return await accounts.ensure(unit, organisation_id, CASH, currency)


async def fees_account(unit: Unit, currency: str) -> str:
    """Return the account of the market's own fees."""
    return await accounts.ensure(unit, None, FEES, currency)


async def tax_account(unit: Unit, currency: str) -> str:
    """Return the account of the tax on services that the market owes."""
    return await accounts.ensure(unit, None, TAX, currency)
