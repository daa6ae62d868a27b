"""Putting persons into firms that nobody owns yet, and into the market's own desks.

The market's first two operators are put in by one; after them each person of a desk, operator or
auditor, takes two persons of the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import Conflict
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import consents
from aggregator.parties.membership import operators
from aggregator.parties.passwords import hash_password
from aggregator.parties.permissions import MARKET_ROLES, OWNER
from aggregator.parties.registering import (
    NewPerson,
    add_within,
    check_person,
    enter_within,
    known_within,
)
from aggregator.scheduler.timers import set_timer

LAPSES = "parties.desk_person"


async def add_person(
    market: Market, actor: Actor, command: Command, organisation_id: str, new: NewPerson
) -> Outcome:
    """Add a person with a log-in to an organisation that has no owner yet, nor invited one.

    Once it has one, its people invite each other: nobody puts himself into a firm. Into a desk of
    the market, once there are two operators, he comes when a second one agrees to `consent_id`.

    Raises:
        InvalidField: a name, log-in, password or role breaks its rule.
        Conflict: the log-in is taken, or the organisation has an owner or has invited one.
        NotFound: there is no such organisation.

    """
    actor.require("parties.register")
    check_person(new)
    password_hash = await hash_password(new.password)

    async def step(unit: Unit) -> Answer:
        is_of_desk = bool(MARKET_ROLES & set(new.roles))
        if not is_of_desk and await _is_its_own(unit, organisation_id):
            raise Conflict("firm_has_people")
        if not is_of_desk or await operators(unit) < consents.PERSONS:
            added = await add_within(unit, organisation_id, new, password_hash)
            return {**added, "consent_id": None}
        person_id = await known_within(unit, organisation_id, new, password_hash)
        roles = sorted(set(new.roles))
        consent_id = await consents.ask(
            unit,
            consents.DESK_PERSON,
            organisation_id,
            person_id,
            {"person": new.name, "login": new.login, "roles": roles},
            concerns=person_id,
            asked_by=actor.person_id,
            is_first=True,
        )
        await set_timer(unit, LAPSES, person_id, unit.now + consents.STANDS_FOR)
        return {
            "person_id": person_id,
            "organisation_id": organisation_id,
            "consent_id": consent_id,
        }

    return await market.perform(actor, "parties.register", step, command=command)


async def employ(unit: Unit, consent: Mapping[str, Any]) -> None:
    """Let a person in, as a second one of the operator has agreed."""
    roles = consent["figures"]["roles"]
    await enter_within(unit, consent["organisation_id"], consent["subject"], roles)


async def dismiss(unit: Unit, consent: Mapping[str, Any]) -> None:
    """Forget a person whom the second one refused; the log-in is free again."""
    await _forget(unit, consent["subject"])


async def lapse(market: Market, person_id: str) -> None:
    """Forget a person to whom nobody said yes or no in time."""

    async def step(unit: Unit) -> Answer:
        if await consents.withdraw(unit, consents.DESK_PERSON, person_id):
            await _forget(unit, person_id)
        return {}

    await market.perform(Actor.SYSTEM, "parties.register", step)


async def _forget(unit: Unit, person_id: str) -> None:
    await unit.execute("delete from person where id = $1", person_id)


async def _is_its_own(unit: Unit, organisation_id: str) -> bool:
    """Tell whether a firm has an owner, or one is invited, who would find a stranger inside."""
    await unit.row("select 1 from organisation where id = $1 for update", organisation_id)
    return bool(
        await unit.row(
            "select 1 from membership where organisation_id = $1 and $2 = any(roles)"
            " union all select 1 from invitation where organisation_id = $1"
            " and ended_at is null and expires_at > $3 limit 1",
            organisation_id,
            OWNER,
            unit.now,
        )
    )
