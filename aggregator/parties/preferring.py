"""What a person reads best: his language, and the time zone he lives in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from aggregator.errors import InvalidField
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.membership import changed

LANGUAGES = ("zh", "en")


async def prefer(
    market: Market, actor: Actor, command: Command, *, language: str, zone: str
) -> Outcome:
    """Set the language and the zone that the person is written to in.

    Raises:
        InvalidField: a language that the market does not speak, or no zone of that name.

    """
    if language not in LANGUAGES:
        raise InvalidField("/language", f"one of {', '.join(LANGUAGES)}", language[:20])
    if zone not in _zones():
        raise InvalidField("/zone", "a time zone such as Asia/Shanghai", zone[:60])

    async def step(unit: Unit) -> Answer:
        await unit.execute(
            "update person set language = $2, zone = $3 where id = $1",
            actor.person_id,
            language,
            zone,
        )
        changed(unit, actor.organisation_id)
        return {"language": language, "zone": zone}

    return await market.perform(actor, "identity.manage", step, command=command)


async def preferences(actor: Actor) -> Mapping[str, Any]:
    found = await Pool().rows("select language, zone from person where id = $1", actor.person_id)
    return dict(found[0])


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
