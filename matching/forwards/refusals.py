"""What a bundle refuses, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matching.errors import RuleViolation
from matching.forwards.orders import (
    BlockOrder,
    FlexibleOrder,
    Offer,
    Order,
    PeriodOrder,
    Rules,
    Storage,
)
from matching.index.cells import is_tenor
from matching.money import MAX_TOTAL_MINOR

MAX_WORTH_MINOR = 100 * MAX_TOTAL_MINOR
"""Of all orders together, so that every sum of a bundle has at most 18 digits."""


@dataclass
class TenorsDisordered(RuleViolation):
    """The tenors are not distinct months in rising order."""

    code: ClassVar[str] = "tenors_disordered"
    tenors: tuple[str, ...]


@dataclass
class TenorUnknown(RuleViolation):
    """A tenor outside the strip."""

    code: ClassVar[str] = "tenor_unknown"
    id: str
    tenor: str


@dataclass
class WindowReversed(RuleViolation):
    """A window, or a storage, that ends before it begins."""

    code: ClassVar[str] = "window_reversed"
    id: str
    first: str
    last: str


@dataclass
class QuantityImpossible(RuleViolation):
    """A quantity outside what its bounds leave room for."""

    code: ClassVar[str] = "quantity_impossible"
    id: str
    lots: int
    at_least: int
    at_most: int


@dataclass
class CapacityBelowMinimum(RuleViolation):
    """An offer that cannot deliver its own minimum total."""

    code: ClassVar[str] = "capacity_below_minimum"
    id: str
    capacity: int
    min_total: int


@dataclass
class PriceOffTick(RuleViolation):
    """A limit, ask, rebate or carry that is not on tick, or is negative."""

    code: ClassVar[str] = "price_off_tick"
    id: str
    price_minor: int
    tick_minor: int


@dataclass
class WorthTooLarge(RuleViolation):
    """An order's limit for all its lots, or an offer's asks, in minor units; or orders together."""

    code: ClassVar[str] = "worth_too_large"
    id: str
    worth_minor: int
    max_worth_minor: int


@dataclass
class StepsNotRising(RuleViolation):
    """Steps of one tenor that do not start with the cheapest."""

    code: ClassVar[str] = "steps_not_rising"
    id: str
    tenor: str
    price_minor: int


@dataclass
class BreaksNotRising(RuleViolation):
    """Breaks that do not rise in lots and in rebate."""

    code: ClassVar[str] = "breaks_not_rising"
    id: str
    lots: int
    rebate_minor: int


@dataclass
class RebateAboveAsk(RuleViolation):
    """A rebate greater than an offer's lowest ask: it would pay for taking the goods."""

    code: ClassVar[str] = "rebate_above_ask"
    id: str
    rebate_minor: int
    ask_minor: int


@dataclass
class IdTaken(RuleViolation):
    """Two orders, offers or storages of one name."""

    code: ClassVar[str] = "id_taken"
    id: str


def refuse_impossible(
    tenors: Sequence[str],
    orders: Sequence[Order],
    offers: Sequence[Offer],
    storage: Sequence[Storage],
    rules: Rules,
) -> None:
    """Refuse a bundle with impossible figures.

    Raises:
        RuleViolation: the first figure found that breaks a rule.

    """
    if list(tenors) != sorted(set(tenors)) or not all(is_tenor(tenor) for tenor in tenors):
        raise TenorsDisordered(tuple(tenors))
    for ids in ([o.id for o in orders], [o.id for o in offers], [s.id for s in storage]):
        _distinct(ids)
    worth = 0
    for order in orders:
        refuse_order(tenors, order, rules)
        worth += worth_of(order)
        _worth(order.id, worth, MAX_WORTH_MINOR)
    for offer in offers:
        refuse_offer(tenors, offer, rules)
    for store in storage:
        _known(store.id, tenors, (store.from_tenor, store.to_tenor))
        if store.from_tenor >= store.to_tenor:
            raise WindowReversed(store.id, store.from_tenor, store.to_tenor)
        _within(store.id, store.capacity_lots, 0, None)
        _on_tick(store.id, store.carry_minor, rules)


def refuse_order(tenors: Sequence[str], order: Order, rules: Rules) -> None:
    """Refuse one order with impossible figures.

    Raises:
        RuleViolation: a tenor, quantity or limit breaks a rule.

    """
    _on_tick(order.id, order.limit_minor, rules)
    _worth(order.id, worth_of(order), MAX_TOTAL_MINOR)
    match order:
        case PeriodOrder():
            _known(order.id, tenors, (order.tenor,))
            _within(order.id, order.lots, 1, None)
            _within(order.id, order.min_lots, 0, order.lots)
        case FlexibleOrder():
            _refuse_window(tenors, order)
        case BlockOrder():
            named = [tenor for tenor, _ in order.lots]
            _known(order.id, tenors, named)
            _distinct(named)
            _within(order.id, len(named), 1, None)
            for _, lots in order.lots:
                _within(order.id, lots, 1, None)


def refuse_offer(tenors: Sequence[str], offer: Offer, rules: Rules) -> None:
    """Refuse one offer with impossible figures.

    Raises:
        RuleViolation: a tenor, quantity, price, minimum or break breaks a rule.

    """
    last: dict[str, int] = {}
    for step in offer.steps:
        _known(offer.id, tenors, (step.tenor,))
        _within(offer.id, step.lots, 1, None)
        _on_tick(offer.id, step.price_minor, rules)
        if step.price_minor < last.get(step.tenor, 0):
            raise StepsNotRising(offer.id, step.tenor, step.price_minor)
        last[step.tenor] = step.price_minor
    _worth(offer.id, sum(step.lots * step.price_minor for step in offer.steps), MAX_TOTAL_MINOR)
    _within(offer.id, offer.min_total, 0, None)
    capacity = min(offer.capacity, sum(step.lots for step in offer.steps))
    if capacity < max(1, offer.min_total):
        raise CapacityBelowMinimum(offer.id, capacity, offer.min_total)
    before = (0, 0)
    for lots, rebate in offer.breaks:
        if lots <= before[0] or rebate <= before[1]:
            raise BreaksNotRising(offer.id, lots, rebate)
        _on_tick(offer.id, rebate, rules)
        before = (lots, rebate)
    cheapest = min(step.price_minor for step in offer.steps)
    if before[1] > cheapest:
        raise RebateAboveAsk(offer.id, before[1], cheapest)


def worth_of(order: Order) -> int:
    """Return what an order pays at most, in minor units."""
    lots = sum(n for _, n in order.lots) if isinstance(order, BlockOrder) else order.lots
    return lots * order.limit_minor


def _refuse_window(tenors: Sequence[str], order: FlexibleOrder) -> None:
    first, last = order.window
    _known(order.id, tenors, order.window)
    if first > last:
        raise WindowReversed(order.id, first, last)
    count = sum(first <= tenor <= last for tenor in tenors)
    _within(order.id, order.lots, 1, None)
    if order.per_tenor_max is not None:
        _within(order.id, order.per_tenor_max, 1, None)
        _within(order.id, order.lots, 1, count * order.per_tenor_max)
    _within(order.id, order.min_lots, 0, order.lots)


def _known(name: str, tenors: Sequence[str], named: Iterable[str]) -> None:
    for tenor in named:
        if tenor not in tenors:
            raise TenorUnknown(name, tenor)


def _within(name: str, lots: int, at_least: int, at_most: int | None) -> None:
    if lots < at_least or (at_most is not None and lots > at_most):
        raise QuantityImpossible(name, lots, at_least, -1 if at_most is None else at_most)


def _worth(name: str, worth_minor: int, at_most: int) -> None:
    if worth_minor > at_most:
        raise WorthTooLarge(name, worth_minor, at_most)


def _on_tick(name: str, price_minor: int, rules: Rules) -> None:
    if price_minor < 0 or price_minor % rules.tick_minor:
        raise PriceOffTick(name, price_minor, rules.tick_minor)


def _distinct(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise IdTaken(name)
        seen.add(name)
