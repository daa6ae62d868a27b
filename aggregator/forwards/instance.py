"""A strip as an instance of the laboratory: what is cleared, checked and kept for auditors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.forwards.store import Strip


def instance_of(
    strip: Strip,
    tick_minor: int,
    orders: Sequence[Mapping[str, Any]],
    offers: Sequence[Mapping[str, Any]],
    groups: Mapping[str, str],
) -> dict[str, Any]:
    """Return the JSON instance of `aggregator clear` for the standing orders and offers."""
    return {
        "kind": "strip",
        "currency": "CNY",
        "tenors": list(strip.tenors),
        "rules": {"pricing": strip.pricing, "tick_minor": tick_minor},
        "orders": [
            {
                "id": row["id"],
                "owner": groups[row["organisation_id"]],
                "form": row["form"],
                **row["terms"],
                "limit_minor": row["limit_minor"],
                "seq": row["seq"],
            }
            for row in orders
        ],
        "offers": [
            {
                "id": row["id"],
                "owner": groups[row["organisation_id"]],
                "steps": row["steps"],
                "capacity": row["capacity"],
                "min_total": row["min_total"],
                "breaks": row["breaks"],
                "seq": row["seq"],
            }
            for row in offers
        ],
        "storage": [],
    }
