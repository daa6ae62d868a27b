"""A bundle in the form that clearing works on: tenors by number, every list in order.

Orders and offers stand by (seq, id), storages by id, so that nothing depends on the order
in which they were handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matching.forwards.orders import (
    BlockOrder,
    FlexibleOrder,
    Offer,
    Order,
    PeriodOrder,
    Rules,
    Storage,
)


@dataclass(frozen=True, slots=True)
class Demand:
    """An order: at most `cap` lots in each (tenor, cap), `lots` in all.

    `least` is 0 where any quantity will do, else the fewest lots it takes if it takes any.
    """

    id: str
    limit: int
    caps: tuple[tuple[int, int], ...]
    lots: int
    least: int
    is_block: bool

    @property
    def is_divisible(self) -> bool:
        return self.least == 0

    @property
    def is_plain(self) -> bool:
        """Divisible, and of one tenor: such orders of one limit are alike but for `seq`."""
        return self.least == 0 and len(self.caps) == 1


@dataclass(frozen=True, slots=True)
class Tier:
    """A total from `low` to `high` earns this rebate on every lot."""

    low: int
    high: int
    rebate: int


@dataclass(frozen=True, slots=True)
class Supply:
    """An offer: (tenor, lots, ask) steps by tenor, and its tiers of total volume.

    An offer without minimum and break has one tier from 0 on, without rebate.
    """

    id: str
    steps: tuple[tuple[int, int, int], ...]
    tiers: tuple[Tier, ...]
    is_lumpy: bool

    @property
    def capacity(self) -> int:
        return self.tiers[-1].high


@dataclass(frozen=True, slots=True)
class Store:
    id: str
    source: int
    target: int
    capacity: int
    carry: int


@dataclass(frozen=True, slots=True)
class Bundle:
    tenors: tuple[str, ...]
    demands: tuple[Demand, ...]
    supplies: tuple[Supply, ...]
    stores: tuple[Store, ...]
    tick: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who gets and gives what: lots by cap of each demand, by step of each supply, by store.

    `tiers` is the number of the awarded tier of each supply, or nothing.
    """

    bought: tuple[tuple[int, ...], ...]
    sold: tuple[tuple[int, ...], ...]
    tiers: tuple[int | None, ...]
    stored: tuple[int, ...]


def bundled(
    tenors: Sequence[str],
    orders: Sequence[Order],
    offers: Sequence[Offer],
    storage: Sequence[Storage],
    rules: Rules,
) -> Bundle:
    """Bring a bundle whose figures are possible into order."""
    place = {tenor: number for number, tenor in enumerate(tenors)}
    return Bundle(
        tenors=tuple(tenors),
        demands=tuple(_demand(o, place) for o in sorted(orders, key=_arrival)),
        supplies=tuple(_supply(o, place) for o in sorted(offers, key=_arrival)),
        stores=tuple(
            Store(s.id, place[s.from_tenor], place[s.to_tenor], s.capacity_lots, s.carry_minor)
            for s in sorted(storage, key=lambda store: store.id)
        ),
        tick=rules.tick_minor,
    )


def surplus(bundle: Bundle, found: Allocation) -> int:
    """Return what buyers would have paid at most, less what suppliers and keepers ask."""
    value = 0
    for demand, lots in zip(bundle.demands, found.bought, strict=True):
        value += demand.limit * sum(lots)
    for supply, lots, tier in zip(bundle.supplies, found.sold, found.tiers, strict=True):
        value -= asked(supply, lots, tier)
    for store, held in zip(bundle.stores, found.stored, strict=True):
        value -= store.carry * held
    return value


def is_lawful(bundle: Bundle, found: Allocation) -> bool:
    """Tell whether lots balance in every tenor and stay within every bound."""
    balance = [0] * len(bundle.tenors)
    for demand, lots in zip(bundle.demands, found.bought, strict=True):
        total = sum(lots)
        if not all(0 <= part <= cap for part, (_, cap) in zip(lots, demand.caps, strict=True)):
            return False
        if total and not demand.least <= total <= demand.lots:
            return False
        for (tenor, _), part in zip(demand.caps, lots, strict=True):
            balance[tenor] -= part
    for supply, lots, tier in zip(bundle.supplies, found.sold, found.tiers, strict=True):
        low, high = (0, 0) if tier is None else (supply.tiers[tier].low, supply.tiers[tier].high)
        if not low <= sum(lots) <= high:
            return False
        for (tenor, size, _), sold in zip(supply.steps, lots, strict=True):
            if not 0 <= sold <= size:
                return False
            balance[tenor] += sold
    for store, held in zip(bundle.stores, found.stored, strict=True):
        if not 0 <= held <= store.capacity:
            return False
        balance[store.source] -= held
        balance[store.target] += held
    return not any(balance)


def asked(supply: Supply, lots: Sequence[int], tier: int | None) -> int:
    """Return what a supply asks for these lots, after the rebate of its tier."""
    rebate = 0 if tier is None else supply.tiers[tier].rebate
    return sum((ask - rebate) * sold for (_, _, ask), sold in zip(supply.steps, lots, strict=True))


def _arrival(party: Order | Offer) -> tuple[int, str]:
    return party.seq, party.id


def _demand(order: Order, place: dict[str, int]) -> Demand:
    match order:
        case PeriodOrder():
            only = ((place[order.tenor], order.lots),)
            least = order.min_lots if order.min_lots > 1 else 0
            return Demand(order.id, order.limit_minor, only, order.lots, least, is_block=False)
        case FlexibleOrder():
            cap = order.lots if order.per_tenor_max is None else order.per_tenor_max
            first, last = place[order.window[0]], place[order.window[1]]
            caps = tuple((tenor, min(cap, order.lots)) for tenor in range(first, last + 1))
            least = order.min_lots if order.min_lots > 1 else 0
            return Demand(order.id, order.limit_minor, caps, order.lots, least, is_block=False)
        case BlockOrder():
            caps = tuple(sorted((place[tenor], lots) for tenor, lots in order.lots))
            total = sum(lots for _, lots in caps)
            least = total if total > 1 else 0
            return Demand(order.id, order.limit_minor, caps, total, least, is_block=total > 1)


def _supply(offer: Offer, place: dict[str, int]) -> Supply:
    by_tenor = sorted(
        ((place[step.tenor], number, step) for number, step in enumerate(offer.steps)),
        key=lambda found: found[:2],
    )
    steps = tuple((tenor, step.lots, step.price_minor) for tenor, _, step in by_tenor)
    tiers = _tiers(offer, min(offer.capacity, sum(lots for _, lots, _ in steps)))
    is_lumpy = len(tiers) > 1 or tiers[0].low > 1
    if is_lumpy:
        return Supply(offer.id, steps, tiers, is_lumpy=True)
    rebate = tiers[0].rebate
    net = tuple((tenor, lots, ask - rebate) for tenor, lots, ask in steps)
    return Supply(offer.id, net, (Tier(0, tiers[0].high, 0),), is_lumpy=False)


def _tiers(offer: Offer, capacity: int) -> tuple[Tier, ...]:
    starts = [(max(1, offer.min_total), 0), *offer.breaks]
    found: list[Tier] = []
    for number, (lots, rebate) in enumerate(starts):
        above = starts[number + 1][0] if number + 1 < len(starts) else capacity + 1
        tier = Tier(max(lots, starts[0][0]), min(above - 1, capacity), rebate)
        if tier.low <= tier.high:
            found.append(tier)
    return tuple(found)
