"""The outage rule: what must be left to come back in once the market was down.

Rule: the time lost is given back, and at least as much plus a minute is left, never less than
two minutes, of an auction and of a round of announced prices alike. An auction down for longer
than fifteen minutes waits for a person, and what it lost counts as fifteen when he reopens it.

Guarantees: nothing closes in an outage or right after one. Source: the law of the market, 12.
"""

from __future__ import annotations

from datetime import timedelta

OUTAGE = "outage"
"""The reason of a pause that was an outage."""

GRACE = timedelta(seconds=60)
LEAST_LEFT = timedelta(minutes=2)
LONGEST_OUTAGE = timedelta(minutes=15)


def least_left(lost: timedelta) -> timedelta:
    """Return what must be left after an outage of this length."""
    return max(min(lost, LONGEST_OUTAGE) + GRACE, LEAST_LEFT)
