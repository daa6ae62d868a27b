"""Reading a result that may be anything: what the checkers use to take it apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Document = Mapping[str, Any]
Kind = TypeVar("Kind")


@dataclass
class GuaranteeBroken(Exception):
    """A result breaks a guarantee: its stable name, and what was found."""

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


def require(holds: object, name: str, detail: str) -> None:
    """Raise `GuaranteeBroken` unless the guarantee holds."""
    if not holds:
        raise GuaranteeBroken(name, detail)


def member(document: object, name: str, kind: type[Kind]) -> Kind:
    """Return a field of exactly this type (true and false are no integers)."""
    if not isinstance(document, Mapping):
        raise GuaranteeBroken("form", f"an object with {name!r} was expected")
    value = document.get(name)
    if type(value) is not kind:
        raise GuaranteeBroken("form", f"{name!r} must be of type {kind.__name__}")
    return value


def exact_fields(document: object, names: frozenset[str]) -> None:
    """Refuse an object that lacks one of these fields or has another."""
    if not isinstance(document, Mapping) or document.keys() != names:
        raise GuaranteeBroken("form", f"an object of exactly {sorted(names)} was expected")


def canonical_json(value: object) -> str:
    """Return the one spelling of a JSON value: sorted keys, no spaces, no needless escapes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
