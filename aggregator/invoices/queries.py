"""Reading the documents of a deal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.deals.access import party_deal
from aggregator.invoices.filing import numbers_of
from aggregator.invoices.writing import DocumentLine
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor
from aggregator.settlement.queries import refunds


@dataclass(frozen=True, slots=True)
class DocumentView:
    """An invoice or credit note. `refund` is `owed` or `paid` for a credit note."""

    id: str
    kind: str
    issuer: str
    number: int
    recipient_id: str
    credits: str | None
    currency: str
    net_minor: int
    tax_bps: int
    tax_minor: int
    total_minor: int
    issued_at: datetime
    lines: tuple[DocumentLine, ...]
    refund: str | None
    tax_number: str | None
    tax_code: str | None


async def deals_of(document_ids: Sequence[str], reader: Reader | None = None) -> dict[str, str]:
    """Return the deal of each of these documents; ids of other things are left out."""
    found = await (reader or Pool()).rows(
        "select id, deal_id from invoice where id = any($1::text[])", list(document_ids)
    )
    return {row["id"]: row["deal_id"] for row in found}


async def documents(actor: Actor, deal_id: str, reader: Reader | None = None) -> list[DocumentView]:
    """Return the invoices and credit notes of a deal of the actor's, in order of issue.

    Only the recipient sees what the market itself issued, and its numbers.

    Raises:
        NotAllowed: the actor's roles read no invoices.
        NotFound: no such deal, or the actor is no party to it.

    """
    actor.require("invoices.read")
    source = reader or Pool()
    await party_deal(source, actor, deal_id)
    rows = await source.rows(
        "select id, kind, issuer, number, recipient_id, credits, currency, net_minor, tax_bps,"
        " tax_minor, total_minor, issued_at from invoice where deal_id = $1"
        " and (issuer <> 'platform' or recipient_id = $2)"
        " order by issued_at, kind desc, issuer = 'platform', number",
        deal_id,
        actor.organisation_id,
    )
    lines: dict[str, list[DocumentLine]] = defaultdict(list)
    for row in await source.rows(
        "select l.invoice_id, l.kind, l.lots, l.net_minor from invoice_line l"
        " join invoice i on i.id = l.invoice_id where i.deal_id = $1"
        " order by l.invoice_id, l.position",
        deal_id,
    ):
        line = DocumentLine(row["kind"], row["lots"], row["net_minor"])
        lines[row["invoice_id"]].append(line)
    numbers = await numbers_of(source, deal_id)
    owed = await refunds([row["id"] for row in rows], source)
    return [
        DocumentView(
            **dict(row),
            lines=tuple(lines[row["id"]]),
            refund=owed[row["id"]].state if row["id"] in owed else None,
            tax_number=numbers[row["id"]].number if row["id"] in numbers else None,
            tax_code=numbers[row["id"]].code if row["id"] in numbers else None,
        )
        for row in rows
    ]
