"""How much surplus is possible at all: a bound that anyone can check with a pencil.

For any prices whatever, let every party take what is best for it at them, alone and without
regard to whether the lots add up. The sum of what they gain is never below the best surplus
(weak duality): the market's own balance makes the payments cancel. Good prices make the
bound tight; they are proposed by a solver, and the bound is computed here exactly.

Source: Lagrangian duality; Geoffrion (1974), "Lagrangean relaxation for integer programming".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matching.forwards.bundle import Bundle, Demand, Store, Supply, Tier


def dual_bound(bundle: Bundle, prices: Sequence[int]) -> int:
    """Return what all parties would gain at most at these prices, each on its own."""
    gain = sum(demand_gain(demand, prices) for demand in bundle.demands)
    gain += sum(supply_gain(supply, prices) for supply in bundle.supplies)
    return gain + sum(store_gain(store, prices) for store in bundle.stores)


def highest_prices(bundle: Bundle, prices: Sequence[int], least: int, most: int) -> list[int]:
    """Return by tenor a price, up to `most`, that no result worth more than `least` exceeds.

    Above it so many divisible orders could not buy in the tenor that the bound at the given
    prices, without what they gain there, falls to `least`.
    """
    room = dual_bound(bundle, prices) - least
    lost: list[list[tuple[int, int]]] = [[] for _ in prices]
    for demand in bundle.demands:
        if demand.is_block:
            continue
        gain = demand_gain(demand, prices)
        for tenor, _ in demand.caps if gain else ():
            others = tuple(cap for cap in demand.caps if cap[0] != tenor)
            lost[tenor].append(
                (demand.limit, gain - demand_gain(replace(demand, caps=others), prices))
            )
    highest: list[int] = []
    for losses in lost:
        left = room
        for limit, loss in sorted(losses):
            left -= loss
            if left < 0:
                highest.append(min(limit, most))
                break
        else:
            highest.append(most)
    return highest


def lowest_prices(bundle: Bundle, prices: Sequence[int], least: int) -> list[int]:
    """Return by tenor a price that no result worth more than `least` falls short of.

    Below it so many divisible orders would have to buy all they can in the tenor that the bound at
    the given prices, less what they lose there, falls to `least`.
    """
    room = dual_bound(bundle, prices) - least
    lost: list[list[tuple[int, int]]] = [[] for _ in prices]
    for demand in bundle.demands:
        if not demand.is_divisible:
            continue
        for tenor, cap in demand.caps:
            if demand.limit < prices[tenor]:
                loss = demand_gain(demand, prices) - _gain_with(demand, tenor, cap, prices)
                lost[tenor].append((demand.limit, loss))
    lowest: list[int] = []
    for losses in lost:
        left, low = room, 0
        for limit, loss in sorted(losses, reverse=True):
            left -= loss
            if left < 0:
                low = limit
                break
        lowest.append(low)
    return lowest


def _gain_with(demand: Demand, tenor: int, cap: int, prices: Sequence[int]) -> int:
    """Return what a buyer gains at most who buys its part of the tenor in full, or its total."""
    margins = [(demand.limit - prices[other], part) for other, part in demand.caps]
    others = [
        margin for margin, (other, _) in zip(margins, demand.caps, strict=True) if other != tenor
    ]
    part = (demand.limit - prices[tenor]) * cap + _best(others, 0, demand.lots - cap)
    if sum(size for _, size in margins) < demand.lots:
        return part
    return max(part, _best(margins, demand.lots, demand.lots))


def demand_gain(demand: Demand, prices: Sequence[int]) -> int:
    """Return the most a buyer could gain at these prices, at least 0."""
    if demand.is_block:
        return max(0, sum((demand.limit - prices[t]) * lots for t, lots in demand.caps))
    margins = [(demand.limit - prices[tenor], cap) for tenor, cap in demand.caps]
    return max(0, _best(margins, demand.least, demand.lots))


def supply_gain(supply: Supply, prices: Sequence[int]) -> int:
    """Return the most a supplier could gain at these prices in any tier, at least 0."""
    return max(0, *(tier_gain(supply, tier, prices) for tier in supply.tiers))


def tier_gain(supply: Supply, tier: Tier, prices: Sequence[int]) -> int:
    """Return the most a supplier could gain within one tier."""
    margins = [(prices[t] - ask + tier.rebate, size) for t, size, ask in supply.steps]
    return _best(margins, tier.low, tier.high)


def store_gain(store: Store, prices: Sequence[int]) -> int:
    rise = prices[store.target] - prices[store.source]
    return max(0, rise - store.carry) * store.capacity


def _best(margins: list[tuple[int, int]], least: int, most: int) -> int:
    """Take the best lots: all with a gain up to `most`, others only to reach `least`."""
    gain, taken = 0, 0
    for margin, size in sorted(margins, reverse=True):
        part = min(size, (most if margin > 0 else least) - taken)
        if part > 0:
            gain += margin * part
            taken += part
    return gain
