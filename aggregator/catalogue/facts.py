"""What the journal keeps of the catalogue."""

from __future__ import annotations

from aggregator.journal.facts import fact


@fact
class CalendarSet:
    """The trading days of a region and year were declared; `days` differ from the week's rule."""

    region: str
    year: int
    status: str
    days: int
