"""The delivery months that the demonstration trades."""

from __future__ import annotations

from datetime import datetime


def tenors_from(now: datetime) -> list[str]:
    """Return the second, third and fourth month from now."""
    months = [now.year * 12 + now.month - 1 + ahead for ahead in (2, 3, 4)]
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in months]
