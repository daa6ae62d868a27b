"""The promise of a deal in six dimensions, and what was measured of it at acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.deals.quantities import check_text
from aggregator.errors import InvalidField
from aggregator.journal.reading import Reader
from aggregator.market import Unit

DIMENSIONS = ("time", "place", "price", "manner", "quality", "quantity")
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Term:
    """One dimension: what was promised, how far off it may be, and what was found."""

    dimension: str
    promised: str
    tolerance: str
    measured: str | None


def checked_measures(measured: Mapping[str, str]) -> dict[str, str]:
    """Return what was measured, by dimension.

    Raises:
        InvalidField: an unknown dimension, or a text that is empty or too long.

    """
    for dimension in sorted(measured):
        if dimension not in DIMENSIONS:
            raise InvalidField(f"/measured/{dimension[:40]}", "one_of", ", ".join(DIMENSIONS))
    return {
        dimension: check_text(measured[dimension], f"/measured/{dimension}", max_length=MAX_TEXT)
        for dimension in DIMENSIONS
        if dimension in measured
    }


async def record_measures(unit: Unit, deal_id: str, measured: Mapping[str, str]) -> None:
    for dimension, text in measured.items():
        await unit.execute(
            "update deal_term set measured = $3 where deal_id = $1 and dimension = $2",
            deal_id,
            dimension,
            text,
        )


async def terms_of(reader: Reader, deal_id: str) -> list[Term]:
    """Return the six terms, in their order."""
    found = await reader.rows(
        "select dimension, promised, tolerance, measured from deal_term where deal_id = $1", deal_id
    )
    by_dimension = {row["dimension"]: Term(**dict(row)) for row in found}
    return [by_dimension[name] for name in DIMENSIONS if name in by_dimension]
