"""Correcting a declared tax number: its owner asks, two persons of the operator agree.

What was issued under the former number keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import Conflict
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import consents
from aggregator.parties.declaring import ACT, check_free, checked_number
from aggregator.parties.facts import IdentityDeclared
from aggregator.parties.registering import stream_of


async def ask(
    market: Market, actor: Actor, command: Command, *, uscc: str | None, vat: str | None
) -> Outcome:
    """Ask for another number in place of the declared one; a later asking replaces this.

    Raises:
        InvalidField: neither or both are given, or the number's check fails.
        Conflict: none is declared yet, it is this one, or another firm has it.

    """
    column, number = checked_number(uscc, vat)
    firm = actor.organisation_id

    async def step(unit: Unit) -> Answer:
        before = await _declared(unit, firm)
        if before is None:
            raise Conflict("identity_undeclared")
        if before == number:
            raise Conflict("identity_declared")
        await check_free(unit, column, number)
        consent_id = await consents.ask(
            unit,
            consents.TAX_NUMBER,
            firm,
            firm,
            {"before": before, "after": number, "column": column},
            asked_by=actor.person_id,
        )
        return {"consent_id": consent_id, "number": number}

    return await market.perform(actor, ACT, step, command=command, stream=stream_of(firm))


async def correct(unit: Unit, consent: Mapping[str, Any]) -> None:
    """Put the number that was agreed to in the place of the declared one.

    Raises:
        Conflict: another firm has it by now.

    """
    firm, column = consent["organisation_id"], consent["figures"]["column"]
    before, number = await _declared(unit, firm), consent["figures"]["after"]
    await check_free(unit, column, number)
    await unit.execute(
        "insert into former_tax_number (organisation_id, number, until) values ($1, $2, $3)",
        firm,
        before,
        unit.now,
    )
    other = "vat" if column == "uscc" else "uscc"
    await unit.execute(
        f"update organisation set {column} = $2, {other} = null where id = $1", firm, number
    )
    await unit.record(stream_of(firm), IdentityDeclared(firm, column))


async def _declared(unit: Unit, firm: str) -> str | None:
    row = await unit.row(
        "select coalesce(uscc, vat) as number from organisation where id = $1 for update", firm
    )
    return None if row is None else row["number"]
