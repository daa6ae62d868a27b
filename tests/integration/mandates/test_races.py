"""The short form of `scripts/storm approvals`."""

from __future__ import annotations

from tests.integration.mandates.building import Firm
from tests.integration.mandates.racing import raced


async def test_no_race_exceeds_a_limit_or_executes_twice(firm: Firm) -> None:
    race = await raced(firm, 15, seed=11)

    assert race.broken == []
    assert race.done["races"] == 15
    assert race.done["bids inside the mandate"] > 0
    assert race.done["requests that ended as executed"] > 0
