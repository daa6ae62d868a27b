"""Checking what a pool came to: its clearing, and who delivers whom where several suppliers won.

A pool's evidence is canonical JSON of an `instance` and its `result`, and of `divisions`, each
again an instance and its result. Each pair passes the independent checker, and each division is of
the members, the lots and at most the price of one pool of the clearing. See `docs/bundle.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aggregator.laboratory.clearing import canonical_json, check_documents
from aggregator.laboratory.reading import BadInput, Node, read_document
from matching.clearing.form import GuaranteeBroken, require

MAX_DIVISIONS = 100_000


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What the evidence of a pool holds."""

    pools: int
    divisions: int


def verify_pool(raw: bytes) -> PoolReport:
    """Check the evidence of a pool's close, byte by byte.

    Raises:
        GuaranteeBroken: it is not what the rules make of it.

    """
    try:
        node = read_document(raw)
        parts = node.fields("instance result divisions")
        cleared = _checked(parts["instance"], parts["result"])
        divided = list(parts["divisions"].items(max_items=MAX_DIVISIONS))
        left = _pools(cleared)
        for division in divided:
            _check_division(division, left)
    except BadInput as error:
        raise GuaranteeBroken("form", str(error)) from error
    require(canonical_json(node.value).encode() == raw, "form", "the bytes are not canonical")
    return PoolReport(len(cleared["pools"]), len(divided))


def _checked(instance: Node, result: Node) -> dict[str, Any]:
    check_documents(*(canonical_json(part.value).encode() for part in (instance, result)))
    assert isinstance(result.value, dict)
    return result.value


def _pools(cleared: dict[str, Any]) -> dict[tuple[tuple[str, int], ...], int]:
    """Return the goods price of each pool by its members and their lots."""
    return {
        tuple(sorted((one["pledge"], one["lots"]) for one in pool["members"])): pool["goods_minor"]
        for pool in cleared["pools"]
    }


def _check_division(division: Node, left: dict[tuple[tuple[str, int], ...], int]) -> None:
    parts = division.fields("instance result")
    parts["instance"].fields("kind suppliers members")["kind"].choice("sourcing")
    result = _checked(parts["instance"], parts["result"])
    assert isinstance(parts["instance"].value, dict)
    members = tuple(sorted((one[0], one[1]) for one in parts["instance"].value["members"]))
    most = left.pop(members, None)
    require(most is not None, "division", "it divides what no pool of the clearing takes")
    require(most is None or result["price_minor"] <= most, "division", "it costs more than before")
