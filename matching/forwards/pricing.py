"""One price per tenor: the canonical one that supports an allocation, exactly.

The rule: among prices on tick that satisfy all conditions (`conditions`), those with the
lowest Σ price × awarded lots; among these the smallest highest price; among these the
lexicographically lowest by tenor. Where no prices satisfy all of them, make-whole prices
first have the lowest total loss of those who may be made whole, then follow the same order.

Guarantee: a function of the allocation only; found in whole numbers, without a solver.

Source: for prices that leave indivisible bids in the money, Madani & Van Vyve (2015), "A MIP
framework for non-convex uniform price day-ahead electricity auctions"; for make-whole
payments, O'Neill et al. (2005), "Efficient market-clearing prices in markets with
nonconvexities".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import gcd

from matching.forwards.bundle import Allocation, Bundle
from matching.forwards.conditions import Condition, conditions, loss
from matching.forwards.lexmin import Row, lexmin


@dataclass(frozen=True, slots=True)
class Priced:
    """Prices by tenor. `is_canonical` is false where the search stopped at its limit.

    `losses` are (kind, number) of a party → what prices leave it short of.
    """

    prices: tuple[int, ...]
    losses: tuple[tuple[tuple[str, int], int], ...] = ()
    is_canonical: bool = True


def supported(bundle: Bundle, found: Allocation) -> Priced | None:
    """Return the canonical prices that support an allocation, or nothing without any."""
    frame = _framed(bundle, (replace(c, party=None) for c in conditions(bundle, found)))
    return None if frame.is_empty() else _least(bundle, found, frame)


def made_whole(bundle: Bundle, found: Allocation) -> Priced | None:
    """Return the canonical prices of least total loss.

    The best quantities for what is accepted always have some; others may have none.
    """
    frame = _framed(bundle, conditions(bundle, found))
    return None if frame.is_empty() else _least(bundle, found, frame)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The range of each price in whole ticks, and the conditions on several at once."""

    bounds: list[tuple[int, int | None]]
    rows: list[Condition]

    def is_empty(self) -> bool:
        return any(high is not None and low > high for low, high in self.bounds)


def _framed(bundle: Bundle, wanted: Iterable[Condition]) -> _Frame:
    bounds: list[tuple[int, int | None]] = [(0, None)] * len(bundle.tenors)
    rows: list[Condition] = []
    for condition in wanted:
        if condition.party is not None or len(condition.coefficients) > 1:
            rows.append(condition)
            continue
        ((tenor, factor),) = condition.coefficients
        low, high = bounds[tenor]
        if factor > 0:
            low = max(low, -(condition.const // (factor * bundle.tick)))
        else:
            most = condition.const // (-factor * bundle.tick)
            high = most if high is None else min(high, most)
        bounds[tenor] = low, high
    return _Frame(bounds, rows)


def _least(bundle: Bundle, found: Allocation, frame: _Frame) -> Priced | None:
    """Search x = (loss, value, highest, ticks above the lower bounds…, loss of a row…)."""
    losing: set[int] = set()
    while True:
        system = _System(bundle, found, frame, sorted(losing))
        least = lexmin(system.count, system.rows, range(_FIRST, _FIRST + len(frame.bounds)))
        if least is None:
            return None
        above = least.point[_FIRST : _FIRST + len(frame.bounds)]
        ticks = [low + more for (low, _), more in zip(frame.bounds, above, strict=True)]
        prices = tuple(bundle.tick * tick for tick in ticks)
        missed = {n: loss(row, prices) for n, row in enumerate(frame.rows) if row.party is not None}
        others = {number for number, amount in missed.items() if amount} - losing
        if not others:
            break
        # Who loses nothing at the best prices need not be weighed to find them.
        losing |= others
    losses: dict[tuple[str, int], int] = {}
    for number, amount in missed.items():
        party = frame.rows[number].party
        if amount and party is not None:
            losses[party] = losses.get(party, 0) + amount
    return Priced(prices, tuple(sorted(losses.items())), least.is_proved)


_LOSS, _VALUE, _HIGHEST, _FIRST = 0, 1, 2, 3


class _System:
    """The rows of one search; the first of them define what is made least.

    Of the conditions that may be bought out, only those listed in `losing` are weighed.
    """

    def __init__(
        self, bundle: Bundle, found: Allocation, frame: _Frame, losing: Sequence[int]
    ) -> None:
        tenors = len(bundle.tenors)
        self.count = _FIRST + tenors + len(losing)
        slack = {number: _FIRST + tenors + place for place, number in enumerate(losing)}
        self.rows = self._ranking(bundle, found, frame, sorted(slack.values()))
        for tenor, (low, high) in enumerate(frame.bounds):
            if high is not None:
                self.rows.append(Row(((_FIRST + tenor, -1),), high - low))
        for number, condition in enumerate(frame.rows):
            if condition.party is None or number in slack:
                self.rows.append(self._row(bundle, frame, condition, slack.get(number)))

    def _ranking(
        self, bundle: Bundle, found: Allocation, frame: _Frame, slack: list[int]
    ) -> list[Row]:
        lots = [0] * len(bundle.tenors)
        for demand, parts in zip(bundle.demands, found.bought, strict=True):
            for (tenor, _), part in zip(demand.caps, parts, strict=True):
                lots[tenor] += part
        common = gcd(*lots) or 1
        value = tuple((_FIRST + t, -amount // common) for t, amount in enumerate(lots) if amount)
        rows = [Row(((_VALUE, 1), *value), 0)]
        if slack:
            rows.append(Row(((_LOSS, 1), *((place, -1) for place in slack)), 0))
        least = min((low for low, _ in frame.bounds), default=0)
        for tenor, (low, _) in enumerate(frame.bounds):
            rows.append(Row(((_HIGHEST, 1), (_FIRST + tenor, -1)), least - low))
        return rows

    def _row(self, bundle: Bundle, frame: _Frame, condition: Condition, slack: int | None) -> Row:
        """Write a condition over ticks above the lower bounds, cut down to whole numbers."""
        tick = bundle.tick
        const = condition.const
        const += sum(tick * f * frame.bounds[t][0] for t, f in condition.coefficients)
        terms = [(_FIRST + t, tick * factor) for t, factor in condition.coefficients]
        if slack is not None:
            return Row(((slack, 1), *terms), const)
        common = gcd(*(factor for _, factor in terms))
        return Row(tuple((place, factor // common) for place, factor in terms), const // common)
