"""A clock over tenors: prices are announced, suppliers say how much, and prices move.

The rule. One price per tenor is announced for a round, and each supplier says how many lots he
would deliver at these prices. What the gathered orders want at them is worked out order by
order, each by itself. A falling clock lowers by one step the price of every tenor in which more
is offered than wanted; a rising one raises it where more is wanted than offered. It ends with
the first round in which no price moves, or with the last of its rounds. A supplier's lots may
move between tenors; his total never grows on a falling clock and never shrinks on a rising one.

What was said at a price binds at it and above it, so a supplier's answers are his offer: in a
tenor the most he said at any price up to that one, in all no more than his greatest total.

Sources: Ausubel & Cramton (2004), "Auctioning many divisible goods", JEEA 2, for simultaneous
clocks with an activity rule; Milgrom (2000) for the rule itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from matching.errors import RuleViolation
from matching.forwards.orders import FlexibleOrder, Order, PeriodOrder

Direction = Literal["falling", "rising"]
Lots = Mapping[str, int]
Prices = Mapping[str, int]


@dataclass
class ActivityBroken(RuleViolation):
    """A total that grows on a falling clock, or shrinks on a rising one."""

    code: ClassVar[str] = "activity_broken"
    lots: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What one supplier said in one round, and the prices he said it to."""

    prices: Prices
    lots: Lots


def check_activity(direction: Direction, before: Lots | None, lots: Lots) -> None:
    """Refuse a total beyond what was said in the round before; `None` where nothing was asked.

    Raises:
        ActivityBroken: the total moves the wrong way.

    """
    if before is None:
        return
    said, allowed = sum(lots.values()), sum(before.values())
    if said > allowed if direction == "falling" else said < allowed:
        raise ActivityBroken(said, allowed)


def wanted(orders: Iterable[Order], tenors: Sequence[str], prices: Prices) -> dict[str, int]:
    """Return the lots by tenor that orders would take at these prices, each by itself."""
    found = dict.fromkeys(tenors, 0)
    for order in orders:
        for tenor, lots in _taken(order, tenors, prices):
            found[tenor] += lots
    return found


def moved(
    direction: Direction, step_minor: int, prices: Prices, *, asked: Lots, offered: Lots
) -> dict[str, int]:
    """Return the prices of the next round; the same ones where the clock stands still."""
    found = dict(prices)
    for tenor, price_minor in prices.items():
        over = offered.get(tenor, 0) - asked.get(tenor, 0)
        if direction == "rising" and over < 0:
            found[tenor] = price_minor + step_minor
        elif direction == "falling" and over > 0 and price_minor > step_minor:
            found[tenor] = price_minor - step_minor
    return found


def kept(direction: Direction, before: Lots, old: Prices, new: Prices) -> dict[str, int]:
    """Return what stands of a supplier who says nothing: nobody is held to a lower price."""
    if direction == "rising":
        return dict(before)
    return {tenor: lots for tenor, lots in before.items() if new[tenor] >= old[tenor]}


def steps_of(answers: Sequence[Answered]) -> dict[str, list[tuple[int, int]]]:
    """Return a supplier's answers as (lots, price) steps by tenor, cheapest first."""
    said: dict[str, dict[int, int]] = {}
    for answer in answers:
        for tenor, lots in answer.lots.items():
            at = said.setdefault(tenor, {})
            price_minor = answer.prices[tenor]
            at[price_minor] = max(at.get(price_minor, 0), lots)
    found: dict[str, list[tuple[int, int]]] = {}
    for tenor in sorted(said):
        reached, steps = 0, list[tuple[int, int]]()
        for price_minor, lots in sorted(said[tenor].items()):
            if lots > reached:
                steps.append((lots - reached, price_minor))
                reached = lots
        if steps:
            found[tenor] = steps
    return found


def capacity_of(answers: Sequence[Answered]) -> int:
    """Return the greatest total that a supplier has said."""
    return max((sum(answer.lots.values()) for answer in answers), default=0)


def _taken(order: Order, tenors: Sequence[str], prices: Prices) -> list[tuple[str, int]]:
    limit = order.limit_minor
    if isinstance(order, PeriodOrder):
        return [(order.tenor, order.lots)] if prices[order.tenor] <= limit else []
    if isinstance(order, FlexibleOrder):
        return _spread(order, tenors, prices)
    total = sum(lots for _, lots in order.lots)
    value = sum(prices[tenor] * lots for tenor, lots in order.lots)
    return list(order.lots) if value <= limit * total else []


def _spread(order: FlexibleOrder, tenors: Sequence[str], prices: Prices) -> list[tuple[str, int]]:
    """Fill the cheapest tenors of a window first, the earlier among equals."""
    first, last = order.window
    cap = order.lots if order.per_tenor_max is None else order.per_tenor_max
    open_ones = [t for t in tenors if first <= t <= last and prices[t] <= order.limit_minor]
    found, left = list[tuple[str, int]](), order.lots
    for tenor in sorted(open_ones, key=lambda tenor: (prices[tenor], tenor)):
        lots = min(cap, left)
        if lots:
            found.append((tenor, lots))
            left -= lots
    return found if order.lots - left >= order.min_lots else []
