"""Up at once, down only 90 days after it was announced, with what would avert it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

NOTICE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Held:
    """The tier a firm holds, and the drop that was announced to it."""

    tier: int = 0
    drop_to: int | None = None
    drop_at: datetime | None = None


def moved(held: Held, reached: int, now: datetime) -> Held:
    """Return what a firm holds once its score reaches a tier.

    An announced drop is averted by reaching the tier held before it is due. A firm that falls
    further meanwhile drops to what was announced, and the rest is announced anew.
    """
    if reached >= held.tier:
        return Held(reached)
    if held.drop_at is None or held.drop_to is None:
        return Held(held.tier, reached, now + NOTICE)
    if now < held.drop_at:
        return held
    dropped = max(held.drop_to, reached)
    return Held(dropped) if reached >= dropped else Held(dropped, reached, now + NOTICE)
