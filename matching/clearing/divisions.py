"""The checker of the two divisions: rationed lots, and a total split by weights."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from matching.clearing.form import Document, exact_fields, member, require


def check_ration(instance: Document, result: Document) -> None:
    """Check `awards`: the uniform or pro rata division, claims below their minimum dropped.

    The division is found again by bisection on the common level, not by sorting.
    """
    exact_fields(result, frozenset({"awards", "certificate"}))
    exact_fields(result["certificate"], _CERTIFICATE | {"objective_lots", "bound_lots", "gap"})
    awards = member(result, "awards", dict)
    ids = [claim[0] for claim in instance["claims"]]
    wanted = [claim[1] for claim in instance["claims"]]
    least = [claim[2] if len(claim) > 2 else 0 for claim in instance["claims"]]
    capacity = instance["capacity"]
    require(awards.keys() == set(ids), "claims", "one award for each claim")
    got = [member(awards, name, int) for name in ids]
    for name, award, want in zip(ids, got, wanted, strict=True):
        require(0 <= award <= want, "no_more_than_claimed", f"{name} gets {award} of {want}")
    require(sum(got) <= capacity, "capacity", f"{sum(got)} lots of {capacity}")
    standing = _standing(wanted, least, capacity, instance["rule"])
    expected = _division([wanted[i] for i in standing], capacity, instance["rule"])
    lots = dict.fromkeys(range(len(ids)), 0) | dict(zip(standing, expected, strict=True))
    for i, name in enumerate(ids):
        require(got[i] == lots[i], instance["rule"], f"{name} gets {got[i]}, not {lots[i]}")
    _check_objective(result["certificate"], sum(got), min(capacity, sum(wanted)))


def check_split(instance: Document, result: Document) -> None:
    """Check `shares`: they add up, none is a unit off its quota, remainders rank them."""
    exact_fields(result, frozenset({"shares", "certificate"}))
    exact_fields(result["certificate"], _CERTIFICATE | {"objective_minor", "bound_minor", "gap"})
    shares = member(result, "shares", dict)
    total = instance["total_minor"]
    sign = -1 if total < 0 else 1
    weights = dict(instance["weights"])
    whole = sum(weights.values())
    require(shares.keys() == weights.keys(), "weights", "one share for each weight")
    over: list[tuple[Fraction, int]] = []
    under: list[tuple[Fraction, int]] = []
    for place, (name, weight) in enumerate(weights.items()):
        quota = Fraction(abs(total) * weight, whole)
        share = sign * member(shares, name, int)
        require(abs(share - quota) < 1, "quota", f"{name} gets {share} of {quota}")
        require(weight or not share, "quota", f"{name} has no weight")
        rank = (quota - quota.__floor__(), -place)
        if quota.denominator > 1:
            (over if share > quota else under).append(rank)
    require(sum(shares.values()) == total, "adds_up", f"shares add up to {sum(shares.values())}")
    in_order = not over or not under or min(over) > max(under)
    require(in_order, "largest_remainder", "a smaller remainder was rounded up")
    certificate = result["certificate"]
    require(certificate["objective_minor"] == total, "objective", "must be the total")
    require(certificate["bound_minor"] == total, "bound", "must be the total")
    require(type(certificate["gap"]) is int and certificate["gap"] == 0, "gap", "must be 0")


_CERTIFICATE = frozenset({"kind", "rules_version", "inputs_sha256"})


def _check_objective(certificate: Document, lots: int, bound: int) -> None:
    require(member(certificate, "objective_lots", int) == lots, "objective", f"is {lots}")
    require(member(certificate, "bound_lots", int) == bound, "bound", f"is {bound}")
    require(member(certificate, "gap", int) == bound - lots, "gap", f"is {bound - lots}")


def _standing(wanted: Sequence[int], least: Sequence[int], capacity: int, rule: str) -> list[int]:
    standing = list(range(len(wanted)))
    while True:
        shares = _division([wanted[i] for i in standing], capacity, rule)
        failing = [i for i, share in zip(standing, shares, strict=True) if share < least[i]]
        if not failing:
            return standing
        smallest = min(wanted[i] for i in failing)
        standing.remove(max(i for i in failing if wanted[i] == smallest))


def _division(wanted: Sequence[int], capacity: int, rule: str) -> list[int]:
    if sum(wanted) <= capacity:
        return list(wanted)
    return _by_quota(wanted, capacity) if rule == "pro_rata" else shares_by_level(wanted, capacity)


def _by_quota(wanted: Sequence[int], capacity: int) -> list[int]:
    quotas = [Fraction(capacity * want, sum(wanted)) for want in wanted]
    awards = [quota.__floor__() for quota in quotas]
    ranked = sorted((awards[i] - quotas[i], i) for i in range(len(wanted)))
    for _, i in ranked[: capacity - sum(awards)]:
        awards[i] += 1
    return awards


def shares_by_level(wanted: Sequence[int], capacity: int) -> list[int]:
    """Return equal awards in whole lots, odd lots first come, by bisection on the level."""
    if sum(wanted) <= capacity:
        return list(wanted)
    low, high = 0, capacity
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(want, middle) for want in wanted) <= capacity:
            low = middle
        else:
            high = middle - 1
    awards = [min(want, low) for want in wanted]
    unfilled = [i for i, want in enumerate(wanted) if want > low]
    for i in unfilled[: capacity - sum(awards)]:
        awards[i] += 1
    return awards
