"""What a document needs to be written out: itself, its deal, its parties and its number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.deals.access import party_deal
from aggregator.deals.lines import PLATFORM
from aggregator.deals.store import Deal
from aggregator.errors import NotFound
from aggregator.invoices.queries import DocumentView, documents
from aggregator.invoices.writing import INVOICE
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor
from aggregator.parties.queries import market_identity, organisation, tax_identity

MARKET = "Aggregator"


@dataclass(frozen=True, slots=True)
class Party:
    """Who issues or gets a document; `uscc` is empty where no tax identity was declared."""

    id: str
    name: str
    uscc: str


@dataclass(frozen=True, slots=True)
class PrintedDocument:
    """An invoice or credit note; `credited` is the number of the invoice that it credits."""

    document: DocumentView
    deal: Deal
    traded: InstrumentView
    number: str
    credited: str
    supplier: Party
    customer: Party


async def printed(
    actor: Actor, deal_id: str, document_id: str, reader: Reader | None = None
) -> PrintedDocument:
    """Return a document of a deal of the actor's, as it is written out.

    Raises:
        NotAllowed: the actor's roles read no invoices.
        NotFound: no such deal or document that the actor may see.

    """
    source = reader or Pool()
    found = {one.id: one for one in await documents(actor, deal_id, source)}
    if document_id not in found:
        raise NotFound("document")
    document = found[document_id]
    deal = await party_deal(source, actor, deal_id)
    credited = found.get(document.credits or "")
    return PrintedDocument(
        document=document,
        deal=deal,
        traded=await instrument(deal.instrument_id, source),
        number=number_of(document),
        credited="" if credited is None else number_of(credited),
        supplier=await _party(source, document.issuer, document.issued_at),
        customer=await _party(source, document.recipient_id, document.issued_at),
    )


async def _party(reader: Reader, party_id: str, issued_at: datetime) -> Party:
    if party_id == PLATFORM:
        name, number = await market_identity(reader)
        return Party(PLATFORM, name or MARKET, number)
    name = (await organisation(party_id, reader)).name
    return Party(party_id, name, await tax_identity(party_id, issued_at, reader))


def number_of(document: DocumentView) -> str:
    """Return the number that a document goes by: its kind, its series and its place in it."""
    kind = "INV" if document.kind == INVOICE else "CRN"
    series = document.recipient_id[-6:] if document.issuer == PLATFORM else document.issuer[-6:]
    return f"{kind}-{series}-{document.number:06d}"
