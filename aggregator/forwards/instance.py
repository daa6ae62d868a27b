"""A strip as an instance of the laboratory: what is cleared, checked and kept for auditors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.catalogue.queries import instrument
from aggregator.errors import InvalidField
from aggregator.forwards.store import Strip
from aggregator.laboratory import strip as laboratory
from aggregator.laboratory.clearing import canonical_json
from aggregator.laboratory.reading import BadInput, read_document
from aggregator.market import Unit
from aggregator.parties.queries import owner_groups
from matching.errors import RuleViolation
from matching.forwards.orders import Order

MAX_PRICE_MINOR = laboratory.MAX_PRICE

Rows = Sequence[Mapping[str, Any]]


async def gathered(unit: Unit, strip: Strip, orders: Rows, offers: Rows) -> dict[str, Any]:
    """Return the instance of these orders and offers, with their firms' owner groups."""
    firms = sorted({row["organisation_id"] for row in (*orders, *offers)})
    traded = await instrument(strip.instrument_id, unit)
    groups = await owner_groups(firms, unit)
    return instance_of(strip, traded.tick_minor, orders, offers, groups)


async def orders_of(unit: Unit, strip: Strip, orders: Rows) -> tuple[Order, ...]:
    """Return standing orders as the mechanism reads them."""
    instance = await gathered(unit, strip, orders, ())
    return laboratory.read(read_document(canonical_json(instance))).orders


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
        "storage": [
            {
                "id": storage_id(row["id"], number),
                "owner": groups[row["organisation_id"]],
                "from": source,
                "to": target,
                "capacity_lots": lots,
                "carry_minor": carry_minor,
            }
            for row in offers
            for number, (source, target, lots, carry_minor) in enumerate(row.get("storage", ()))
        ],
    }


def storage_id(offer_id: str, number: int) -> str:
    """Return the name of an offer's storage in instance and result; `offer_of` reads it back."""
    return f"{offer_id}:{number}"


def offer_of(name: str) -> str:
    return name.partition(":")[0]


def check_readable(
    strip: Strip,
    tick_minor: int,
    *,
    orders: Sequence[Mapping[str, Any]] = (),
    offers: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Refuse what the mechanism would not read: at the close it would stop everybody.

    Raises:
        RuleViolation: a figure breaks a rule of the mechanism, which names it.
        InvalidField: the format itself does.

    """
    firms = {row["organisation_id"]: "one" for row in (*orders, *offers)}
    instance = instance_of(strip, tick_minor, orders, offers, firms)
    try:
        laboratory.read(read_document(canonical_json(instance)))
    except BadInput as refused:
        if isinstance(refused.__cause__, RuleViolation):
            raise refused.__cause__ from refused
        figure = None if refused.figure is None else str(refused.figure)[:200]
        raise InvalidField("", refused.rule, figure) from refused
