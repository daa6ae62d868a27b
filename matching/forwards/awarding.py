"""From what was accepted to whole lots: the best quantities, and who comes first.

Once it is fixed which orders and offers with a minimum are accepted, and at which tier, the
rest is a circulation: hub → supplier → tenor → buyer → hub, with storage between tenors. Its
cheapest whole-number flow is the best allocation, exactly (`flow`). Among allocations that
are equally good the earlier `seq` is served first: each order in turn gets as much as it can,
its earlier tenors first, then each offer, then each storage. Where very many arcs are tied,
only totals take turns, and which of its tenors a flexible order gets is as proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from matching.forwards.bundle import Allocation, Bundle
from matching.forwards.flow import Network, Raising, settle

DETAILED = 3_000
"""Tied arcs up to which the tenors and steps of a party take turns too."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which demands with a minimum are accepted, and the tier of each supply.

    `accepted` has an entry for every demand and counts only where there is a minimum; the
    tier of a supply without minimum and break is 0.
    """

    accepted: tuple[bool, ...]
    tiers: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Who may not trade so that prices can be what they need to be.

    No order but a block buys in a tenor whose `floor` is above its limit, and these `stores`
    hold nothing.
    """

    floor: tuple[int, ...] = ()
    stores: frozenset[int] = frozenset()


NO_BARS = Bars()


def awarded(
    bundle: Bundle,
    choice: Accepted,
    start: Allocation | None = None,
    prices: Sequence[int] = (),
    bars: Bars = NO_BARS,
) -> Allocation | None:
    """Return the best allocation with exactly this accepted, ties served by `seq`.

    Nothing is returned
    where the minimums cannot be met. `start` is any guess at it and `prices` any guess at its
    prices by tenor; what parties get in all does not depend on them.
    """
    found = _settled(bundle, choice, start, prices, bars)
    if found is None:
        return None
    wiring, potentials = found
    marginal = frozenset(
        key for key, arc in wiring.groups.items() if _reduced(wiring.network, potentials, arc) == 0
    )
    wiring = _wired(bundle, choice, _read(bundle, choice, wiring), marginal, bars)
    _serve_in_turn(wiring, potentials)
    return _read(bundle, choice, wiring)


def quantities(
    bundle: Bundle,
    choice: Accepted,
    start: Allocation | None = None,
    prices: Sequence[int] = (),
    bars: Bars = NO_BARS,
) -> Allocation | None:
    """Return an allocation of the same surplus as `awarded`, ties served anyhow."""
    found = _settled(bundle, choice, start, prices, bars)
    return None if found is None else _read(bundle, choice, found[0])


def choice_of(found: Allocation) -> Accepted:
    """Return what an allocation accepts."""
    return Accepted(tuple(any(lots) for lots in found.bought), found.tiers)


def _settled(
    bundle: Bundle,
    choice: Accepted,
    start: Allocation | None,
    prices: Sequence[int],
    bars: Bars,
) -> tuple[_Wiring, list[int]] | None:
    wiring = _wired(bundle, choice, start, frozenset(), bars)
    potentials = settle(wiring.network, [0, *prices] if prices else [])
    return None if potentials is None else (wiring, potentials)


@dataclass(slots=True)
class _Wiring:
    """The network, and which arcs are whose. Node 0 is the hub, node 1 + t tenor t."""

    network: Network
    groups: dict[tuple[int, int], int] = field(default_factory=dict)
    """(tenor, limit) → the one arc of all plain demands alike."""
    members: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)
    """Demand → the arc of its total."""
    parts: dict[int, list[int]] = field(default_factory=dict)
    """Demand → the arcs of its tenors."""
    offered: list[int | None] = field(default_factory=list)
    steps: list[list[int]] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)


def _wired(
    bundle: Bundle,
    choice: Accepted,
    start: Allocation | None,
    apart: frozenset[tuple[int, int]],
    bars: Bars,
) -> _Wiring:
    wiring = _Wiring(Network(1 + len(bundle.tenors)))
    _wire_demands(bundle, choice, start, apart, wiring, bars.floor or (0,) * len(bundle.tenors))
    _wire_supplies(bundle, choice, start, wiring)
    for number, store in enumerate(bundle.stores):
        flow = start.stored[number] if start else 0
        bounds = (0, 0 if number in bars.stores else store.capacity)
        arc = wiring.network.add(
            1 + store.source, 1 + store.target, bounds, cost=store.carry, flow=flow
        )
        wiring.stores.append(arc)
    return wiring


def _wire_demands(
    bundle: Bundle,
    choice: Accepted,
    start: Allocation | None,
    apart: frozenset[tuple[int, int]],
    wiring: _Wiring,
    floor: Sequence[int],
) -> None:
    """Plain demands of one tenor and limit share an arc, except those named `apart`."""
    network = wiring.network
    together: dict[tuple[int, int], tuple[int, int]] = {}
    for number, demand in enumerate(bundle.demands):
        lots = start.bought[number] if start else (0,) * len(demand.caps)
        if demand.is_plain:
            key = (demand.caps[0][0], demand.limit)
            most = demand.lots if demand.limit >= floor[key[0]] else 0
            if key in apart:
                arc = network.add(1 + key[0], 0, (0, most), cost=-demand.limit, flow=lots[0])
                wiring.totals[number] = arc
            else:
                upper, flow = together.get(key, (0, 0))
                together[key] = (upper + most, flow + lots[0])
                wiring.members.setdefault(key, []).append(number)
        elif demand.is_divisible or choice.accepted[number]:
            node = network.add_node()
            least = demand.least
            wiring.parts[number] = []
            for (tenor, cap), part in zip(demand.caps, lots, strict=True):
                if demand.is_block:
                    bounds = (cap, cap)
                else:
                    bounds = (0, cap if demand.limit >= floor[tenor] else 0)
                arc = network.add(1 + tenor, node, bounds, cost=0, flow=part)
                wiring.parts[number].append(arc)
            bounds = (least, demand.lots)
            wiring.totals[number] = network.add(node, 0, bounds, cost=-demand.limit, flow=sum(lots))
    for (tenor, limit), (upper, flow) in sorted(together.items()):
        arc = network.add(1 + tenor, 0, (0, upper), cost=-limit, flow=flow)
        wiring.groups[tenor, limit] = arc


def _wire_supplies(
    bundle: Bundle, choice: Accepted, start: Allocation | None, wiring: _Wiring
) -> None:
    network = wiring.network
    for number, supply in enumerate(bundle.supplies):
        chosen = choice.tiers[number]
        if chosen is None:
            wiring.offered.append(None)
            wiring.steps.append([])
            continue
        tier = supply.tiers[chosen]
        lots = start.sold[number] if start else (0,) * len(supply.steps)
        node = network.add_node()
        wiring.offered.append(network.add(0, node, (tier.low, tier.high), cost=0, flow=sum(lots)))
        wiring.steps.append(
            [
                network.add(node, 1 + tenor, (0, size), cost=ask - tier.rebate, flow=sold)
                for (tenor, size, ask), sold in zip(supply.steps, lots, strict=True)
            ]
        )


def _reduced(network: Network, potentials: Sequence[int], arc: int) -> int:
    tail, head = network.tails[arc], network.heads[arc]
    return network.costs[arc] + potentials[tail] - potentials[head]


def _serve_in_turn(wiring: _Wiring, potentials: Sequence[int]) -> None:
    """Among flows of least cost, give each party in turn as much as it can get."""
    network = wiring.network
    undecided = [
        arc
        for arc in range(len(network.tails))
        if network.lowers[arc] < network.uppers[arc] and _reduced(network, potentials, arc) == 0
    ]
    raising = Raising(network, undecided)
    for arc in _turns(wiring, in_detail=len(undecided) <= DETAILED):
        raising.raise_flow(arc)


def _turns(wiring: _Wiring, *, in_detail: bool) -> Iterator[int]:
    for number in sorted(wiring.totals):
        yield wiring.totals[number]
        yield from wiring.parts.get(number, ()) if in_detail else ()
    for offered, steps in zip(wiring.offered, wiring.steps, strict=True):
        if offered is not None:
            yield offered
            yield from steps if in_detail else ()
    yield from wiring.stores


def _read(bundle: Bundle, choice: Accepted, wiring: _Wiring) -> Allocation:
    flows = wiring.network.flows
    bought: list[tuple[int, ...]] = []
    alone = {key: flows[arc] for key, arc in wiring.groups.items()}
    for number, demand in enumerate(bundle.demands):
        if number in wiring.parts:
            bought.append(tuple(flows[arc] for arc in wiring.parts[number]))
        elif number in wiring.totals:
            bought.append((flows[wiring.totals[number]],))
        elif demand.is_plain:
            key = (demand.caps[0][0], demand.limit)
            part = min(demand.lots, alone[key])
            alone[key] -= part
            bought.append((part,))
        else:
            bought.append((0,) * len(demand.caps))
    sold = tuple(
        tuple(flows[arc] for arc in arcs) if arcs else (0,) * len(supply.steps)
        for supply, arcs in zip(bundle.supplies, wiring.steps, strict=True)
    )
    stored = tuple(flows[arc] for arc in wiring.stores)
    return Allocation(tuple(bought), sold, choice.tiers, stored)
