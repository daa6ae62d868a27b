"""The tax platform's channel: documents go out as files, its numbers come back and are kept.

A seller files his own documents. His program, or a person, takes the document's UBL file to the
platform and gives the number and code that it returns; the market speaks to no platform itself, so
any that answers with a number will do. Where an instrument requires the number, the invoice is no
evidence before it has come: the deal waits as invoiced, settles in the act that brings the
number, and the seller is reminded, since only his own money waits. A number stands for one of its
issuer's documents; what another firm wrote on its own neither takes it from him nor is told to him.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.catalogue.queries import instrument
from aggregator.deals import settling, stages, store
from aggregator.deals.access import as_seller, stream_for
from aggregator.deals.evidence import INVOICE, record_evidence
from aggregator.deals.store import Deal
from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.invoices.facts import InvoiceOverdue, TaxNumberGiven
from aggregator.journal.reading import Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.timers import clear_timer, set_timer

ACT, RULE = "invoices.file", "catalogue.define"
TIMER = "invoices.tax_number"
NUMBER, CODE = re.compile(r"[0-9A-Z]{8,30}"), re.compile(r"[0-9A-Z]{0,40}")


@dataclass(frozen=True, slots=True)
class TaxNumber:
    """What the platform returned; some return no code."""

    number: str
    code: str = ""


async def require_numbers(
    market: Market, actor: Actor, command: Command, instrument_id: str
) -> Outcome:
    """Require the platform's number for deals of an instrument that are formed from now on.

    Raises:
        NotFound: the instrument does not exist.
        Conflict: it is required already.

    """
    actor.require(RULE)
    await instrument(instrument_id)

    async def step(unit: Unit) -> Answer:
        known = await unit.rows(
            "select 1 from tax_number_rule where instrument_id = $1", instrument_id
        )
        if known:
            raise Conflict("tax_number_required")
        await unit.execute(
            "insert into tax_number_rule (instrument_id, since) values ($1, $2)",
            instrument_id,
            unit.now,
        )
        return {"instrument_id": instrument_id, "since": unit.stamp(unit.now)}

    return await market.perform(actor, RULE, step, command=command)


async def give_number(
    market: Market, actor: Actor, command: Command, deal_id: str, document_id: str, tax: TaxNumber
) -> Outcome:
    """Keep what the platform returned for one of the seller's documents.

    Raises:
        NotFound: no such deal of the actor's, or no such document of his firm's.
        NotAllowed: the actor is of the buyer.
        Conflict: the document has its number, or the number is another document's of the firm.
        InvalidField: the number or code breaks its form.

    """

    async def step(unit: Unit) -> Answer:
        deal = await as_seller(unit, deal_id, ACT)
        document = await unit.row(
            "select kind, total_minor from invoice where id = $1 and deal_id = $2 and issuer = $3",
            document_id,
            deal.id,
            deal.seller_id,
        )
        if document is None:
            raise NotFound("document")
        _check(tax)
        await _keep(unit, document_id, deal.seller_id, tax)
        fact = TaxNumberGiven(document_id, deal.id, deal.buyer_id, deal.seller_id, tax.number)
        await unit.record(store.stream_of(deal.id), fact)
        missing: list[str] = []
        if deal.state == stages.INVOICED and document["kind"] == INVOICE:
            await evidence(unit, deal, document_id, document["total_minor"])
            await clear_timer(unit, TIMER, deal.id)
            missing = await settling.attempt(unit, deal.id)
        state = (await store.load(unit, deal.id)).state
        return {"deal_id": deal.id, "document_id": document_id, "state": state, "missing": missing}

    stream = await stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def prove_or_wait(unit: Unit, deal: Deal, document_id: str, total_minor: int) -> None:
    """Make a fresh invoice the deal's evidence, unless its number must come first."""
    found = await unit.rows(
        "select 1 from tax_number_rule where instrument_id = $1 and since <= $2",
        deal.instrument_id,
        deal.formed_at,
    )
    if found:
        await set_timer(unit, TIMER, deal.id, unit.now + stages.INVOICE_TIME)
    else:
        await evidence(unit, deal, document_id, total_minor)


async def evidence(unit: Unit, deal: Deal, document_id: str, total_minor: int) -> None:
    await record_evidence(
        unit, deal.id, INVOICE, document_id, lots=deal.accepted_lots, amount_minor=total_minor
    )


async def remind(market: Market, deal_id: str) -> None:
    """Ring when a required number is overdue, and again while it is."""

    async def step(unit: Unit) -> Answer:
        deal = await store.locked(unit, deal_id)
        if deal.state == stages.INVOICED:
            fact = InvoiceOverdue(deal.id, deal.buyer_id, deal.seller_id)
            await unit.record(store.stream_of(deal.id), fact)
            await set_timer(unit, TIMER, deal.id, unit.now + stages.INVOICE_TIME)
        return {"deal_id": deal.id}

    await market.perform(Actor.SYSTEM, TIMER, step, stream=store.stream_of(deal_id))


async def numbers_of(reader: Reader, deal_id: str) -> dict[str, TaxNumber]:
    """Return the numbers of a deal's documents by the document's id."""
    found = await reader.rows(
        "select t.document_id, t.number, t.code from tax_number t"
        " join invoice i on i.id = t.document_id where i.deal_id = $1",
        deal_id,
    )
    return {row["document_id"]: TaxNumber(row["number"], row["code"]) for row in found}


def _check(tax: TaxNumber) -> None:
    if not NUMBER.fullmatch(tax.number):
        raise InvalidField("/number", "pattern", NUMBER.pattern)
    if not CODE.fullmatch(tax.code):
        raise InvalidField("/code", "pattern", CODE.pattern)


async def _keep(unit: Unit, document_id: str, issuer: str, tax: TaxNumber) -> None:
    known = await unit.rows(
        "select document_id from tax_number where document_id = $1"
        " or (issuer = $2 and number = $3 and code = $4)",
        document_id,
        issuer,
        tax.number,
        tax.code,
    )
    if known:
        raise Conflict("tax_number_known")
    await unit.execute(
        "insert into tax_number (document_id, issuer, number, code, filed_at)"
        " values ($1, $2, $3, $4, $5)",
        document_id,
        issuer,
        tax.number,
        tax.code,
        unit.now,
    )
