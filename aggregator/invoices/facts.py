"""What others may learn about invoices."""

from __future__ import annotations

from aggregator.journal.facts import fact


@fact
class InvoiceIssued:
    """`issuer` is the seller, or `platform` for the market's own fee."""

    invoice_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    issuer: str
    number: int
    total_minor: int
    currency: str


@fact
class InvoiceOverdue:
    """Accepted goods wait for the seller's invoice; his money waits with them."""

    deal_id: str
    buyer_id: str
    seller_id: str


@fact
class CreditNoteIssued:
    """What was credited; `is_refunded` is false while the issuer has not the cash."""

    invoice_id: str
    credits: str
    deal_id: str
    buyer_id: str
    seller_id: str
    issuer: str
    number: int
    total_minor: int
    currency: str
    is_refunded: bool


@fact
class TaxNumberGiven:
    """The tax platform's number of a document."""

    document_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    number: str
