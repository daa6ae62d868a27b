"""Defining what is traded: the operator's act."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from aggregator.errors import Conflict, InvalidField
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name, checked_note


@dataclass(frozen=True, slots=True)
class NewInstrument:
    """An instrument's terms. No instrument opens without a return policy."""

    id: str
    name_zh: str
    name_en: str
    standard: str
    packaging: str
    currency: str
    lot_text: str
    tick_minor: int
    step_minor: int
    max_lots: int
    tax_bps: int
    service_tax_bps: int
    fee_bps: int
    deposit_bps: int
    tolerance_bps: int
    return_policy: str
    return_days: int
    logistics_fee_bps: int = 0
    capital_fee_bps: int = 0
    lot_fee_minor: int = 0


async def define_instrument(
    market: Market, actor: Actor, command: Command, new: NewInstrument
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
        marks = ", ".join(f"${i}" for i in range(1, 22))
        await unit.execute(
            "insert into instrument (id, name_zh, name_en, standard, packaging, currency,"
            " lot_text, tick_minor, step_minor, max_lots, tax_bps, service_tax_bps, fee_bps,"
            " deposit_bps, tolerance_bps, return_policy, return_days, logistics_fee_bps,"
            " capital_fee_bps, lot_fee_minor, created_at)"
            f" values ({marks})",
            *astuple(new),
            unit.now,
        )
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
