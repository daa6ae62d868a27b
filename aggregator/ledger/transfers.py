"""Moving money: the only place that writes postings."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.errors import InsufficientFunds
from aggregator.ledger import accounts
from aggregator.market import Unit


async def post(
    unit: Unit,
    kind: str,
    reference: str,
    lines: Sequence[tuple[str, int]],
    *,
    key: str,
    reverses: str | None = None,
) -> str:
    """Move money between accounts, once for each `key`, and return the transfer's id.

    Args:
        unit: the open transaction.
        kind: what the movement is, for statements.
        reference: what it is for, opaque to the ledger.
        lines: (account id, amount in minor units); a positive amount raises the account;
            lines of one account are merged and zero lines dropped.
        key: the movement's own name; a second call with it changes nothing.
        reverses: the transfer that this one takes back, at most once.

    Raises:
        InsufficientFunds: an account would fall below what is held of it.

    """
    known = await unit.row("select id from transfer where key = $1", key)
    if known is not None:
        return str(known["id"])
    merged: dict[str, int] = {}
    for account, amount in lines:
        merged[account] = merged.get(account, 0) + amount
    moved = sorted((account, amount) for account, amount in merged.items() if amount)
    assert sum(amount for _, amount in moved) == 0, f"{kind} {reference} does not balance"
    currencies = {}
    # One order for every transfer, so that two never wait for each other.
    for account, amount in moved:
        balance, held, currency = await accounts.lock(unit, account)
        currencies[account] = currency
        if amount < 0 and not account.startswith("bank:") and balance - held + amount < 0:
            raise InsufficientFunds(-amount, balance - held, currency)
    transfer_id = unit.new_id("trf")
    await unit.execute(
        "insert into transfer (id, kind, reference, key, reverses, at)"
        " values ($1, $2, $3, $4, $5, $6)",
        transfer_id,
        kind,
        reference,
        key,
        reverses,
        unit.now,
    )
    for line, (account, amount) in enumerate(moved, start=1):
        await unit.execute(
            "insert into posting (transfer_id, line, account_id, currency, amount_minor)"
            " values ($1, $2, $3, $4, $5)",
            transfer_id,
            line,
            account,
            currencies[account],
            amount,
        )
    return transfer_id
