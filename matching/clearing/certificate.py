"""The independent checker of every result: the maker of a result is not believed.

`check` takes an instance and a result as plain JSON values, so that a third party can build
another one from `matching/README.md` alone. It shares no line with the mechanisms. Each kind
of instance has one checker in `CHECKERS`; it returns nothing, or raises `GuaranteeBroken`
with the name of the first guarantee that does not hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from matching.clearing import auctions, divisions, index, packages, pools, sourcing, strips
from matching.clearing.form import Document, GuaranteeBroken, canonical_json, member, require

__all__ = ["CHECKERS", "Checker", "GuaranteeBroken", "canonical_json", "check", "inputs_sha256"]


@dataclass(frozen=True, slots=True)
class Checker:
    """How one kind of result is checked, and under which version of the rules."""

    rules_version: str
    check: Callable[[Document, Document], None]


CHECKERS: dict[str, Checker] = {
    "auction": Checker("auction/1", auctions.check),
    "index": Checker("index/1", index.check),
    "packages": Checker("packages/1", packages.check),
    "pools": Checker("pools/1", pools.check),
    "ration": Checker("ration/1", divisions.check_ration),
    "sourcing": Checker("sourcing/1", sourcing.check),
    "split": Checker("split/1", divisions.check_split),
    "strip": Checker("strip/1", strips.check),
}


def check(instance: Document, result: Document) -> None:
    """Check every guarantee of a result against its instance.

    Raises:
        GuaranteeBroken: the first guarantee found not to hold.

    """
    kind = member(instance, "kind", str)
    require(kind in CHECKERS, "kind", f"no checker for {kind!r}")
    checker = CHECKERS[kind]
    certificate = member(result, "certificate", dict)
    require(certificate.get("kind") == kind, "kind", f"the certificate is not of kind {kind!r}")
    version = certificate.get("rules_version")
    require(version == checker.rules_version, "rules_version", f"{version!r} is not known")
    seen = inputs_sha256(instance)
    require(certificate.get("inputs_sha256") == seen, "inputs_sha256", f"the inputs are {seen}")
    checker.check(instance, result)


def inputs_sha256(instance: Document) -> str:
    """Return the SHA-256 of the canonical JSON of the *set* of inputs.

    Lists whose entries are all objects with an `id` are sorted by it; other lists keep their
    order, because there it has a meaning (the commands of an auction).
    """
    return hashlib.sha256(canonical_json(_as_set(instance)).encode()).hexdigest()


def _as_set(value: object) -> object:
    if isinstance(value, dict):
        return {name: _as_set(part) for name, part in value.items()}
    if isinstance(value, list):
        parts = [_as_set(part) for part in value]
        if parts and all(isinstance(part, dict) and "id" in part for part in parts):
            return sorted(parts, key=_id_of)
        return parts
    return value


def _id_of(part: object) -> str:
    return str(part["id"]) if isinstance(part, dict) else ""
