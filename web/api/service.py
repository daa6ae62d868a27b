"""Service on deals: tickets with a clock for every desk concerned, photographs of goods."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from aggregator.fulfilment import photographing, ticket_queries, tickets
from aggregator.fulfilment.pictures import JPEG, MAX_BYTES, PNG
from aggregator.market import Answer, Outcome
from web.api.deals import DEAL
from web.api.fields import Body, SomeLots
from web.api.routing import Call, Download, route
from web.api.service_answers import PhotographAdded, TicketDecided, TicketMoved, TicketsOnDesk

TICKET = DEAL + "/tickets/{ticket_id}"

Text = Annotated[str, Field(min_length=1, max_length=tickets.MAX_TEXT)]


class TicketBody(Body):
    """A matter with a deal; the buyer may dispute `lots` of it, whose money is held."""

    matter: Literal["quality", "quantity", "damage", "delay", "documents", "payment"]
    lots: SomeLots = 0
    reason: Text


class DeskBody(Body):
    """What a desk says to a ticket."""

    desk: Literal["trade", "logistics", "finance"]
    text: Text


class TicketDecisionBody(Body):
    """How many of the disputed lots were the seller's failure."""

    lots: SomeLots


@route(
    "POST",
    DEAL + "/tickets",
    act="fulfilment.raise_ticket",
    body=TicketBody,
    out=TicketMoved,
    status=201,
)
async def raise_ticket(call: Call) -> Outcome:
    """Open a ticket on one's deal at all desks concerned."""
    return await tickets.raise_ticket(
        call.market, call.actor, call.command, call.path["deal_id"], **call.body.model_dump()
    )


@route("POST", TICKET + "/answers", act="fulfilment.answer_ticket", body=DeskBody, out=TicketMoved)
async def answer_ticket(call: Call) -> Outcome:
    """Answer for a desk of one's firm."""
    return await tickets.answer(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        call.path["ticket_id"],
        **call.body.model_dump(),
    )


@route("POST", TICKET + "/withdraw", act="fulfilment.raise_ticket", out=TicketMoved)
async def withdraw_ticket(call: Call) -> Outcome:
    """Close one's own ticket."""
    return await tickets.withdraw(
        call.market, call.actor, call.command, call.path["deal_id"], call.path["ticket_id"]
    )


@route("POST", TICKET + "/concede", act="fulfilment.concede_ticket", out=TicketMoved)
async def concede_ticket(call: Call) -> Outcome:
    """Admit the buyer's ticket; what is held for its lots goes to him."""
    return await tickets.concede(
        call.market, call.actor, call.command, call.path["deal_id"], call.path["ticket_id"]
    )


@route("GET", "/tickets", act="fulfilment.decide_ticket", out=TicketsOnDesk)
async def waiting_tickets(call: Call) -> Answer:
    """List the open tickets that wait for the market's desk."""
    return {"tickets": [asdict(view) for view in await ticket_queries.waiting(call.actor)]}


@route(
    "POST",
    "/tickets/{ticket_id}/decide",
    act="fulfilment.decide_ticket",
    body=TicketDecisionBody,
    out=TicketDecided,
)
async def decide_ticket(call: Call) -> Outcome:
    """Decide a ticket."""
    return await tickets.decide(
        call.market, call.actor, call.command, call.path["ticket_id"], lots=call.body.lots
    )


@route(
    "POST",
    DEAL + "/photographs",
    act="fulfilment.photograph",
    file_types=(JPEG, PNG),
    max_bytes=MAX_BYTES,
    out=PhotographAdded,
    status=201,
)
async def add_photograph(call: Call) -> Outcome:
    """Add a photograph to one's deal; place, time and camera are left out of it."""
    return await photographing.add_photograph(
        call.market, call.actor, call.command, call.path["deal_id"], call.file
    )


@route(
    "GET",
    DEAL + "/photographs/{photograph_id}",
    act="deals.read",
    gives=("image/jpeg", "image/png"),
)
async def photograph(call: Call) -> Download:
    """Return a photograph of one's deal."""
    photograph_id = call.path["photograph_id"]
    found = await photographing.photograph(call.actor, call.path["deal_id"], photograph_id)
    ending = found.media_type.removeprefix("image/")
    return Download(found.content, found.media_type, f"{photograph_id}.{ending}")
