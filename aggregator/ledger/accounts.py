"""Opening accounts. An id says what the account is: `cash:<organisation>:CNY`."""

from __future__ import annotations

from aggregator.errors import NotFound
from aggregator.market import Unit

CASH, ESCROW, FEES, TAX, BANK, SUSPENSE = "cash", "escrow", "fees", "tax", "bank", "suspense"
PLATFORM = "platform"


def account_id(purpose: str, owner: str, currency: str) -> str:
    """Return the id of an organisation's account, or of an escrow named by its reference."""
    return f"{purpose}:{owner}:{currency}"


async def ensure(
    unit: Unit, organisation_id: str | None, purpose: str, currency: str, reference: str = ""
) -> str:
    """Return the account's id, opening it on first use.

    Escrows are told apart by `reference`; accounts of the market itself have no
    organisation and go by the name `platform`.
    """
    found = account_id(purpose, reference or organisation_id or PLATFORM, currency)
    await unit.execute(
        "insert into account (id, organisation_id, purpose, reference, currency, allow_negative)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing",
        found,
        organisation_id,
        purpose,
        reference,
        currency,
        purpose == BANK,
    )
    return found


async def lock(unit: Unit, account: str) -> tuple[int, int, str]:
    """Lock an account; return its balance, what of it is held, and its currency."""
    row = await unit.row(
        "select balance_minor, held_minor, currency from account where id = $1 for update", account
    )
    if row is None:
        raise NotFound("account")
    return row["balance_minor"], row["held_minor"], row["currency"]
