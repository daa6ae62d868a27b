"""The checker of index publications: every rule as it is written, in fractions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from matching.clearing.form import Document, exact_fields, member, require

_DEFAULTS: dict[str, Any] = {
    "min_groups": 5,
    "floor": 3,
    "max_share": [1, 2],
    "max_two_share": [4, 5],
    "p_percent": 10,
    "robust_share": [3, 5],
    "party_cap": [1, 4],
}
_PUBLICATION = frozenset({"value_minor", "used", "excluded", "volume_band", "size_band", "method"})
_CERTIFICATE = frozenset({"kind", "rules_version", "inputs_sha256", "objective_minor"})


def check(instance: Document, result: Document) -> None:
    """Check that a value is the capped median of a safe batch, or that a rule forbids one."""
    exact_fields(result, frozenset({"publications", "suppressed", "certificate"}))
    exact_fields(result["certificate"], _CERTIFICATE)
    publications = member(result, "publications", list)
    suppressed = member(result, "suppressed", list)
    out = set(instance.get("excluded", []))
    batch = [d for d in instance["deals"] if d["state"] == "settled" and d["id"] not in out]
    law = _DEFAULTS | dict(instance["rules"])
    broken = next(_broken(batch, law, instance.get("active")), None)
    if broken is not None:
        rule, figures = broken
        expected = [{"rule": rule, "figures": figures}]
        require(not publications, "safe", f"{rule} forbids a publication: {figures}")
        require(suppressed == expected, "suppressed", f"the rule is {rule}: {figures}")
        require(result["certificate"]["objective_minor"] is None, "objective", "nothing to value")
        return
    require(len(publications) == 1 and not suppressed, "safe", "the batch is safe: one value")
    _check_value(publications[0], batch, sorted(out), law)
    stated = member(result["certificate"], "objective_minor", int)
    require(stated == publications[0]["value_minor"], "objective", "is not the value")


def _check_value(found: Document, batch: Sequence[Document], out: list[str], law: Document) -> None:
    exact_fields(found, _PUBLICATION)
    require(member(found, "method", str) == "lower-weighted-median/1", "method", "is not known")
    ids = sorted(deal["id"] for deal in batch)
    require(found["used"] == ids, "used", f"the batch is {ids[:5]}…")
    require(found["excluded"] == out, "excluded", "not what the instance leaves out")
    lots = sum(deal["lots"] for deal in batch)
    require(_in_band(found["volume_band"], lots), "volume_band", "the volume lies elsewhere")
    require(_in_band(found["size_band"], len(batch)), "size_band", "the count lies elsewhere")
    step = law["step_minor"]
    value = _to_step(_median(batch, Fraction(*law["party_cap"])), step)
    require(member(found, "value_minor", int) == value, "median", f"the value is {value}")


def _median(batch: Sequence[Document], cap: Fraction) -> int:
    """Return the lowest price whose deals at or below it hold half of the weight."""
    lots = sum(deal["lots"] for deal in batch)
    held = [_held(batch, side) for side in ("buyer_group", "seller_group")]
    by_price: Counter[int] = Counter()
    whole = Fraction(0)
    weight_of: dict[int, Fraction] = {}
    for deal in batch:
        weight = Fraction(deal["lots"])
        for side, volumes in zip(("buyer_group", "seller_group"), held, strict=True):
            weight *= min(Fraction(1), cap * Fraction(lots, volumes[deal[side]]))
        weight_of[deal["price_minor"]] = weight_of.get(deal["price_minor"], Fraction(0)) + weight
        by_price[deal["price_minor"]] += 1
        whole += weight
    below = Fraction(0)
    for price in sorted(by_price):
        below += weight_of[price]
        if 2 * below >= whole:
            return price
    raise AssertionError("a safe batch has weight")


def _to_step(price: int, step: int) -> int:
    """Return the nearest multiple of the step, the even one of two as near."""
    under, left = price // step, price % step
    if 2 * left == step:
        return step * (under + under % 2)
    return step * (under + (2 * left > step))


def _in_band(text: object, count: int) -> bool:
    """Tell whether `low-high` is one of 1-2, 3-9, 10-29, 30-99 … and holds the count."""
    lows = [digit * 10**zeros for zeros in range(16) for digit in (1, 3)]
    return any(
        text == f"{low}-{above - 1}" and low <= count < above for low, above in pairwise(lows)
    )


def _held(batch: Sequence[Document], side: str) -> Counter[str]:
    held: Counter[str] = Counter()
    for deal in batch:
        held[deal[side]] += deal["lots"]
    return held


def _broken(
    batch: Sequence[Document], law: Document, active: Document | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rules that the batch breaks, in their order."""
    if not batch:
        yield "no_deals", {}
        return
    need = {side: _need(law, active, side) for side in ("buyers", "sellers")}
    sides = {"buyers": _held(batch, "buyer_group"), "sellers": _held(batch, "seller_group")}
    for name, held in sides.items():
        if len(held) < need[name]:
            yield "min_groups", {"side": name, "groups": len(held), "required": need[name]}
    for name, held in sides.items():
        yield from _dominated(name, held, law)
    for name, held in sides.items():
        top = [lots for _, lots in held.most_common()]
        rest = sum(top[2:])
        if Fraction(rest) < Fraction(law["p_percent"], 100) * top[0]:
            yield "p_percent", {"side": name, "largest": top[0], "rest": rest}
    yield from _fragile(batch, sides, need, law)


def _need(law: Document, active: Document | None, side: str) -> int:
    wanted: int = law["min_groups"]
    if active is None:
        return wanted
    lowest: int = min(law["floor"], wanted)
    seen: int = active[side]
    return max(lowest, min(wanted, seen))


def _dominated(
    name: str, held: Counter[str], law: Document
) -> Iterator[tuple[str, dict[str, Any]]]:
    lots = sum(held.values())
    top = [found for _, found in held.most_common(2)]
    if Fraction(top[0], lots) > Fraction(*law["max_share"]):
        yield "max_share", {"side": name, "lots": lots, "largest": top[0]}
    if Fraction(sum(top), lots) > Fraction(*law["max_two_share"]):
        yield "max_two_share", {"side": name, "lots": lots, "two_largest": sum(top)}


def _fragile(
    batch: Sequence[Document],
    sides: dict[str, Counter[str]],
    need: dict[str, int],
    law: Document,
) -> Iterator[tuple[str, dict[str, Any]]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for deal in batch:
        pairs[deal["buyer_group"], deal["seller_group"]] += deal["lots"]
    for gone in sorted(sides["buyers"] | sides["sellers"]):
        rests: dict[str, Counter[str]] = {"buyers": Counter(), "sellers": Counter()}
        for (buyer, seller), lots in pairs.items():
            if gone not in (buyer, seller):
                rests["buyers"][buyer] += lots
                rests["sellers"][seller] += lots
        for name, rest in rests.items():
            left = sum(rest.values())
            where = {"side": name, "without": gone}
            if len(rest) < need[name] - 1:
                required = need[name] - 1
                yield "robust_groups", {**where, "groups": len(rest), "required": required}
            largest = max(rest.values(), default=0)
            if largest > Fraction(*law["robust_share"]) * left:
                yield "robust_share", {**where, "lots": left, "largest": largest}
