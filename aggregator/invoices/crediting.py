"""Crediting returned lots: a credit note of the issuer's own series, and the money back.

What is credited is the difference between the invoice of the lots still kept and that of
the lots kept after this return. So the notes of any number of returns never exceed the
invoice, and when everything comes back they are exactly the invoice.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.deals import store
from aggregator.deals.facts import LotsReturned
from aggregator.deals.lines import (
    CAPITAL,
    GOODS,
    INFORMATION,
    LOGISTICS,
    PLATFORM,
    fee_minor,
    share,
)
from aggregator.deals.store import Deal
from aggregator.errors import MarketError
from aggregator.invoices.facts import CreditNoteIssued
from aggregator.invoices.writing import Document, DocumentLine, write
from aggregator.market import Unit
from aggregator.settlement import refunds


@dataclass
class CreditAboveInvoice(MarketError):
    """The credit notes of an invoice would exceed it."""

    code = "credit_above_invoice"
    invoice_minor: int
    credited_minor: int
    wanted_minor: int


@dataclass(frozen=True, slots=True)
class _Open:
    """An invoice and what of it was credited before."""

    id: str
    issuer: str
    net_minor: int
    tax_bps: int
    total_minor: int
    credited_net_minor: int
    credited_minor: int


async def on_lots_returned(unit: Unit, returned: LotsReturned) -> None:
    """Credit what was returned, and pay it back as soon as the issuer can."""
    deal = await store.load(unit, returned.deal_id)
    seller = await _invoice(unit, deal, deal.seller_id)
    assert seller is not None, deal.id
    await _credit(unit, deal, seller, returned, _seller_lines(deal, returned))
    fee = await _invoice(unit, deal, PLATFORM)
    if fee is not None and returned.is_fee_credited:
        kept = deal.accepted_lots - await _lots_at_fault(unit, deal)
        left_minor = fee.net_minor - fee.credited_net_minor
        net_minor = left_minor - fee_minor(deal.rates, kept)
        line = DocumentLine(INFORMATION, returned.lots, net_minor)
        await _credit(unit, deal, fee, returned, (line,))


def _seller_lines(deal: Deal, returned: LotsReturned) -> tuple[DocumentLine, ...]:
    lots = returned.lots
    goods = DocumentLine(GOODS, lots, deal.goods_minor * lots)
    if not returned.is_freight_credited:
        return (goods,)
    return (
        goods,
        DocumentLine(LOGISTICS, lots, deal.freight_minor * lots),
        DocumentLine(CAPITAL, lots, deal.capital_minor * lots),
    )


async def _credit(
    unit: Unit,
    deal: Deal,
    invoice: _Open,
    returned: LotsReturned,
    lines: tuple[DocumentLine, ...],
) -> None:
    net_minor = sum(line.net_minor for line in lines)
    kept_minor = invoice.net_minor - invoice.credited_net_minor
    tax_minor = share(kept_minor, invoice.tax_bps) - share(kept_minor - net_minor, invoice.tax_bps)
    note = Document(
        issuer=invoice.issuer,
        deal_id=deal.id,
        recipient_id=deal.buyer_id,
        currency=deal.currency,
        tax_bps=invoice.tax_bps,
        tax_minor=tax_minor,
        lines=lines,
        credits=invoice.id,
        return_id=returned.return_id,
    )
    if note.total_minor == 0:
        return
    if invoice.credited_minor + note.total_minor > invoice.total_minor:
        raise CreditAboveInvoice(invoice.total_minor, invoice.credited_minor, note.total_minor)
    written = await write(unit, note)
    is_refunded = await refunds.owe(
        unit,
        written.id,
        payer_id=None if invoice.issuer == PLATFORM else invoice.issuer,
        payee_id=deal.buyer_id,
        currency=deal.currency,
        amount_minor=note.total_minor,
        tax_minor=tax_minor if invoice.issuer == PLATFORM else 0,
    )
    fact = CreditNoteIssued(
        invoice_id=written.id,
        credits=invoice.id,
        deal_id=deal.id,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        issuer=invoice.issuer,
        number=written.number,
        total_minor=note.total_minor,
        currency=deal.currency,
        is_refunded=is_refunded,
    )
    await unit.record(store.stream_of(deal.id), fact)


async def _invoice(unit: Unit, deal: Deal, issuer: str) -> _Open | None:
    row = await unit.row(
        "select i.id, i.issuer, i.net_minor, i.tax_bps, i.total_minor,"
        " coalesce(sum(n.net_minor), 0)::bigint as credited_net_minor,"
        " coalesce(sum(n.total_minor), 0)::bigint as credited_minor"
        " from invoice i left join invoice n on n.credits = i.id"
        " where i.deal_id = $1 and i.issuer = $2 and i.kind = 'invoice' group by i.id",
        deal.id,
        issuer,
    )
    return _Open(**dict(row)) if row else None


async def _lots_at_fault(unit: Unit, deal: Deal) -> int:
    """Return the lots that went back at the seller's cost: those whose freight he credited.

    The market's own notes do not tell, as one of nothing is not written.
    """
    row = await unit.row(
        "select coalesce(sum(l.lots), 0)::bigint as lots from invoice n"
        " join invoice_line l on l.invoice_id = n.id and l.kind = $3"
        " where n.deal_id = $1 and n.issuer = $2 and n.kind = 'credit_note'",
        deal.id,
        deal.seller_id,
        LOGISTICS,
    )
    assert row is not None
    return int(row["lots"])
