"""How near the next price break is, told so that nobody can work out what another pledged.

A member may move his own lots at will, so a step that followed each pledge would let him find
the others' total by watching when it turns. Therefore a statement is made on a beat, when
firming begins, and otherwise only once the lots of three owner groups have moved since the last
one: whoever stands alone can never ask twice. What stands between two statements is worked out
from the statement alone, whatever the pledges are by then.

Breaks that lie within a tenth of a deeper one are passed over, and so is a step that begins
just above a break: no schedule of a supplier's makes a statement finer than half a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

VISIBLE_FROM_GROUPS = 3
MOVED_GROUPS = 3
STEPS = 10
STEP_PERCENT = 100 // STEPS

Breaks = list[tuple[int, int]]


class Step(NamedTuple):
    """The next break, and the share of it that is known to be there, in per cent."""

    from_lots: int
    price_minor: int
    percent: int


class Moved(NamedTuple):
    """An owner group's firm lots as they stand, and as the last statement counted them."""

    lots: int
    told_lots: int


class Statement(NamedTuple):
    """What is told; `is_counted` when it counted the pledges as they then stood."""

    least_lots: int | None = None
    is_shown: bool = False
    is_counted: bool = False


def envelope(schedules: Iterable[tuple[tuple[int, int], ...]]) -> Breaks:
    """Return the price that each total earns of the best offer, lots rising, prices falling."""
    found: Breaks = []
    for lots, price_minor in sorted(step for schedule in schedules for step in schedule):
        if not found or price_minor < found[-1][1]:
            if found and found[-1][0] == lots:
                found.pop()
            found.append((lots, price_minor))
    return found


def milestones(breaks: Breaks) -> Breaks:
    """Return the breaks that statements speak of, each at least a tenth above the one before."""
    kept: Breaks = []
    for step in reversed(breaks):
        if not kept or step[0] * STEPS <= kept[-1][0] * (STEPS - 1):
            kept.append(step)
    return kept[::-1]


def step_of(least_lots: int, breaks: Breaks) -> Step | None:
    """Return the step that so many lots make at these breaks; None where there is none."""
    kept = milestones(breaks)
    if not kept:
        return None
    ahead = [step for step in kept if step[0] > least_lots]
    from_lots, price_minor = ahead[0] if ahead else kept[-1]
    steps = min(STEPS, least_lots * STEPS // from_lots)
    reached = _reached(least_lots, kept)
    if ahead and 0 < _lots_of(steps, from_lots) - reached < from_lots // (2 * STEPS):
        # A step just above a break that is reached would tell the total almost to the lot.
        steps -= 1
    return Step(from_lots, price_minor, steps * STEP_PERCENT)


def least_of(total_lots: int, breaks: Breaks) -> int:
    """Return the fewest lots that make the same step as the total: all that a statement tells."""
    step = step_of(total_lots, breaks)
    if step is None:
        return 0
    within = _lots_of(step.percent // STEP_PERCENT, step.from_lots)
    return max(within, _reached(total_lots, milestones(breaks)))


def next_statement(
    groups: Mapping[str, Moved], breaks: Breaks, before: Statement, *, is_anew: bool = False
) -> Statement:
    """Return what is stated from now on; the same as before where nothing is to be told.

    `is_anew` asks for a statement whoever moved.
    """
    if sum(group.lots > 0 for group in groups.values()) < VISIBLE_FROM_GROUPS:
        return before._replace(is_shown=False, is_counted=False)
    moved = sum(group.lots != group.told_lots for group in groups.values())
    if breaks and (is_anew or moved >= MOVED_GROUPS):
        total_lots = sum(group.lots for group in groups.values())
        return Statement(least_of(total_lots, breaks), is_shown=True, is_counted=True)
    return before._replace(is_shown=before.least_lots is not None, is_counted=False)


def _reached(lots: int, kept: Breaks) -> int:
    return max((step[0] for step in kept if step[0] <= lots), default=0)


def _lots_of(steps: int, from_lots: int) -> int:
    return -(-from_lots * steps // STEPS)
