"""What prices must satisfy, given an allocation.

The rule, for one price per tenor:
- a divisible order that is filled at all does not pay above its limit, and one that is left
  unfilled is not strictly in the money; the same for each step of an offer without minimum
  and break, as long as its capacity is not used up;
- a block pays at most its limit on average; an order with a minimum that is turned down may
  be in the money;
- an awarded offer with a minimum or a break earns at least what it asks for all it sells;
- a keeper who stores anything earns his carry, and where he has room left no more than it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matching.forwards.bundle import Allocation, Bundle, Demand, asked


@dataclass(frozen=True, slots=True)
class Condition:
    """Σ coefficient × price of tenor + const ≥ 0, in minor units.

    `party` is who would lose the shortfall where the condition may be bought out with a
    make-whole line, a (kind, number) pair; nobody where it may not.
    """

    coefficients: tuple[tuple[int, int], ...]
    const: int
    party: tuple[str, int] | None = None


def conditions(bundle: Bundle, found: Allocation) -> Iterator[Condition]:
    """Yield the conditions; demands first, then supplies, then stores, each in order."""
    for number, (demand, lots) in enumerate(zip(bundle.demands, found.bought, strict=True)):
        yield from _of_demand(demand, lots, number)
    for number, supply in enumerate(bundle.supplies):
        lots, tier = found.sold[number], found.tiers[number]
        if not supply.is_lumpy:
            yield from _of_steps(supply.steps, lots, supply.capacity)
        elif tier is not None:
            earned = _by_tenor((step[0] for step in supply.steps), lots)
            yield Condition(earned, -asked(supply, lots, tier), ("offer", number))
    for number, (store, held) in enumerate(zip(bundle.stores, found.stored, strict=True)):
        if held:
            rise = ((store.target, held), (store.source, -held))
            yield Condition(rise, -store.carry * held, ("storage", number))
        if held < store.capacity:
            yield Condition(((store.target, -1), (store.source, 1)), store.carry)


def loss(condition: Condition, prices: tuple[int, ...]) -> int:
    """Return by how much prices (minor units by tenor) miss a condition, at least 0."""
    value = condition.const + sum(factor * prices[t] for t, factor in condition.coefficients)
    return max(0, -value)


def _of_demand(demand: Demand, lots: tuple[int, ...], number: int) -> Iterator[Condition]:
    total = sum(lots)
    if not total and demand.least:
        return
    if demand.least:
        paid = _by_tenor((tenor for tenor, _ in demand.caps), lots, sign=-1)
        if demand.is_block:
            yield Condition(paid, demand.limit * total, ("order", number))
            return
    for (tenor, cap), part in zip(demand.caps, lots, strict=True):
        if part:
            party = ("order", number) if demand.least else None
            yield Condition(((tenor, -part),), demand.limit * part, party)
        if total < demand.lots and part < cap:
            yield Condition(((tenor, 1),), -demand.limit)


def _of_steps(
    steps: tuple[tuple[int, int, int], ...], lots: tuple[int, ...], capacity: int
) -> Iterator[Condition]:
    has_room = sum(lots) < capacity
    for (tenor, size, ask), sold in zip(steps, lots, strict=True):
        if sold:
            yield Condition(((tenor, 1),), -ask)
        if has_room and sold < size:
            yield Condition(((tenor, -1),), ask)


def _by_tenor(
    tenors: Iterator[int], lots: tuple[int, ...], sign: int = 1
) -> tuple[tuple[int, int], ...]:
    total: dict[int, int] = {}
    for tenor, part in zip(tenors, lots, strict=True):
        if part:
            total[tenor] = total.get(tenor, 0) + sign * part
    return tuple(sorted(total.items()))
