"""Early sight: from when on each tier sees what was opened with it.

The tier that may look earliest sees it at once; a tier that may look so many hours earlier than
another sees it so many hours before it. All see it in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


def sights(early_hours: Sequence[int]) -> list[tuple[timedelta, int]]:
    """Return the steps: how long after the opening, and the lowest tier that sees it from then on.

    `early_hours` are those of the tiers, the first tier's first, and none is less than the one
    before it.
    """
    longest = max(early_hours, default=0)
    steps: list[tuple[timedelta, int]] = []
    for tier, hours in reversed(list(enumerate(early_hours))):
        after = timedelta(hours=longest - hours)
        if steps and steps[-1][0] == after:
            steps.pop()
        steps.append((after, tier))
    return steps
