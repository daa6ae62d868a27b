"""What is told of ways back and of what the operator's two persons agree to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aggregator.market import Unit
from aggregator.notices.told import Told
from aggregator.parties.facts import ConsentAsked, RecoveryChanged

_PEOPLE, _DESK = "people", "desk"


async def _recovery(_: Unit, fact: RecoveryChanged) -> Iterable[Told]:
    """Tell all of the firm, so that anyone of them may stop it."""
    return [Told(fact.organisation_id, "recovery", _PEOPLE, (("state", fact.state),))]


async def _asked(unit: Unit, _: ConsentAsked) -> Iterable[Told]:
    """Tell the operator that something waits."""
    desks = await unit.rows("select id from organisation where kind = 'operator' order by id")
    return [Told(row["id"], "consent_asked", _DESK) for row in desks]


PEOPLE_TOLD: Mapping[type, Callable[[Unit, Any], Awaitable[Iterable[Told]]]] = {
    ConsentAsked: _asked,
    RecoveryChanged: _recovery,
}
