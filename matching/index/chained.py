"""A chained index: how one instrument's published prices move, whatever is published when.

The rule: period by period, the index moves by the sum of the values now over the sum of the
values before, over the cells that have a value in both. A cell that comes or goes moves
nothing, so the mix of cells does not. Where no cell is in both, the chain is broken: the
period says so, and the index stands still rather than guess.

Units: values are whole minor units per lot; the index is in ten-thousandths of its base,
10,000 at the first period, rounded half to even at each link.

Guarantees: depends on the mapping only; scaling all values of a cell's history that spans
both periods scales the link; an unchanged set of values leaves the index as it was.

Source: for chaining over matched items, ILO et al., *Consumer Price Index Manual* (2020),
chapters 8 and 9 (Dutot's ratio of sums over matched items).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matching.money import Rounding, scaled

BASE = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """One period's index, and which cells it was linked over.

    `without_comparator` have a value now and none before; `is_linked` is false where no cell
    has both, and at the first period.
    """

    period: str
    index: int
    linked: tuple[str, ...]
    without_comparator: tuple[str, ...]
    is_linked: bool


def chained(periods: Sequence[tuple[str, Mapping[str, int]]]) -> list[Link]:
    """Chain the published values of each period, given as (period, cell → value), in order.

    Raises:
        ValueError: a value is not positive, or the periods are not in rising order.

    """
    names = [name for name, _ in periods]
    if names != sorted(set(names)):
        raise ValueError(f"periods must rise: {names}")
    if any(value < 1 for _, values in periods for value in values.values()):
        raise ValueError("a published value is at least 1")
    links: list[Link] = []
    before: Mapping[str, int] = {}
    index = BASE
    for name, values in periods:
        both = sorted(values.keys() & before.keys())
        if both:
            now, then = sum(values[cell] for cell in both), sum(before[cell] for cell in both)
            index = scaled(index, now, then, Rounding.HALF_EVEN)
        fresh = tuple(sorted(values.keys() - before.keys()))
        links.append(Link(name, index, tuple(both), fresh if before else (), bool(both)))
        before = values
    return links
