"""Reading accounts: balances, holds and statements of one organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.journal.reading import Pool, Reader


@dataclass(frozen=True, slots=True)
class BalanceView:
    """One account. `available_minor` is what is not held."""

    account_id: str
    purpose: str
    currency: str
    balance_minor: int
    held_minor: int
    available_minor: int


@dataclass(frozen=True, slots=True)
class HoldView:
    hold_id: str
    amount_minor: int
    currency: str
    reference: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting of an account, newest first; `amount_minor` is signed."""

    transfer_id: str
    at: datetime
    kind: str
    reference: str
    currency: str
    amount_minor: int


async def balances(organisation_id: str, reader: Reader | None = None) -> list[BalanceView]:
    found = await (reader or Pool()).rows(
        "select id, purpose, currency, balance_minor, held_minor from account"
        " where organisation_id = $1 order by id",
        organisation_id,
    )
    return [
        BalanceView(
            row["id"],
            row["purpose"],
            row["currency"],
            row["balance_minor"],
            row["held_minor"],
            row["balance_minor"] - row["held_minor"],
        )
        for row in found
    ]


async def pending_holds(organisation_id: str, reader: Reader | None = None) -> list[HoldView]:
    found = await (reader or Pool()).rows(
        "select h.id, h.amount_minor, a.currency, h.reference, h.placed_at from hold h"
        " join account a on a.id = h.account_id"
        " where a.organisation_id = $1 and h.state = 'pending' order by h.placed_at, h.id",
        organisation_id,
    )
    return [
        HoldView(r["id"], r["amount_minor"], r["currency"], r["reference"], r["placed_at"])
        for r in found
    ]


async def statement(
    organisation_id: str, *, limit: int = 200, reader: Reader | None = None
) -> Sequence[StatementLine]:
    """Return the newest postings of an organisation's accounts."""
    found = await (reader or Pool()).rows(
        "select t.id, t.at, t.kind, t.reference, p.currency, p.amount_minor from posting p"
        " join transfer t on t.id = p.transfer_id join account a on a.id = p.account_id"
        " where a.organisation_id = $1 order by t.at desc, t.id desc, p.line limit $2",
        organisation_id,
        limit,
    )
    return [
        StatementLine(r["id"], r["at"], r["kind"], r["reference"], r["currency"], r["amount_minor"])
        for r in found
    ]


async def escrow_balance(reference: str, currency: str, reader: Reader | None = None) -> int:
    """Return what lies in the escrow of `reference`, 0 where there is none."""
    found = await (reader or Pool()).rows(
        "select balance_minor from account where id = $1", f"escrow:{reference}:{currency}"
    )
    return int(found[0]["balance_minor"]) if found else 0
