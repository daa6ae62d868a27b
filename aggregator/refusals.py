"""Refusals as plain values: what is stored under a command id, and what the edge shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aggregator.errors import MarketError, RecordedRefusal
from aggregator.journal.facts import stamp
from matching.errors import RuleViolation

Refusal = RuleViolation | MarketError


def refusal_code(refusal: Refusal) -> str:
    """Return the stable code of a refusal, also of one that is answered again."""
    return refusal.refusal_code if isinstance(refusal, RecordedRefusal) else refusal.code


def plain_figures(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal's figures as JSON values."""
    return {name: _plain(value) for name, value in refusal.figures().items()}


def _plain(value: object) -> Any:
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
