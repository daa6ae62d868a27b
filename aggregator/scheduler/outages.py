"""What an outage gives back to whoever had a deadline in it: its own length and a minute more."""

from __future__ import annotations

from datetime import datetime, timedelta

TOLERATED = timedelta(seconds=2)
MORE = timedelta(seconds=60)
LEAST = timedelta(minutes=2)


def left_after(began_at: datetime, ended_at: datetime) -> timedelta:
    """Return the time that is left at least after an outage; nothing after a short silence."""
    lost = ended_at - began_at
    return timedelta() if lost <= TOLERATED else max(LEAST, lost + MORE)
