"""Moving money: the only place that writes postings, with the counter beside it."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.errors import Conflict, InsufficientFunds, NotFound
from aggregator.ledger import accounts
from aggregator.market import Unit


def reversal_key(transfer_id: str) -> str:
    """Return the key under which a transfer is taken back, whoever asks for it."""
    return f"reversal:{transfer_id}"


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
    known = await _known(unit, key)
    if known is not None:
        return known
    moved = merged(lines)
    assert sum(amount for _, amount in moved) == 0, f"{kind} {reference} does not balance"
    # One order for every transfer, so that two never wait for each other.
    locked = [await accounts.lock(unit, account) for account, _ in moved]
    # Somebody else may have made the same movement while this one waited for its accounts.
    known = await _known(unit, key)
    if known is not None:
        return known
    for (account, amount), (balance, held, currency) in zip(moved, locked, strict=True):
        if amount < 0 and not is_bank(account) and balance - held + amount < 0:
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
    await unit.execute(
        "insert into posting (transfer_id, line, account_id, currency, amount_minor)"
        " select $1, line, account_id, currency, amount_minor from unnest("
        " $2::smallint[], $3::text[], $4::text[], $5::bigint[])"
        " as moved (line, account_id, currency, amount_minor)",
        transfer_id,
        list(range(1, len(moved) + 1)),
        [account for account, _ in moved],
        [currency for _, _, currency in locked],
        [amount for _, amount in moved],
    )
    return transfer_id


async def reverse(unit: Unit, transfer_id: str, *, kind: str) -> str:
    """Take a transfer back, once however often it is asked for, and return the reversal's id.

    Raises:
        NotFound: there is no such transfer.
        Conflict: it is a reversal itself.
        InsufficientFunds: who received the money has it no more.

    """
    found = await unit.row("select reference, reverses from transfer where id = $1", transfer_id)
    if found is None:
        raise NotFound("transfer")
    if found["reverses"] is not None:
        raise Conflict("reversal_of_a_reversal")
    postings = await unit.rows(
        "select account_id, amount_minor from posting where transfer_id = $1", transfer_id
    )
    lines = [(row["account_id"], -row["amount_minor"]) for row in postings]
    key = reversal_key(transfer_id)
    return await post(unit, kind, found["reference"], lines, key=key, reverses=transfer_id)


def merged(lines: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return lines with one an account, in the order in which accounts are locked."""
    found: dict[str, int] = {}
    for account, amount in lines:
        found[account] = found.get(account, 0) + amount
    return sorted((account, amount) for account, amount in found.items() if amount)


def is_bank(account: str) -> bool:
    """Tell whether an account is the bank's, the only one that may fall below zero."""
    return account.startswith("bank:")


async def _known(unit: Unit, key: str) -> str | None:
    row = await unit.row("select id from transfer where key = $1", key)
    return None if row is None else str(row["id"])
