"""Forward bundling: different buyers' months in one negotiation with the suppliers.

The rule: the allocation with the greatest surplus (what buyers would pay at most, less what
suppliers and keepers ask), then one price per tenor. Under `supported` only allocations that
uniform prices support count; under `make_whole` the best of all is awarded and whoever its
prices leave short is paid the difference by those who gain, in proportion to their gain.

Guarantees: lots balance in every tenor; the conditions of `conditions` hold exactly; only
blocks, and orders and offers with a minimum or a break, may be turned down in the money, and
they are listed with their loss; the surplus is within the stated gap of a bound that anyone
can recompute. Ties: equally good quantities serve the earlier `seq` first; equally good
prices are told apart by `pricing`. The result depends on the set of inputs only.

Sources: the European day-ahead coupling's public description (EUPHEMIA) for the shape of the
rule; see `proposing`, `pricing` and `bounding` for each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matching.forwards.bounding import demand_gain, dual_bound, supply_gain, tier_gain
from matching.forwards.bundle import Allocation, Bundle, asked, bundled, is_lawful, surplus
from matching.forwards.orders import Offer, Order, Rules, Storage
from matching.forwards.pricing import Priced, made_whole, supported
from matching.forwards.proposing import solver_version
from matching.forwards.refusals import refuse_impossible
from matching.forwards.searching import Best, best_of_all, best_supported, first_of_equals
from matching.money import split


@dataclass(frozen=True, slots=True)
class Rejection:
    """An order or offer left out, or left short, though the prices suit it.

    `loss_minor` is what it would have gained at these prices.
    """

    kind: str
    id: str
    reason: str
    loss_minor: int


@dataclass(frozen=True, slots=True)
class MakeWhole:
    """A line beside the prices: paid to a party, or charged to it where negative."""

    kind: str
    id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Result:
    """Awards by id and tenor, positive lots only; prices by tenor.

    `bound_minor` is what no lawful result exceeds; `dual_bound_minor` is that bound as anyone
    can recompute it from `dual_prices_minor`.
    """

    awards: dict[str, dict[str, int]]
    supplier: dict[str, dict[str, int]]
    stored: dict[str, int]
    prices_minor: dict[str, int]
    rejected_in_the_money: tuple[Rejection, ...]
    make_whole: tuple[MakeWhole, ...]
    surplus_minor: int
    bound_minor: int
    dual_prices_minor: dict[str, int]
    dual_bound_minor: int
    is_canonical: bool
    solver: str

    @property
    def gap_minor(self) -> int:
        return self.bound_minor - self.surplus_minor


def clear(
    tenors: Sequence[str],
    orders: Sequence[Order],
    offers: Sequence[Offer],
    storage: Sequence[Storage],
    rules: Rules,
) -> Result:
    """Bundle orders and offers over the tenors and price them.

    Raises:
        RuleViolation: a figure is impossible.

    """
    refuse_impossible(tenors, orders, offers, storage, rules)
    bundle = bundled(tenors, orders, offers, storage, rules)
    best = best_of_all(bundle, rules)
    held = best if rules.pricing == "make_whole" else best_supported(bundle, rules, best)
    found = first_of_equals(bundle, rules, held).allocation
    assert is_lawful(bundle, found), "an award keeps every bound"
    assert surplus(bundle, found) == held.surplus, "equal allocations have one surplus"
    priced = (
        made_whole(bundle, found) if rules.pricing == "make_whole" else supported(bundle, found)
    )
    assert priced is not None, "only supported allocations are chosen"
    dual = dual_bound(bundle, best.relaxed)
    return Result(
        awards=_awards(bundle, found),
        supplier=_supplied(bundle, found),
        stored={
            store.id: held for store, held in zip(bundle.stores, found.stored, strict=True) if held
        },
        prices_minor=dict(zip(bundle.tenors, priced.prices, strict=True)),
        rejected_in_the_money=tuple(_rejections(bundle, found, priced, best)),
        make_whole=tuple(_lines(bundle, found, priced)),
        surplus_minor=held.surplus,
        bound_minor=min(held.bound, max(dual, held.surplus)),
        dual_prices_minor=dict(zip(bundle.tenors, best.relaxed, strict=True)),
        dual_bound_minor=dual,
        is_canonical=priced.is_canonical,
        solver=solver_version(),
    )


def _awards(bundle: Bundle, found: Allocation) -> dict[str, dict[str, int]]:
    awards: dict[str, dict[str, int]] = {}
    for demand, lots in zip(bundle.demands, found.bought, strict=True):
        if any(lots):
            awards[demand.id] = {
                bundle.tenors[tenor]: part
                for (tenor, _), part in zip(demand.caps, lots, strict=True)
                if part
            }
    return awards


def _supplied(bundle: Bundle, found: Allocation) -> dict[str, dict[str, int]]:
    supplied: dict[str, dict[str, int]] = {}
    for supply, lots in zip(bundle.supplies, found.sold, strict=True):
        for (tenor, _, _), sold in zip(supply.steps, lots, strict=True):
            if sold:
                by_tenor = supplied.setdefault(supply.id, {})
                name = bundle.tenors[tenor]
                by_tenor[name] = by_tenor.get(name, 0) + sold
    return supplied


def _rejections(bundle: Bundle, found: Allocation, priced: Priced, best: Best) -> list[Rejection]:
    """List who is in the money at the prices and yet left out, orders before offers."""
    listed: list[Rejection] = []
    for number, demand in enumerate(bundle.demands):
        gain = demand_gain(demand, priced.prices)
        if demand.least and not any(found.bought[number]) and gain:
            reason = "all_or_nothing" if demand.is_block else "minimum"
            if any(best.allocation.bought[number]):
                reason = "no_supporting_prices"
            listed.append(Rejection("order", demand.id, reason, gain))
    for number, supply in enumerate(bundle.supplies):
        tier = found.tiers[number]
        if not supply.is_lumpy:
            continue
        if tier is None:
            gain, reason = supply_gain(supply, priced.prices), "break"
            if supply.tiers[0].low > 1:
                reason = "minimum_total"
            if best.allocation.tiers[number] is not None:
                reason = "no_supporting_prices"
        else:
            gain = tier_gain(supply, supply.tiers[tier], priced.prices)
            gain -= _earned(bundle, found, priced, number)
            reason = "partly_filled"
        if gain > 0:
            listed.append(Rejection("offer", supply.id, reason, gain))
    return listed


def _earned(bundle: Bundle, found: Allocation, priced: Priced, number: int) -> int:
    supply, lots = bundle.supplies[number], found.sold[number]
    paid = sum(
        priced.prices[tenor] * sold for (tenor, _, _), sold in zip(supply.steps, lots, strict=True)
    )
    return paid - asked(supply, lots, found.tiers[number])


def _lines(bundle: Bundle, found: Allocation, priced: Priced) -> list[MakeWhole]:
    """Pay each loss, and charge the sum to those who gain in proportion to their gain."""
    if not priced.losses:
        return []
    lost = dict(priced.losses)
    parties: list[tuple[str, int, str, int]] = []
    for number, demand in enumerate(bundle.demands):
        gain = sum(
            (demand.limit - priced.prices[tenor]) * part
            for (tenor, _), part in zip(demand.caps, found.bought[number], strict=True)
        )
        parties.append(("order", number, demand.id, gain))
    for number, supply in enumerate(bundle.supplies):
        parties.append(("offer", number, supply.id, _earned(bundle, found, priced, number)))
    for number, store in enumerate(bundle.stores):
        rise = priced.prices[store.target] - priced.prices[store.source] - store.carry
        parties.append(("storage", number, store.id, rise * found.stored[number]))
    gains = [max(0, gain + lost.get((kind, n), 0)) for kind, n, _, gain in parties]
    charges = split(sum(lost.values()), gains)
    lines: list[MakeWhole] = []
    for (kind, number, name, _), charge in zip(parties, charges, strict=True):
        amount = lost.get((kind, number), 0) - charge
        if amount:
            lines.append(MakeWhole(kind, name, amount))
    return lines
