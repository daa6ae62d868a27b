"""The five evidences of a real match. Each is written once, by the act that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.journal.reading import Reader
from aggregator.market import Unit

CONTRACT, MONEY, INVOICE, RECEIPT, TITLE = "contract", "money", "invoice", "receipt", "title"
KINDS = (CONTRACT, MONEY, INVOICE, RECEIPT, TITLE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A proof: what document or movement, over which quantity or amount."""

    kind: str
    reference: str
    lots: int | None
    amount_minor: int | None
    at: datetime


async def record_evidence(
    unit: Unit,
    deal_id: str,
    kind: str,
    reference: str,
    *,
    lots: int | None = None,
    amount_minor: int | None = None,
) -> None:
    """Write one evidence of a deal; a second of its kind is a bug, and the database refuses."""
    await unit.execute(
        "insert into deal_evidence (deal_id, kind, reference, lots, amount_minor, at)"
        " values ($1, $2, $3, $4, $5, $6)",
        deal_id,
        kind,
        reference,
        lots,
        amount_minor,
        unit.now,
    )


async def evidences(reader: Reader, deal_id: str) -> dict[str, Evidence]:
    """Return the evidences of a deal by kind."""
    found = await reader.rows(
        "select kind, reference, lots, amount_minor, at from deal_evidence where deal_id = $1",
        deal_id,
    )
    return {row["kind"]: Evidence(**dict(row)) for row in found}
