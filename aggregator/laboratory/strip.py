"""`"kind": "strip"`: orders and offers over several tenors → one bundle and its prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.laboratory.reading import BadInput, Node
from matching.errors import RuleViolation
from matching.forwards import Result
from matching.forwards import clear as clear_strip
from matching.forwards.orders import (
    BlockOrder,
    FlexibleOrder,
    Offer,
    Order,
    PeriodOrder,
    Pricing,
    Rules,
    Step,
    Storage,
)
from matching.forwards.refusals import refuse_impossible

MAX_TENORS = 36
MAX_ORDERS = 200_000
MAX_OFFERS = 1_000
MAX_STEPS = 50
MAX_BREAKS = 50
MAX_LOTS = 10**9
MAX_PRICE = 10**12


@dataclass(frozen=True, slots=True)
class Strip:
    tenors: tuple[str, ...]
    orders: tuple[Order, ...]
    offers: tuple[Offer, ...]
    storage: tuple[Storage, ...]
    rules: Rules


def read(node: Node) -> Strip:
    """Read a strip.

    Raises:
        BadInput: the instance breaks a rule of its format, or a figure is impossible.

    """
    parts = node.fields("kind currency tenors rules orders offers", "storage")
    parts["currency"].text(max_length=3)
    stores = parts["storage"].items(max_items=MAX_OFFERS) if "storage" in parts else ()
    strip = Strip(
        tenors=tuple(
            t.text(max_length=7) for t in parts["tenors"].items(max_items=MAX_TENORS, min_items=1)
        ),
        orders=tuple(_order(o) for o in parts["orders"].items(max_items=MAX_ORDERS)),
        offers=tuple(_offer(o) for o in parts["offers"].items(max_items=MAX_OFFERS)),
        storage=tuple(_storage(s) for s in stores),
        rules=_rules(parts["rules"]),
    )
    try:
        refuse_impossible(strip.tenors, strip.orders, strip.offers, strip.storage, strip.rules)
    except RuleViolation as refused:
        raise BadInput(_pointer(strip, refused), refused.code, refused.figures()) from refused
    return strip


def clear(strip: Strip) -> dict[str, Any]:
    found = clear_strip(strip.tenors, strip.orders, strip.offers, strip.storage, strip.rules)
    return as_document(found)


def as_document(found: Result) -> dict[str, Any]:
    """Return a result as JSON values, as the checker reads them."""
    return {
        "awards": found.awards,
        "supplier": found.supplier,
        "stored": found.stored,
        "prices_minor": found.prices_minor,
        "rejected_in_the_money": [
            {"kind": r.kind, "id": r.id, "reason": r.reason, "loss_minor": r.loss_minor}
            for r in found.rejected_in_the_money
        ],
        "make_whole": [
            {"kind": line.kind, "id": line.id, "amount_minor": line.amount_minor}
            for line in found.make_whole
        ],
        "surplus_minor": found.surplus_minor,
        "bound_minor": found.bound_minor,
        "gap": found.gap_minor,
        "certificate": {
            "dual_prices_minor": found.dual_prices_minor,
            "dual_bound_minor": found.dual_bound_minor,
            "prices_canonical": found.is_canonical,
            "solver": found.solver,
        },
    }


def explain(strip: Strip, result: Mapping[str, Any]) -> str:
    lines = [
        f"{len(strip.orders)} orders and {len(strip.offers)} offers over {len(strip.tenors)} tenors"
        f" share a surplus of {result['surplus_minor']}, at most {result['gap']} below the best."
    ]
    for tenor, price in result["prices_minor"].items():
        lots = sum(award.get(tenor, 0) for award in result["awards"].values())
        lines.append(f"  {tenor}: {lots} lots at {price}.")
    for order in strip.orders:
        award = result["awards"].get(order.id)
        told = ", ".join(f"{lots} in {t}" for t, lots in award.items()) if award else "nothing"
        lines.append(f"  {order.id} gets {told}.")
    for name, by_tenor in result["supplier"].items():
        told = ", ".join(f"{lots} in {tenor}" for tenor, lots in by_tenor.items())
        lines.append(f"  {name} supplies {told}.")
    for name, lots in result["stored"].items():
        lines.append(f"  {name} keeps {lots}.")
    lines.extend(
        f"  {entry['id']} is left out though in the money by {entry['loss_minor']}"
        f" ({entry['reason']})."
        for entry in result["rejected_in_the_money"]
    )
    lines.extend(
        f"  {line['id']} is made whole with {line['amount_minor']}."
        for line in result["make_whole"]
    )
    return "\n".join(lines)


def _rules(node: Node) -> Rules:
    parts = node.fields("", "pricing tick_minor gap_ppm node_limit price_nodes")
    standard = Rules()
    pricing: Pricing = standard.pricing
    if "pricing" in parts and parts["pricing"].choice("supported", "make_whole") == "make_whole":
        pricing = "make_whole"
    counts = {
        name: parts[name].integer(least, 10**6)
        for name, least in (
            ("tick_minor", 1),
            ("gap_ppm", 0),
            ("node_limit", 1),
            ("price_nodes", 0),
        )
        if name in parts
    }
    return Rules(
        pricing=pricing,
        tick_minor=counts.get("tick_minor", standard.tick_minor),
        gap_ppm=counts.get("gap_ppm", standard.gap_ppm),
        node_limit=counts.get("node_limit", standard.node_limit),
        price_nodes=counts.get("price_nodes", standard.price_nodes),
    )


def _order(node: Node) -> Order:
    given = node.entries(max_items=12)
    if "form" not in given:
        raise BadInput(f"{node.pointer}/form", "required field is missing")
    form = given["form"].choice("period", "flexible", "block")
    common = "id owner form limit_minor seq lots"
    if form == "block":
        parts = node.fields(common)
        by_tenor = parts["lots"].entries(max_items=MAX_TENORS)
        lots = tuple((tenor, found.integer(1, MAX_LOTS)) for tenor, found in by_tenor.items())
        return BlockOrder(*_party(parts), lots, _price(parts["limit_minor"]), _seq(parts))
    if form == "period":
        parts = node.fields(f"{common} tenor", "min_lots")
        return PeriodOrder(
            *_party(parts),
            parts["tenor"].text(max_length=7),
            parts["lots"].integer(1, MAX_LOTS),
            _price(parts["limit_minor"]),
            _seq(parts),
            parts["min_lots"].integer(0, MAX_LOTS) if "min_lots" in parts else 0,
        )
    parts = node.fields(f"{common} window", "per_tenor_max min_lots")
    first, last = parts["window"].items(max_items=2, min_items=2)
    return FlexibleOrder(
        *_party(parts),
        (first.text(max_length=7), last.text(max_length=7)),
        parts["lots"].integer(1, MAX_LOTS),
        _price(parts["limit_minor"]),
        _seq(parts),
        parts["per_tenor_max"].integer(1, MAX_LOTS) if "per_tenor_max" in parts else None,
        parts["min_lots"].integer(0, MAX_LOTS) if "min_lots" in parts else 0,
    )


def _offer(node: Node) -> Offer:
    parts = node.fields("id owner steps capacity seq", "min_total breaks")
    steps: list[Step] = []
    for tenor, listed in parts["steps"].entries(max_items=MAX_TENORS).items():
        for entry in listed.items(max_items=MAX_STEPS):
            lots, price = entry.items(max_items=2, min_items=2)
            steps.append(Step(tenor, lots.integer(1, MAX_LOTS), _price(price)))
    breaks: list[tuple[int, int]] = []
    for entry in parts["breaks"].items(max_items=MAX_BREAKS) if "breaks" in parts else ():
        lots, rebate = entry.items(max_items=2, min_items=2)
        breaks.append((lots.integer(1, MAX_LOTS), rebate.integer(1, MAX_PRICE)))
    return Offer(
        *_party(parts),
        steps=tuple(steps),
        capacity=parts["capacity"].integer(1, MAX_LOTS),
        seq=_seq(parts),
        min_total=parts["min_total"].integer(0, MAX_LOTS) if "min_total" in parts else 1,
        breaks=tuple(breaks),
    )


def _storage(node: Node) -> Storage:
    parts = node.fields("id owner from to capacity_lots carry_minor")
    return Storage(
        *_party(parts),
        from_tenor=parts["from"].text(max_length=7),
        to_tenor=parts["to"].text(max_length=7),
        capacity_lots=parts["capacity_lots"].integer(0, MAX_LOTS),
        carry_minor=_price(parts["carry_minor"]),
    )


def _party(parts: Mapping[str, Node]) -> tuple[str, str]:
    return parts["id"].text(), parts["owner"].text()


def _price(node: Node) -> int:
    return node.integer(0, MAX_PRICE)


def _seq(parts: Mapping[str, Node]) -> int:
    return parts["seq"].integer(0)


def _pointer(strip: Strip, refused: RuleViolation) -> str:
    """Point at the party a refusal names; a name taken twice points at the second."""
    name = refused.figures().get("id")
    for place, parties in (
        ("orders", strip.orders),
        ("offers", strip.offers),
        ("storage", strip.storage),
    ):
        places = [number for number, party in enumerate(parties) if party.id == name]
        if places:
            return f"/{place}/{places[-1]}"
    return "/tenors"
