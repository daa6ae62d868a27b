"""Mechanisms on files: read one instance, clear it, explain it, check a result.

`MECHANISMS` says for each kind of instance how it is read, cleared and explained. A kind is
added by one line here and one in `matching.clearing.certificate.CHECKERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.laboratory import auction, divisions, index, packages, pools, sourcing, strip
from aggregator.laboratory.reading import BadInput, Node, read_document
from matching.clearing.certificate import CHECKERS, canonical_json, check, inputs_sha256
from matching.clearing.form import GuaranteeBroken

__all__ = [
    "MECHANISMS",
    "GuaranteeBroken",
    "Mechanism",
    "canonical_json",
    "check_documents",
    "clear_document",
    "explain_document",
]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How one kind of instance is read, cleared and explained.

    `read` refuses bad input and returns the mechanism's own values; `clear` returns the
    result as JSON values with a `certificate` object, to which `clear_document` adds `kind`,
    `rules_version` and `inputs_sha256`; `explain` tells the result in plain words.
    """

    read: Callable[[Node], Any]
    clear: Callable[[Any], dict[str, Any]]
    explain: Callable[[Any, Mapping[str, Any]], str]


MECHANISMS: dict[str, Mechanism] = {
    "auction": Mechanism(auction.read, auction.clear, auction.explain),
    "index": Mechanism(index.read, index.clear, index.explain),
    "packages": Mechanism(packages.read, packages.clear, packages.explain),
    "pools": Mechanism(pools.read, pools.clear_pools, pools.explain),
    "ration": Mechanism(divisions.read_ration, divisions.clear_ration, divisions.explain_ration),
    "sourcing": Mechanism(sourcing.read, sourcing.clear, sourcing.explain),
    "split": Mechanism(divisions.read_split, divisions.clear_split, divisions.explain_split),
    "strip": Mechanism(strip.read, strip.clear, strip.explain),
}


def clear_document(text: bytes) -> dict[str, Any]:
    """Clear one instance and return its result with the certificate.

    Raises:
        BadInput: the instance breaks a rule of its format.

    """
    node = read_document(text)
    kind, mechanism = _mechanism(node)
    return _cleared(kind, node, mechanism, mechanism.read(node))


def explain_document(text: bytes) -> str:
    """Clear one instance and tell the result in words.

    Raises:
        BadInput: the instance breaks a rule of its format.

    """
    node = read_document(text)
    kind, mechanism = _mechanism(node)
    instance = mechanism.read(node)
    return mechanism.explain(instance, _cleared(kind, node, mechanism, instance))


def check_documents(instance: bytes, result: bytes) -> None:
    """Run the independent checker alone.

    Raises:
        BadInput: the instance breaks a rule of its format.
        GuaranteeBroken: a guarantee does not hold.

    """
    node = read_document(instance)
    _, mechanism = _mechanism(node)
    mechanism.read(node)
    try:
        found = read_document(result).value
    except BadInput as error:
        raise GuaranteeBroken("form", f"the result is no document: {error}") from error
    if not isinstance(found, dict):
        raise GuaranteeBroken("form", "a result must be an object")
    check(_document(node), found)


def _mechanism(node: Node) -> tuple[str, Mechanism]:
    document = _document(node)
    if "kind" not in document:
        raise BadInput("/kind", "required field is missing")
    kind = Node(document["kind"], "/kind").choice(*MECHANISMS)
    return kind, MECHANISMS[kind]


def _document(node: Node) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        node.refuse("must be an object")
    return node.value


def _cleared(kind: str, node: Node, mechanism: Mechanism, instance: object) -> dict[str, Any]:
    result = mechanism.clear(instance)
    result["certificate"] = {
        **result.get("certificate", {}),
        "kind": kind,
        "rules_version": CHECKERS[kind].rules_version,
        "inputs_sha256": inputs_sha256(_document(node)),
    }
    return result
