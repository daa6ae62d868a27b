"""When a term is over: at its instant, for everybody, however late its timer rings."""

from __future__ import annotations

from datetime import datetime

from aggregator.errors import TermOver
from aggregator.market import Unit


def is_over(unit: Unit, ends_at: datetime | None) -> bool:
    """Tell whether a term has ended; one without an instant has no end."""
    return ends_at is not None and unit.now >= ends_at


def check_running(unit: Unit, ends_at: datetime | None) -> None:
    """Raise TermOver for an act whose term has ended, though nobody has drawn the result yet."""
    if ends_at is not None and is_over(unit, ends_at):
        raise TermOver(ends_at)
