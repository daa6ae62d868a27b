"""An invoice or credit note on paper, in Chinese and English side by side."""

from __future__ import annotations

from aggregator.invoices.printing import Party, PrintedDocument
from aggregator.invoices.writing import INVOICE
from web.locale import words
from web.papers.paper import Facts, Grid, Paper, grouped

_BOTH = ("zh", "en")


def invoice_paper(printed: PrintedDocument) -> Paper:
    """Return the document as a person reads it; its figures are those of the file."""
    document, deal, traded = printed.document, printed.deal, printed.traded
    kind = "invoice" if document.kind == INVOICE else "credit_note"
    facts = [
        (_said("paper.invoice.number"), printed.number),
        (_said("paper.invoice.issued_on"), document.issued_at.date().isoformat()),
        (_said("paper.invoice.supplier"), _party(printed.supplier)),
        (_said("paper.invoice.customer"), _party(printed.customer)),
        (_said("paper.invoice.deal"), deal.id),
        (_said("paper.invoice.goods"), f"{traded.name_zh} / {traded.name_en} · {deal.cell}"),
        (_said("paper.invoice.currency"), document.currency),
    ]
    if printed.credited:
        facts.append((_said("paper.invoice.credits"), printed.credited))
    if document.tax_number:
        number = f"{document.tax_number} {document.tax_code}".strip()
        facts.append((_said("paper.invoice.tax_number"), number))
    rows = [
        (
            _said(f"page.line_kind.{line.kind}"),
            f"{line.lots:,} × {traded.lot_text}",
            grouped(line.net_minor, document.currency),
        )
        for line in document.lines
    ]
    whole, part = divmod(document.tax_bps, 100)
    tax = f"{_said('paper.invoice.tax')} {whole}.{part:02d} %"
    for label, minor in (
        (_said("paper.invoice.net"), document.net_minor),
        (tax, document.tax_minor),
        (_said("paper.invoice.total"), document.total_minor),
    ):
        rows.append((label, "", grouped(minor, document.currency)))
    labels = [_said(f"paper.invoice.{name}") for name in ("line", "quantity", "amount")]
    return Paper(
        title=_said(f"paper.invoice.{kind}"),
        subtitle=printed.number,
        parts=[
            Facts(_said("paper.invoice.facts"), facts),
            Grid(
                _said("paper.invoice.lines"),
                labels,
                rows,
                first_number=1,
                widths=(5, 2, 3),
                has_sum=True,
            ),
        ],
        footer=f"{printed.number} · {document.id} · #",
    )


def _party(party: Party) -> str:
    return f"{party.name} · {party.uscc}" if party.uscc else party.name


def _said(key: str) -> str:
    """Return a word in both languages."""
    return " / ".join(words(language, key) or key for language in _BOTH)
