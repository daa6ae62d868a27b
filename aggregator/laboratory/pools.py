"""`pools` on files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.laboratory.reading import Node


def read(node: Node) -> object:
    return node.fields("kind currency rules pledges offers")


def clear(instance: object) -> dict[str, Any]:
    raise NotImplementedError(type(instance))


def explain(instance: object, result: Mapping[str, Any]) -> str:
    raise NotImplementedError(type(instance), result)
