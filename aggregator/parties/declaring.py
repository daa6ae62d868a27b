"""Who a firm is: its tax number, declared by its owner, and the accounts that it paid from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import Conflict, InvalidField
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import consents
from aggregator.parties.facts import IdentityDeclared
from aggregator.parties.registering import stream_of
from aggregator.parties.uscc import checked_uscc
from aggregator.parties.vat import checked_vat

ACT = "parties.declare"


async def declare(
    market: Market, actor: Actor, command: Command, *, uscc: str | None, vat: str | None
) -> Outcome:
    """Declare the credit code or the VAT number of the actor's firm, which has none yet.

    Raises:
        InvalidField: neither or both are given, or the number's check fails.
        Conflict: another firm has the number, or one is declared already: `correcting` changes it.

    """
    column, number = checked_number(uscc, vat)
    firm = actor.organisation_id

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select coalesce(uscc, vat) as number from organisation where id = $1 for update", firm
        )
        if row and row["number"] is not None:
            raise Conflict("identity_declared")
        await check_free(unit, column, number)
        await unit.execute(f"update organisation set {column} = $2 where id = $1", firm, number)
        await unit.record(stream_of(firm), IdentityDeclared(firm, column))
        return {"number": number}

    return await market.perform(actor, ACT, step, command=command, stream=stream_of(firm))


def checked_number(uscc: str | None, vat: str | None) -> tuple[str, str]:
    """Return the column of the one number that is given, and the number as it is kept."""
    if (uscc is None) == (vat is None):
        raise InvalidField("/uscc", "a credit code or a VAT number, one of the two")
    return ("uscc", checked_uscc(uscc)) if uscc is not None else ("vat", checked_vat(vat or ""))


async def check_free(unit: Unit, column: str, number: str) -> None:
    """Refuse a number that another firm has."""
    if await unit.row(f"select 1 from organisation where {column} = $1", number):
        raise Conflict("uscc_taken" if column == "uscc" else "vat_taken")


async def company(market: Market, actor: Actor) -> Mapping[str, Any]:
    """Return the actor's own firm as the market knows it."""
    firm = actor.organisation_id
    [found] = await Pool().rows(
        "select id as organisation_id, name, name_en, kind, region, owner_group, monthly_lots,"
        " deposit_reference, uscc, vat from organisation where id = $1",
        firm,
    )
    waiting = await Pool().rows(
        "select figures ->> 'after' as number from consent where organisation_id = $1"
        " and kind = $2 and state = $3 and expires_at > $4",
        firm,
        consents.TAX_NUMBER,
        consents.WAITING,
        market.clock.now(),
    )
    payers = await Pool().rows(
        "select payer, accepted_at from bank_payer where organisation_id = $1"
        " order by accepted_at, payer",
        firm,
    )
    return {
        **found,
        "correction": waiting[0]["number"] if waiting else None,
        "payers": [dict(row) for row in payers],
    }
