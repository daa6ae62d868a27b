"""Invoices and credit notes as files, and what the tax platform answered to them."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from aggregator.invoices import filing
from aggregator.invoices.filing import TaxNumber
from aggregator.invoices.printing import PrintedDocument, printed
from aggregator.invoices.ubl import ubl
from aggregator.market import Outcome
from web.api.deal_answers import TaxNumberKept, TaxNumbersRequired
from web.api.deals import DEAL
from web.api.fields import Body
from web.api.routing import Call, Download, route
from web.papers.invoice import invoice_paper
from web.papers.paper import pdf

DOCUMENT = DEAL + "/documents/{document_id}"


class TaxNumberBody(Body):
    """The number that the tax platform returned, with its code where it has one."""

    number: Annotated[str, Field(max_length=30)]
    code: Annotated[str, Field(max_length=40)] = ""


@route("GET", DOCUMENT + "/ubl.xml", act="invoices.read", gives=("application/xml",))
async def document_ubl(call: Call) -> Download:
    """Return an invoice or credit note as a UBL 2.1 file."""
    found = await _printed(call)
    return Download(ubl(found).encode(), "application/xml", f"{found.number}.xml")


@route("GET", DOCUMENT + "/paper.pdf", act="invoices.read", gives=("application/pdf",))
async def document_paper(call: Call) -> Download:
    """Return an invoice or credit note on paper, in Chinese and English."""
    found = await _printed(call)
    content = await asyncio.to_thread(pdf, invoice_paper(found))
    return Download(content, "application/pdf", f"{found.number}.pdf")


@route("POST", DOCUMENT + "/tax-number", act="invoices.file", body=TaxNumberBody, out=TaxNumberKept)
async def give_tax_number(call: Call) -> Outcome:
    """Keep the tax platform's number of one's document; the deal settles if it waited for it."""
    return await filing.give_number(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        call.path["document_id"],
        TaxNumber(**call.body.model_dump()),
    )


@route(
    "POST",
    "/instruments/{instrument}/tax-numbers",
    act="catalogue.define",
    out=TaxNumbersRequired,
    status=201,
)
async def require_tax_numbers(call: Call) -> Outcome:
    """Require the tax platform's number for an instrument's deals from now on."""
    return await filing.require_numbers(
        call.market, call.actor, call.command, call.path["instrument"]
    )


async def _printed(call: Call) -> PrintedDocument:
    async with call.market.reading() as unit:
        return await printed(call.actor, call.path["deal_id"], call.path["document_id"], unit)
