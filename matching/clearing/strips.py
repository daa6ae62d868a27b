"""The checker of bundled forward orders: allocation, prices, lines, rejections and bound.

It reads the instance and the result as they are written, lot by lot and price by price. What
it takes from the certificate are the prices of the bound, which it evaluates itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, product
from typing import Any

from matching.clearing import strip_parties as parties
from matching.clearing.form import Document, exact_fields, member, require

Prices = Mapping[str, int]
Party = tuple[str, str]

_RESULT = frozenset(
    {
        "awards",
        "supplier",
        "stored",
        "prices_minor",
        "rejected_in_the_money",
        "make_whole",
        "surplus_minor",
        "bound_minor",
        "gap",
        "certificate",
    }
)
_CERTIFICATE = frozenset(
    {
        "kind",
        "rules_version",
        "inputs_sha256",
        "dual_prices_minor",
        "dual_bound_minor",
        "prices_canonical",
        "solver",
    }
)


def check(instance: Document, result: Document) -> None:
    """Check every guarantee of a bundle."""
    exact_fields(result, _RESULT)
    exact_fields(result["certificate"], _CERTIFICATE)
    tick = instance["rules"].get("tick_minor", 1)
    prices = _prices(result, "prices_minor", instance["tenors"])
    for tenor, price in prices.items():
        require(price >= 0 and price % tick == 0, "tick", f"{price} in {tenor} is off tick")
    market = parties.Market(instance, result)
    market.check_bounds()
    market.check_turns(prices)
    surplus = market.surplus()
    stated = member(result, "surplus_minor", int)
    require(stated == surplus, "surplus", f"the surplus is {surplus}")
    _check_prices(market, result, prices, is_soft=_pricing(instance) == "make_whole")
    if member(result["certificate"], "prices_canonical", bool):
        _check_canonical(market, prices, tick, is_soft=_pricing(instance) == "make_whole")
    _check_rejected(market, result, prices)
    _check_bound(market, result, instance, surplus)


def _pricing(instance: Document) -> str:
    return str(instance["rules"].get("pricing", "supported"))


def _prices(found: Document, name: str, tenors: list[str]) -> dict[str, int]:
    listed = member(found, name, dict)
    require(listed.keys() == set(tenors), "prices", f"{name} must have one entry for each tenor")
    return {tenor: member(listed, tenor, int) for tenor in tenors}


def _check_prices(
    market: parties.Market, result: Document, prices: Prices, *, is_soft: bool
) -> None:
    """Check each condition; under make-whole prices the losses must be paid exactly."""
    lost: dict[Party, int] = {}
    for condition in market.conditions():
        missed = -condition.value(prices)
        if missed <= 0:
            continue
        may_lose = is_soft and condition.may_lose
        require(may_lose, condition.rule, f"{condition.party} is short of {missed}")
        lost[condition.party] = lost.get(condition.party, 0) + missed
    lines = member(result, "make_whole", list)
    if not lost:
        require(not lines, "make_whole", "nobody loses, so there is nothing to make whole")
        return
    gains = {
        party: max(0, gain + lost.get(party, 0)) for party, gain in market.gains(prices).items()
    }
    charged = _divided(sum(lost.values()), gains)
    due = {party: lost.get(party, 0) - charged[party] for party in gains}
    expected = [
        {"kind": kind, "id": name, "amount_minor": amount}
        for (kind, name), amount in due.items()
        if amount
    ]
    require(lines == expected, "make_whole", f"the lines are {expected[:4]}…")


def _divided(total: int, weights: Mapping[Party, int]) -> dict[Party, int]:
    """Divide by largest remainders; equal ones in the order of the parties."""
    whole = sum(weights.values())
    quotas = {party: Fraction(total * weight, whole) for party, weight in weights.items()}
    shares = {party: quota.__floor__() for party, quota in quotas.items()}
    order = sorted(quotas, key=lambda party: shares[party] - quotas[party])
    for party in order[: total - sum(shares.values())]:
        shares[party] += 1
    return shares


def _check_canonical(market: parties.Market, prices: Prices, tick: int, *, is_soft: bool) -> None:
    """Check that no other prices a tick away in one or two tenors would have come first."""
    view = market.view()

    def rank(tried: Prices) -> tuple[int, int, int, list[int]] | None:
        lost = view.lost(tried, is_soft=is_soft)
        if lost is None or min(tried.values()) < 0:
            return None
        return lost, market.value(tried), max(tried.values()), list(tried.values())

    ours = rank(prices)
    require(ours is not None, "prices", "they break a condition")
    for tenors in (*combinations(prices, 1), *combinations(prices, 2)):
        for signs in product((-tick, tick), repeat=len(tenors)):
            moved = dict(prices)
            for tenor, sign in zip(tenors, signs, strict=True):
                moved[tenor] += sign
            other = rank(moved)
            is_first = other is None or ours is None or ours <= other
            require(is_first, "canonical", f"{moved} would come before {dict(prices)}")


def _check_rejected(market: parties.Market, result: Document, prices: Prices) -> None:
    listed = member(result, "rejected_in_the_money", list)
    expected = market.rejected(prices)
    for entry in listed:
        exact_fields(entry, frozenset({"kind", "id", "reason", "loss_minor"}))
    found = [(e["kind"], e["id"], e["loss_minor"]) for e in listed]
    wanted = [(kind, name, loss) for kind, name, _, loss in expected]
    require(found == wanted, "rejected", f"in the money and left out are {wanted[:4]}…")
    for entry, (_, name, reason, _) in zip(listed, expected, strict=True):
        may_be = {reason} if reason == "partly_filled" else {reason, "no_supporting_prices"}
        require(entry["reason"] in may_be, "rejected", f"the reason of {name} is {reason}")


def _check_bound(
    market: parties.Market, result: Document, instance: Document, surplus: int
) -> None:
    certificate: Document = result["certificate"]
    duals = _prices(certificate, "dual_prices_minor", instance["tenors"])
    dual = market.all_gains(duals)
    stated = member(certificate, "dual_bound_minor", int)
    require(stated == dual, "dual_bound", f"at these prices the bound is {dual}")
    bound: Any = member(result, "bound_minor", int)
    require(surplus <= bound <= max(dual, surplus), "bound", f"must lie in {surplus}…{dual}")
    gap = member(result, "gap", int)
    require(gap == bound - surplus, "gap", f"the gap is {bound - surplus}")
