"""`ration` and `split` on files: the exact divisions that everything else uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.laboratory.reading import BadInput, Node
from matching.money import MAX_TOTAL_MINOR, split
from matching.pools.sharing import Claim, Rule, ration

MAX_CLAIMS = 100_000


@dataclass(frozen=True, slots=True)
class Rationing:
    ids: tuple[str, ...]
    claims: tuple[Claim, ...]
    capacity: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Splitting:
    ids: tuple[str, ...]
    weights: tuple[int, ...]
    total_minor: int


def read_ration(node: Node) -> Rationing:
    fields = node.fields("kind rule claims capacity")
    ids: list[str] = []
    claims: list[Claim] = []
    for entry in fields["claims"].items(max_items=MAX_CLAIMS, min_items=1):
        parts = list(entry.items(max_items=3, min_items=2))
        ids.append(parts[0].text())
        lots = parts[1].integer(0)
        claims.append(Claim(lots, parts[2].integer(0, lots) if len(parts) > 2 else 0))
    refuse_twins(fields["claims"], ids)
    chosen = fields["rule"].choice("uniform", "pro_rata")
    rule: Rule = "uniform" if chosen == "uniform" else "pro_rata"
    return Rationing(tuple(ids), tuple(claims), fields["capacity"].integer(0), rule)


def read_split(node: Node) -> Splitting:
    fields = node.fields("kind total_minor weights")
    ids: list[str] = []
    weights: list[int] = []
    for entry in fields["weights"].items(max_items=MAX_CLAIMS, min_items=1):
        name, weight = entry.items(max_items=2, min_items=2)
        ids.append(name.text())
        weights.append(weight.integer(0))
    refuse_twins(fields["weights"], ids)
    if not any(weights):
        fields["weights"].refuse("at least one weight must be positive", 0)
    total = fields["total_minor"].integer(-MAX_TOTAL_MINOR, MAX_TOTAL_MINOR)
    return Splitting(tuple(ids), tuple(weights), total)


def clear_ration(instance: Rationing) -> dict[str, Any]:
    awards = ration(instance.claims, instance.capacity, instance.rule)
    bound = min(instance.capacity, sum(claim.lots for claim in instance.claims))
    reached = sum(awards)
    certificate = {"objective_lots": reached, "bound_lots": bound, "gap": bound - reached}
    awarded = dict(sorted(zip(instance.ids, awards, strict=True)))
    return {"awards": awarded, "certificate": certificate}


def clear_split(instance: Splitting) -> dict[str, Any]:
    shares = split(instance.total_minor, instance.weights)
    total = instance.total_minor
    certificate = {"objective_minor": total, "bound_minor": total, "gap": 0}
    return {
        "shares": dict(sorted(zip(instance.ids, shares, strict=True))),
        "certificate": certificate,
    }


def explain_ration(instance: Rationing, result: Mapping[str, Any]) -> str:
    wanted = sum(claim.lots for claim in instance.claims)
    lines = [f"{wanted} lots are wanted and {instance.capacity} are there."]
    for name, claim in zip(instance.ids, instance.claims, strict=True):
        award = result["awards"][name]
        why = "in full" if award == claim.lots else f"of {claim.lots} wanted"
        if not award and claim.min_lots:
            why = f"because his minimum of {claim.min_lots} cannot be met"
        lines.append(f"  {name} gets {award}, {why}.")
    return "\n".join(lines)


def explain_split(instance: Splitting, result: Mapping[str, Any]) -> str:
    whole = sum(instance.weights)
    lines = [f"{instance.total_minor} minor units are split by weight, and the parts add up."]
    for name, weight in zip(instance.ids, instance.weights, strict=True):
        lines.append(f"  {name} gets {result['shares'][name]} for {weight} of {whole}.")
    return "\n".join(lines)


def refuse_twins(node: Node, ids: list[str]) -> None:
    seen: set[str] = set()
    for place, name in enumerate(ids):
        if name in seen:
            raise BadInput(f"{node.pointer}/{place}/0", "ids must be unique", name)
        seen.add(name)
