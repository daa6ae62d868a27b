"""Writing invoices and credit notes: the next number, the lines, the row, together.

A seller counts all his documents in one series. The market counts for each recipient apart:
one series would tell every firm how many others were invoiced.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals.lines import PLATFORM
from aggregator.market import Unit

INVOICE, CREDIT_NOTE = "invoice", "credit_note"


@dataclass(frozen=True, slots=True)
class DocumentLine:
    kind: str
    lots: int
    net_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An invoice, or a credit note when it `credits` one. Tax is on the sum of the lines."""

    issuer: str
    deal_id: str
    recipient_id: str
    currency: str
    tax_bps: int
    tax_minor: int
    lines: tuple[DocumentLine, ...]
    credits: str | None = None
    return_id: str | None = None

    @property
    def series(self) -> str:
        return self.recipient_id if self.issuer == PLATFORM else ""

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        return self.net_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class Written:
    id: str
    number: int


async def write(unit: Unit, document: Document) -> Written:
    """Write a document under the next number of its series, without gaps."""
    kind = INVOICE if document.credits is None else CREDIT_NOTE
    number = await _next_number(unit, document, kind)
    document_id = unit.new_id("inv" if kind == INVOICE else "crn")
    await unit.execute(
        "insert into invoice (id, kind, issuer, series, number, deal_id, recipient_id, credits,"
        " return_id, currency, net_minor, tax_bps, tax_minor, total_minor, issued_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        document_id,
        kind,
        document.issuer,
        document.series,
        number,
        document.deal_id,
        document.recipient_id,
        document.credits,
        document.return_id,
        document.currency,
        document.net_minor,
        document.tax_bps,
        document.tax_minor,
        document.total_minor,
        unit.now,
    )
    for position, line in enumerate(document.lines, start=1):
        await unit.execute(
            "insert into invoice_line (invoice_id, position, kind, lots, net_minor)"
            " values ($1, $2, $3, $4, $5)",
            document_id,
            position,
            line.kind,
            line.lots,
            line.net_minor,
        )
    return Written(document_id, number)


async def _next_number(unit: Unit, document: Document, kind: str) -> int:
    """Take the next number; the row stays locked, so a rollback gives it back unused."""
    row = await unit.row(
        "insert into document_counter (issuer, series, kind, last) values ($1, $2, $3, 1)"
        " on conflict (issuer, series, kind) do update set last = document_counter.last + 1"
        " returning last",
        document.issuer,
        document.series,
        kind,
    )
    assert row is not None
    return int(row["last"])
