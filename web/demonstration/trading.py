"""What was traded after the story, so that prices have a history and a second month to show."""

from __future__ import annotations

from web.demonstration.settling import settle_further
from web.demonstration.stage import Stage
from web.demonstration.story import sell_further
from web.demonstration.told import INSTRUMENT, Told

# How far above the story's prices each day traded, in the pool's month and in the one after it.
_DAYS = ((2500, 5000), (5500, 2500))


async def trade_on(stage: Stage, told: Told) -> None:
    """Let the further firms trade on two more days, and settle each day's deals."""
    for day in _DAYS:
        await stage.pass_by(hours=20)
        for tenor, above_minor in zip(told.tenors, day, strict=False):
            await sell_further(stage, f"{INSTRUMENT}/GX/{tenor}", above_minor)
        await settle_further(stage, told)
