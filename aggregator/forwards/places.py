"""Receiving places: where a firm takes goods. Without one nobody takes over a slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.journal.reading import Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name

ACT = "forwards.receive"
MAX_PLACES = 50


@dataclass(frozen=True, slots=True)
class Place:
    place_id: str
    organisation_id: str
    region: str
    name: str


_SELECT = "select id as place_id, organisation_id, region, name from receiving_place"


async def declare(
    market: Market, actor: Actor, command: Command, *, region: str, name: str
) -> Outcome:
    """Declare a place where the actor's firm takes goods.

    Raises:
        InvalidField: no such region, or no proper name.
        Conflict: the firm has it already, or too many.

    """
    said = checked_name(name, "/name")

    async def step(unit: Unit) -> Answer:
        if not await unit.row("select code from region where code = $1", region):
            raise InvalidField("/region", "a region of the catalogue", region[:20])
        mine = await of_firm(unit, actor.organisation_id)
        if any((place.region, place.name) == (region, said) for place in mine):
            raise Conflict("place_exists")
        if len(mine) >= MAX_PLACES:
            raise Conflict("too_many_places")
        place_id = unit.new_id("plc")
        row = await unit.row(
            "insert into receiving_place (id, organisation_id, region, name, state, declared_at)"
            " values ($1, $2, $3, $4, 'open', $5) on conflict (organisation_id, region, name)"
            " do update set state = 'open' returning id",
            place_id,
            actor.organisation_id,
            region,
            said,
            unit.now,
        )
        assert row is not None
        return {"place_id": row["id"], "region": region, "name": said}

    return await market.perform(actor, ACT, step, command=command)


async def close(market: Market, actor: Actor, command: Command, place_id: str) -> Outcome:
    """Take a place off the list; what was agreed for it stays."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "update receiving_place set state = 'closed'"
            " where id = $1 and organisation_id = $2 and state = 'open' returning id",
            place_id,
            actor.organisation_id,
        )
        if row is None:
            raise NotFound("place")
        return {"place_id": place_id}

    return await market.perform(actor, ACT, step, command=command)


async def of_firm(reader: Reader, organisation_id: str) -> Sequence[Place]:
    """Return a firm's open places, the oldest first."""
    found = await reader.rows(
        f"{_SELECT} where organisation_id = $1 and state = 'open' order by declared_at, id",
        organisation_id,
    )
    return [Place(**dict(row)) for row in found]


async def first_of(reader: Reader, organisation_id: str, region: str) -> Place | None:
    """Return a firm's first place in a region, or None."""
    found = await of_firm(reader, organisation_id)
    return next((place for place in found if place.region == region), None)


async def named(reader: Reader, place_id: str | None) -> Place | None:
    """Return a place by its id, closed or not."""
    found = await reader.rows(f"{_SELECT} where id = $1", place_id)
    return Place(**dict(found[0])) if found else None
