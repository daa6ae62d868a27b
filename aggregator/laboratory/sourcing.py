"""`sourcing` on files: the lots of several suppliers divided among the members of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.laboratory.divisions import refuse_twins
from aggregator.laboratory.reading import Node
from matching.money import MAX_TOTAL_MINOR
from matching.pools.documents import sourcing_documents
from matching.pools.sourcing import Supply, payable, sourced

MAX_PARTIES = 100_000


@dataclass(frozen=True, slots=True)
class Division:
    """Suppliers by rank; members by arrival, with their lots and what they have."""

    suppliers: tuple[tuple[str, Supply], ...]
    members: tuple[tuple[str, int, int], ...]


def read(node: Node) -> Division:
    fields = node.fields("kind suppliers members")
    suppliers = _named(fields["suppliers"], 1)
    members = _named(fields["members"], 0)
    supplied, wanted = (sum(one[1] for one in named) for named in (suppliers, members))
    if supplied != wanted:
        fields["members"].refuse("take as many lots as suppliers deliver", wanted)
    return Division(
        tuple((name, Supply(lots, price)) for name, lots, price in suppliers), tuple(members)
    )


def clear(division: Division) -> dict[str, Any]:
    plan = sourced(
        [supply for _, supply in division.suppliers], [one[1] for one in division.members]
    )
    levelled = payable(plan.level_minor, [one[2] for one in division.members])
    return sourcing_documents(division.suppliers, division.members, plan, levelled)[1]


def explain(division: Division, result: Mapping[str, Any]) -> str:
    lines = [f"A lot costs every member {result['price_minor']} minor units, rounded up."]
    for name, _, _ in division.members:
        part = result["members"][name]
        got = ", ".join(f"{lots} of {supplier}" for supplier, lots in part["lots"].items())
        lines.append(f"  {name} gets {got}, and pays {part['levelled_minor']} to level.")
    return "\n".join(lines)


def _named(node: Node, least_minor: int) -> list[tuple[str, int, int]]:
    found = []
    for entry in node.items(max_items=MAX_PARTIES, min_items=1):
        name, lots, minor = entry.items(max_items=3, min_items=3)
        figures = lots.integer(1), minor.integer(least_minor, MAX_TOTAL_MINOR)
        found.append((name.text(), *figures))
    refuse_twins(node, [one[0] for one in found])
    return found
