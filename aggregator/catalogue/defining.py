"""Defining what is traded: the operator's act."""

from __future__ import annotations

from dataclasses import astuple

from aggregator.catalogue.terms import COLUMNS, InstrumentTerms
from aggregator.errors import Conflict, InvalidField
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name, checked_note


async def define_instrument(
    market: Market, actor: Actor, command: Command, new: InstrumentTerms
) -> Outcome:
    """Define an instrument; its terms never change afterwards.

    Raises:
        Conflict: the id is taken.
        InvalidField: a term breaks its rule.

    """

    async def step(unit: Unit) -> Answer:
        if await unit.row("select id from instrument where id = $1", new.id):
            raise Conflict("instrument_exists")
        if not checked_note(new.return_policy, "/return_policy"):
            raise InvalidField("/return_policy", "no instrument opens without one")
        for field, amount in (("/tick", new.tick_minor), ("/step", new.step_minor)):
            if amount < 1:
                raise InvalidField(field, "at least one minor unit", amount)
        if new.step_minor % new.tick_minor:
            raise InvalidField("/step", "a multiple of the tick", new.step_minor)
        row = (*astuple(new), unit.now)
        marks = ", ".join(f"${i}" for i in range(1, len(row) + 1))
        await unit.execute(f"insert into instrument ({COLUMNS}, created_at) values ({marks})", *row)
        return {"instrument_id": new.id}

    return await market.perform(actor, "catalogue.define", step, command=command)


async def define_region(
    market: Market,
    actor: Actor,
    command: Command,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    parent: str | None,
) -> Outcome:
    """Define a region, after its parent."""

    async def step(unit: Unit) -> Answer:
        if await unit.row("select code from region where code = $1", code):
            raise Conflict("region_exists")
        if parent and not await unit.row("select code from region where code = $1", parent):
            raise InvalidField("/parent", "a region of the catalogue", parent[:20])
        await unit.execute(
            "insert into region (code, name_zh, name_en, parent) values ($1, $2, $3, $4)",
            code,
            checked_name(name_zh, "/name_zh"),
            checked_name(name_en, "/name_en"),
            parent,
        )
        return {"region": code}

    return await market.perform(actor, "catalogue.define", step, command=command)
