"""`"kind": "index"`: one cell's waiting deals → a publication, or the rule that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from aggregator.laboratory.reading import BadInput, Node
from matching.index.batch import ActiveGroups, IndexRules, SettledDeal
from matching.index.cells import CellMalformed, parse_cell
from matching.index.publish import publish
from matching.index.screening import Suppressed

MAX_DEALS = 1_000_000
MAX_LOTS = 10**9
STATES = (
    "formed",
    "funded",
    "shipping",
    "delivered",
    "accepted",
    "invoiced",
    "settled",
    "lapsed",
    "shortfall",
    "disputed",
    "returned",
    "defaulted",
    "cancelled",
)


@dataclass(frozen=True, slots=True)
class Batch:
    cell: str
    deals: tuple[SettledDeal, ...]
    rules: IndexRules
    excluded: frozenset[str]
    active: ActiveGroups | None


def read(instance: Node) -> Batch:
    """Read the settled deals of one cell.

    Raises:
        BadInput: the instance breaks a rule of its format.

    """
    parts = instance.fields("kind cell rules deals", "excluded active")
    cell = parts["cell"]
    try:
        parse_cell(cell.text())
    except CellMalformed:
        cell.refuse("must be instrument/region/yyyy-mm", cell.value)
    left_out = parts["excluded"].items(max_items=MAX_DEALS) if "excluded" in parts else ()
    return Batch(
        cell=cell.text(),
        deals=tuple(_settled(parts["deals"])),
        rules=_rules(parts["rules"]),
        excluded=frozenset(node.text() for node in left_out),
        active=_active(parts["active"]) if "active" in parts else None,
    )


def clear(batch: Batch) -> dict[str, Any]:
    found = publish(batch.deals, batch.rules, excluded=batch.excluded, active=batch.active)
    if isinstance(found, Suppressed):
        reason = {"rule": found.rule, "figures": dict(found.figures)}
        return _result([], [reason], None)
    publication = {
        "value_minor": found.value_minor,
        "used": list(found.used),
        "excluded": list(found.excluded),
        "volume_band": found.volume_band,
        "size_band": found.size_band,
        "method": found.method,
    }
    return _result([publication], [], found.value_minor)


def explain(batch: Batch, result: Mapping[str, Any]) -> str:
    for reason in result["suppressed"]:
        figures = ", ".join(f"{name} {figure}" for name, figure in reason["figures"].items())
        return f"{batch.cell} waits: the rule {reason['rule']} holds it back ({figures or 'none'})."
    (found,) = result["publications"]
    return "\n".join(
        (
            f"{batch.cell} is published at {found['value_minor']} from {len(found['used'])} deals.",
            f"  Volume {found['volume_band']} lots, {found['size_band']} deals; {found['method']}.",
        )
    )


def _result(
    publications: list[dict[str, Any]], suppressed: list[dict[str, Any]], value: int | None
) -> dict[str, Any]:
    return {
        "publications": publications,
        "suppressed": suppressed,
        "certificate": {"objective_minor": value},
    }


def _rules(node: Node) -> IndexRules:
    parts = node.fields(
        "step_minor",
        "min_groups floor max_share max_two_share p_percent robust_share party_cap",
    )
    shares: dict[str, Fraction] = {
        name: _share(parts[name])
        for name in ("max_share", "max_two_share", "robust_share", "party_cap")
        if name in parts
    }
    counts: dict[str, int] = {
        name: parts[name].integer(least, most)
        for name, least, most in (
            ("min_groups", 1, 1000),
            ("floor", 1, 1000),
            ("p_percent", 0, 1000),
        )
        if name in parts
    }
    return _made(parts["step_minor"].integer(1), shares, counts)


def _made(step_minor: int, shares: dict[str, Fraction], counts: dict[str, int]) -> IndexRules:
    standard = IndexRules(step_minor=step_minor)
    return IndexRules(
        step_minor=step_minor,
        min_groups=counts.get("min_groups", standard.min_groups),
        floor=counts.get("floor", standard.floor),
        max_share=shares.get("max_share", standard.max_share),
        max_two_share=shares.get("max_two_share", standard.max_two_share),
        p_percent=counts.get("p_percent", standard.p_percent),
        robust_share=shares.get("robust_share", standard.robust_share),
        party_cap=shares.get("party_cap", standard.party_cap),
    )


def _share(node: Node) -> Fraction:
    numerator, denominator = (
        part.integer(1, 10**6) for part in node.items(min_items=2, max_items=2)
    )
    if numerator > denominator:
        node.refuse("must be at most one", [numerator, denominator])
    return Fraction(numerator, denominator)


def _active(node: Node) -> ActiveGroups:
    parts = node.fields("buyers sellers")
    return ActiveGroups(parts["buyers"].integer(0), parts["sellers"].integer(0))


def _settled(node: Node) -> list[SettledDeal]:
    found: list[SettledDeal] = []
    seen: set[str] = set()
    for entry in node.items(max_items=MAX_DEALS):
        parts = entry.fields("id buyer_group seller_group price_minor lots state")
        deal = SettledDeal(
            id=parts["id"].text(),
            buyer_group=parts["buyer_group"].text(),
            seller_group=parts["seller_group"].text(),
            price_minor=parts["price_minor"].integer(0),
            lots=parts["lots"].integer(1, MAX_LOTS),
        )
        if deal.id in seen:
            raise BadInput(f"{entry.pointer}/id", "ids must be distinct", deal.id)
        seen.add(deal.id)
        if parts["state"].choice(*STATES) == "settled":
            found.append(deal)
    return found
