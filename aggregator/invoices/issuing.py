"""Issuing: the seller invoices what was accepted, the market its fee; then the deal settles."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.deals import settling, stages, store
from aggregator.deals.access import as_seller, stream_for
from aggregator.deals.lines import (
    CAPITAL,
    GOODS,
    INFORMATION,
    LOGISTICS,
    PLATFORM,
    SERVICE_TAX,
    TAX,
    Line,
)
from aggregator.deals.store import Deal
from aggregator.invoices import filing
from aggregator.invoices.facts import InvoiceIssued, InvoiceOverdue
from aggregator.invoices.writing import Document, DocumentLine, Written, write
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.terms import is_over

ACT = "invoices.issue"


async def issue(market: Market, actor: Actor, command: Command, deal_id: str) -> Outcome:
    """Invoice an accepted deal and settle it if all five evidences agree.

    Raises:
        NotFound: no such deal of the actor's.
        NotAllowed: the actor is of the buyer.
        WrongState: the deal is not accepted, or invoiced already.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_seller(unit, deal_id, ACT)
        stages.require_state(deal, stages.ACCEPTED)
        lines = await store.lines_of(unit, deal.id, "accepted")
        document = _document(deal, lines, deal.seller_id, (GOODS, LOGISTICS, CAPITAL), TAX)
        written = await write(unit, document)
        await filing.prove_or_wait(unit, deal, written.id, document.total_minor)
        issued = [_issued(deal, document, written)]
        fee = _document(deal, lines, PLATFORM, (INFORMATION,), SERVICE_TAX)
        if fee.total_minor:
            issued.append(_issued(deal, fee, await write(unit, fee)))
        await stages.advance(unit, deal, stages.INVOICED, *issued)
        missing = await settling.attempt(unit, deal.id)
        return {
            "deal_id": deal.id,
            "state": (await store.load(unit, deal.id)).state,
            "invoice_id": written.id,
            "number": written.number,
            "total_minor": document.total_minor,
            "currency": deal.currency,
            "missing": missing,
        }

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def remind(market: Market, deal_id: str) -> None:
    """Ring when the invoice is overdue: the seller is told; only his own money waits."""

    async def step(unit: Unit) -> Answer:
        deal = await store.locked(unit, deal_id)
        if deal.state == stages.ACCEPTED and is_over(unit, deal.due_at):
            fact = InvoiceOverdue(deal.id, deal.buyer_id, deal.seller_id)
            await unit.record(store.stream_of(deal.id), fact)
        return {"deal_id": deal.id}

    await market.perform(Actor.SYSTEM, "invoices.remind", step, stream=store.stream_of(deal_id))


def _document(
    deal: Deal, lines: Sequence[Line], issuer: str, kinds: tuple[str, ...], tax_kind: str
) -> Document:
    by_kind = {line.kind: line for line in lines}
    tax = by_kind[tax_kind]
    assert tax.rate_bps is not None
    return Document(
        issuer=issuer,
        deal_id=deal.id,
        recipient_id=deal.buyer_id,
        currency=deal.currency,
        tax_bps=tax.rate_bps,
        tax_minor=tax.amount_minor,
        lines=tuple(DocumentLine(k, by_kind[k].lots, by_kind[k].amount_minor) for k in kinds),
    )


def _issued(deal: Deal, document: Document, written: Written) -> InvoiceIssued:
    return InvoiceIssued(
        invoice_id=written.id,
        deal_id=deal.id,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        issuer=document.issuer,
        number=written.number,
        total_minor=document.total_minor,
        currency=deal.currency,
    )
