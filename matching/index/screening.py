"""Which batch of settled deals may be published without giving one of them away.

The rule: on the buyers' side and on the sellers' side, by owner groups and lots,
1. enough groups;
2. the largest group holds at most `max_share`, the two largest at most `max_two_share`;
3. the p %-rule: what is left beside the two largest is at least p % of the largest, so
   the second largest cannot estimate the largest more closely than that;
4. with all deals of any one group taken out, one group fewer is still enough and none
   that is left holds more than `robust_share`: a group that subtracts its own deals from
   what it reads still faces a crowd.

Guarantee: the verdict depends on the set of deals only. The first rule broken, in the
order above and buyers before sellers, is the one reported.

Sources: Hundepool et al., *Statistical Disclosure Control* (2012), chapter 4 (dominance
and p %-rule); the removal test follows the differencing argument of the same chapter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from matching.index.batch import ActiveGroups, IndexRules, SettledDeal


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A batch that waits: the rule it breaks, and the figures that a reader can check."""

    rule: str
    figures: tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    lots: dict[str, int]
    """Group → its lots."""
    required: int

    def by_size(self) -> list[str]:
        return sorted(self.lots, key=lambda group: (-self.lots[group], group))


def screen(
    deals: Sequence[SettledDeal], rules: IndexRules, active: ActiveGroups | None = None
) -> Suppressed | None:
    """Return why the batch must wait, or nothing where it is safe."""
    buyers, sellers, shared = _volumes(deals)
    sides = (
        _Side("buyers", buyers, rules.required_groups(active.buyers if active else None)),
        _Side("sellers", sellers, rules.required_groups(active.sellers if active else None)),
    )
    for check in (_count, _dominance, _p_rule):
        for side in sides:
            if found := check(side, rules):
                return found
    return _removals(sides, shared, rules)


def _volumes(
    deals: Sequence[SettledDeal],
) -> tuple[dict[str, int], dict[str, int], dict[str, dict[str, int]]]:
    """Return lots by buyer group, by seller group, and bought by a group from each other."""
    buyers: dict[str, int] = defaultdict(int)
    sellers: dict[str, int] = defaultdict(int)
    shared: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for deal in deals:
        buyers[deal.buyer_group] += deal.lots
        sellers[deal.seller_group] += deal.lots
        shared[deal.buyer_group][deal.seller_group] += deal.lots
    return dict(buyers), dict(sellers), shared


def _count(side: _Side, _: IndexRules) -> Suppressed | None:
    if len(side.lots) >= side.required:
        return None
    figures = (("side", side.name), ("groups", len(side.lots)), ("required", side.required))
    return Suppressed("min_groups", figures)


def _dominance(side: _Side, rules: IndexRules) -> Suppressed | None:
    total = sum(side.lots.values())
    top = sorted(side.lots.values(), reverse=True)
    figures = (("side", side.name), ("lots", total))
    if _exceeds(top[0], rules.max_share, total):
        return Suppressed("max_share", (*figures, ("largest", top[0])))
    two = sum(top[:2])
    if _exceeds(two, rules.max_two_share, total):
        return Suppressed("max_two_share", (*figures, ("two_largest", two)))
    return None


def _p_rule(side: _Side, rules: IndexRules) -> Suppressed | None:
    top = sorted(side.lots.values(), reverse=True)
    rest = sum(top[2:])
    if 100 * rest >= rules.p_percent * top[0]:
        return None
    figures = (("side", side.name), ("largest", top[0]), ("rest", rest))
    return Suppressed("p_percent", figures)


def _removals(
    sides: tuple[_Side, _Side], shared: dict[str, dict[str, int]], rules: IndexRules
) -> Suppressed | None:
    buyers, sellers = sides
    bought_from: dict[str, dict[str, int]] = defaultdict(dict)
    for buyer, by_seller in shared.items():
        for seller, lots in by_seller.items():
            bought_from[seller][buyer] = lots
    sizes = (buyers.by_size(), sellers.by_size())
    whole = sum(buyers.lots.values())
    for group in sorted(buyers.lots.keys() | sellers.lots.keys()):
        sold_to, got_from = bought_from.get(group, {}), shared.get(group, {})
        inside = got_from.get(group, 0)
        total = whole - buyers.lots.get(group, 0) - sellers.lots.get(group, 0) + inside
        for side, by_size, touched in zip(sides, sizes, (sold_to, got_from), strict=True):
            found = _without(group, side, by_size, touched, total, rules)
            if found:
                return found
    return None


def _without(
    group: str,
    side: _Side,
    by_size: list[str],
    touched: dict[str, int],
    total: int,
    rules: IndexRules,
) -> Suppressed | None:
    """Test one side once `group` has left; `touched` are the lots others lose with it."""
    own = 1 if group in side.lots else 0
    emptied = sum(
        1 for other, lots in touched.items() if other != group and side.lots[other] == lots
    )
    left = len(side.lots) - own - emptied
    if left < side.required - 1:
        least = ("required", side.required - 1)
        figures = (("side", side.name), ("without", group), ("groups", left), least)
        return Suppressed("robust_groups", figures)
    untouched = next((o for o in by_size if o != group and o not in touched), None)
    rests = [side.lots[other] - lots for other, lots in touched.items() if other != group]
    if untouched is not None:
        rests.append(side.lots[untouched])
    largest = max(rests, default=0)
    if _exceeds(largest, rules.robust_share, total):
        sizes = (("lots", total), ("largest", largest))
        return Suppressed("robust_share", (("side", side.name), ("without", group), *sizes))
    return None


def _exceeds(lots: int, share: Fraction, total: int) -> bool:
    return lots * share.denominator > share.numerator * total
