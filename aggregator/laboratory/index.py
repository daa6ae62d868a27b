"""`"kind": "index"`: one cell's waiting deals → a publication, or the rule that keeps them."""

from __future__ import annotations

from fractions import Fraction

from aggregator.laboratory.reading import BadInput, Node
from matching.errors import RuleViolation
from matching.index.batch import ActiveGroups, IndexRules, SettledDeal
from matching.index.cells import parse_cell
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


def clear(instance: Node) -> dict[str, object]:
    """Publish the settled deals of the instance as one batch.

    Raises:
        BadInput: the instance breaks a rule of its format.

    """
    parts = instance.fields("kind cell rules deals", "excluded active currency")
    try:
        parse_cell(parts["cell"].text())
    except RuleViolation:
        parts["cell"].refuse("must be instrument/region/yyyy-mm", parts["cell"].value)
    rules = _rules(parts["rules"])
    deals = _settled(parts["deals"])
    left_out = parts["excluded"].items(max_items=MAX_DEALS) if "excluded" in parts else ()
    excluded = frozenset(node.text() for node in left_out)
    active = _active(parts["active"]) if "active" in parts else None
    found = publish(deals, rules, excluded=excluded, active=active)
    if isinstance(found, Suppressed):
        return {
            "publications": [],
            "suppressed": [{"rule": found.rule, "figures": dict(found.figures)}],
        }
    publication = {
        "value_minor": found.value_minor,
        "used": list(found.used),
        "excluded": list(found.excluded),
        "volume_band": found.volume_band,
        "size_band": found.size_band,
        "method": found.method,
    }
    return {"publications": [publication], "suppressed": []}


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
