"""Whose a credit is: one reference, in the market's currency, from a payer that is known.

A reference is not enough: somebody else who writes it, by mistake or to have his money pass for
another's, would break the rule that buyer, payer and the invoice's recipient are one. So the
payer must carry the organisation's name, or one that a person accepted for it before.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from aggregator.amounts import CURRENCY
from aggregator.market import Unit
from aggregator.parties.names import look_of
from aggregator.settlement.statements import StatementLine

_REFERENCE = re.compile(r"(?<![A-Z0-9])(?:D[2-9A-HJ-NP-Z]{9}|C[0-9A-HJKMNP-TV-Z]{12})(?![A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Found:
    """The organisation that a credit is for, or the reason why a person must look at it."""

    organisation_id: str | None
    reason: str = ""


async def match(unit: Unit, line: StatementLine) -> Found:
    """Find the organisation of a credit."""
    named = await _named(unit, line.remittance)
    if len(named) != 1:
        return Found(None, "several_named" if named else "no_reference")
    if line.currency != CURRENCY:
        return Found(None, "foreign_currency")
    if not await _is_payer_of(unit, named[0], line.payer):
        return Found(None, await _why_refused(unit, named[0], line.payer))
    return Found(named[0])


async def accept_payer(unit: Unit, organisation_id: str, payer: str) -> None:
    """Remember that a person found this payer to be the organisation's."""
    if plain(payer):
        await unit.execute(
            "insert into bank_payer (organisation_id, payer, accepted_at) values ($1, $2, $3)"
            " on conflict do nothing",
            organisation_id,
            plain(payer),
            unit.now,
        )


def plain(name: str) -> str:
    """Return a name without what banks change in it: case, width, spaces and signs."""
    wide = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in wide if sign.isalnum())[:140]


async def is_own_name(unit: Unit, organisation_id: str, payer: str) -> bool:
    """Tell whether a payer carries the organisation's own name."""
    return plain(payer) in {plain(name) for name in await _names(unit, organisation_id)} - {""}


async def _is_payer_of(unit: Unit, organisation_id: str, payer: str) -> bool:
    if await is_own_name(unit, organisation_id, payer):
        return True
    known = await unit.row(
        "select 1 as known from bank_payer where organisation_id = $1 and payer = $2",
        organisation_id,
        plain(payer),
    )
    return known is not None


async def _why_refused(unit: Unit, organisation_id: str, payer: str) -> str:
    """Return whether a wrong payer is only that, or made to look like the organisation."""
    looks = {look_of(name) for name in await _names(unit, organisation_id)} - {""}
    return "lookalike_payer" if look_of(payer) in looks else "wrong_payer"


async def _names(unit: Unit, organisation_id: str) -> tuple[str, str]:
    row = await unit.row("select name, name_en from organisation where id = $1", organisation_id)
    assert row is not None
    return row["name"], row["name_en"] or ""


async def _named(unit: Unit, remittance: str) -> list[str]:
    """Return the organisations that a text names by reference."""
    references = sorted(set(_REFERENCE.findall(remittance.upper())))
    found = await unit.rows(
        "select id from organisation where deposit_reference = any($1::text[])"
        " union select organisation_id from money_call where reference = any($1::text[])",
        references,
    )
    return sorted(row["id"] for row in found)
