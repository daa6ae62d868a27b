"""Deals on their way to settled: reading them, and each side's acts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from aggregator.deals import answering, cancelling, funding, quality, queries
from aggregator.fulfilment import accepting, delivering, returning, shipping
from aggregator.fulfilment import queries as goods_queries
from aggregator.invoices import issuing
from aggregator.invoices import queries as document_queries
from aggregator.market import Answer, Outcome
from web.api.deal_answers import (
    Accepted,
    Adjustments,
    AdjustmentsPublished,
    Cancelling,
    ClaimAnswered,
    ClaimDecided,
    ContestedClaims,
    DealAnswer,
    Deals,
    Delivered,
    Disputes,
    Funded,
    Invoiced,
    Moved,
    Refused,
    Resolved,
    Returned,
)
from web.api.fields import Body, Lots, Minor, Name, Page, SomeLots
from web.api.routing import PUBLIC, Call, route

DEAL = "/deals/{deal_id}"
CLAIM = DEAL + "/claims/{claim_id}"

State = Literal[
    "formed",
    "funded",
    "shipping",
    "delivered",
    "accepted",
    "invoiced",
    "settled",
    "lapsed",
    "disputed",
    "returned",
    "defaulted",
    "cancelled",
]
Dimension = Literal["time", "place", "price", "manner", "quality", "quantity"]
Measure = Annotated[str, Field(min_length=1, max_length=200)]
Graded = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
GradedValue = Annotated[int, Field(ge=1, le=10**12)]
WeightKg = Annotated[int, Field(ge=1, le=10**12)]


class DealsQuery(Page):
    """Which of one's own deals to list."""

    state: State | None = None


class FundBody(Body):
    """A part of the call, at most what is left of it."""

    amount: Minor


class ShipBody(Body):
    """One shipment with a carrier, and what he signed for: `document` is his receipt's number."""

    lots: Lots
    carrier: Name
    vehicle: Annotated[str, Field(max_length=120)] = ""
    document: Annotated[str, Field(max_length=120)] = ""
    weight_kg: WeightKg | None = None


class DeliverBody(Body):
    """A warehouse receipt or weighbridge ticket: `document` is its number."""

    lots: Lots
    place: Name
    document: Name
    weight_kg: WeightKg | None = None


class AcceptBody(Body):
    """The lots taken, what was measured of the promise, and by the price-adjustment table."""

    lots: Lots
    measured: dict[Dimension, Measure] = Field(default={})
    graded: dict[Graded, GradedValue] = Field(default={}, max_length=20)


class AdjustmentBody(Body):
    """From `at_least` of a measure on, `discount_bps` off the goods price."""

    measure: Graded
    at_least: GradedValue
    discount_bps: Annotated[int, Field(ge=1, le=10_000)]


class AdjustmentsBody(Body):
    """Rows of an instrument's table; none is ever changed."""

    rows: Annotated[list[AdjustmentBody], Field(min_length=1, max_length=200)]


class RefuseBody(Body):
    """Why nothing is taken."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ResolveBody(Body):
    """How many of the delivered lots the buyer takes; 0 calls the deal off.

    Where the rest was the seller's fault, it forfeits its share of his deposit.
    """

    lots: SomeLots
    fault: Literal["nobody", "seller"] = "nobody"


class ContestBody(Body):
    """Why the refused lots were good."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class DecideBody(Body):
    """How many of the claimed lots were rightly refused."""

    lots: SomeLots


class ReturnBody(Body):
    """Lots that go back, and the proof why."""

    lots: Lots
    reason: Literal["wet", "damaged", "wrong_goods", "below_standard", "unwanted"]
    evidence: Annotated[str, Field(min_length=1, max_length=2000)]
    disposition: Literal["restock", "downgrade", "scrap", "replace"] = "restock"


@route("GET", "/deals", act="deals.read", query=DealsQuery, out=Deals)
async def deals(call: Call) -> Answer:
    """List the deals of one's organisation, newest first, each with what it waits for."""
    asked: DealsQuery = call.query
    found = await queries.deals(call.actor, state=asked.state, after=asked.after, limit=asked.limit)
    return {"deals": [asdict(view) for view in found]}


@route("GET", DEAL, act="deals.read", out=DealAnswer)
async def deal(call: Call) -> Answer:
    """Show one of one's own deals."""
    deal_id = call.path["deal_id"]
    async with call.market.reading() as unit:
        view = asdict(await queries.deal(call.actor, deal_id, unit))
        goods = asdict(await goods_queries.goods(call.actor, deal_id, unit))
        documents = await document_queries.documents(call.actor, deal_id, unit)
    return {
        **view.pop("summary"),
        **view,
        **goods,
        "documents": [asdict(document) for document in documents],
    }


@route("POST", DEAL + "/fund", act="deals.fund", out=Funded)
async def fund(call: Call) -> Outcome:
    """Pay all that is left of the call from one's cash into the deal's escrow."""
    return await funding.fund(call.market, call.actor, call.command, call.path["deal_id"])


@route("POST", DEAL + "/fund-part", act="deals.fund", body=FundBody, out=Funded)
async def fund_part(call: Call) -> Outcome:
    """Pay a part of the call."""
    return await funding.fund(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        amount_minor=call.body.amount,
    )


@route("POST", DEAL + "/ship", act="fulfilment.ship", body=ShipBody, out=Moved)
async def ship(call: Call) -> Outcome:
    """Hand the lots to a carrier."""
    given = call.body.model_dump()
    receipt = shipping.CarrierReceipt(given.pop("document"), given.pop("weight_kg"))
    return await shipping.ship(
        call.market, call.actor, call.command, call.path["deal_id"], **given, receipt=receipt
    )


@route("POST", DEAL + "/deliver", act="fulfilment.deliver", body=DeliverBody, out=Delivered)
async def deliver(call: Call) -> Outcome:
    """Record the receipt of the lots at their place."""
    receipt = delivering.Receipt(**call.body.model_dump())
    return await delivering.deliver(
        call.market, call.actor, call.command, call.path["deal_id"], receipt
    )


@route("POST", DEAL + "/accept", act="fulfilment.accept", body=AcceptBody, out=Accepted)
async def accept(call: Call) -> Outcome:
    """Accept lots; the deal goes on with that quantity."""
    body: AcceptBody = call.body
    return await accepting.accept(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        lots=body.lots,
        measured={str(name): text for name, text in body.measured.items()},
        graded=body.graded,
    )


@route("POST", DEAL + "/refuse", act="fulfilment.accept", body=RefuseBody, out=Refused)
async def refuse(call: Call) -> Outcome:
    """Take nothing of the delivery; the operator decides."""
    return await accepting.refuse(
        call.market, call.actor, call.command, call.path["deal_id"], reason=call.body.reason
    )


@route("POST", DEAL + "/resolve", act="fulfilment.resolve", body=ResolveBody, out=Resolved)
async def resolve(call: Call) -> Outcome:
    """Decide a dispute."""
    given = call.body.model_dump()
    return await accepting.resolve(
        call.market, call.actor, call.command, call.path["deal_id"], **given
    )


@route("POST", DEAL + "/invoice", act="invoices.issue", out=Invoiced)
async def invoice(call: Call) -> Outcome:
    """Invoice the accepted lots; the deal settles when all five evidences agree."""
    return await issuing.issue(call.market, call.actor, call.command, call.path["deal_id"])


@route("POST", DEAL + "/return", act="fulfilment.return", body=ReturnBody, out=Returned)
async def return_lots(call: Call) -> Outcome:
    """Return settled lots; a credit note and the money follow at once."""
    wanted = returning.GoodsReturn(**call.body.model_dump())
    return await returning.return_lots(
        call.market, call.actor, call.command, call.path["deal_id"], wanted
    )


@route("POST", DEAL + "/cancel", act="deals.cancel", out=Cancelling)
async def cancel(call: Call) -> Outcome:
    """Propose to cancel, or agree to the other side's proposal."""
    return await cancelling.cancel(call.market, call.actor, call.command, call.path["deal_id"])


@route("POST", DEAL + "/cancel/withdraw", act="deals.cancel", out=Cancelling)
async def withdraw_cancellation(call: Call) -> Outcome:
    """Take one's proposal to cancel back."""
    return await cancelling.withdraw(call.market, call.actor, call.command, call.path["deal_id"])


@route("POST", CLAIM + "/concede", act="deals.answer_claim", out=ClaimAnswered)
async def concede_claim(call: Call) -> Outcome:
    """Admit a claim; its share of one's deposit goes to the buyer."""
    return await answering.concede(
        call.market, call.actor, call.command, call.path["deal_id"], call.path["claim_id"]
    )


@route("POST", CLAIM + "/contest", act="deals.answer_claim", body=ContestBody, out=ClaimAnswered)
async def contest_claim(call: Call) -> Outcome:
    """Contest a claim; the operator decides."""
    return await answering.contest(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        call.path["claim_id"],
        reason=call.body.reason,
    )


@route(
    "POST",
    "/claims/{claim_id}/decide",
    act="deals.decide_claim",
    body=DecideBody,
    out=ClaimDecided,
)
async def decide_claim(call: Call) -> Outcome:
    """Decide a contested claim."""
    return await answering.decide(
        call.market, call.actor, call.command, call.path["claim_id"], lots=call.body.lots
    )


@route("GET", "/claims", act="deals.decide_claim", out=ContestedClaims)
async def contested_claims(call: Call) -> Answer:
    """List the contested claims that wait for the operator."""
    return {"claims": [asdict(view) for view in await queries.contested(call.actor)]}


@route(
    "POST",
    "/instruments/{instrument}/adjustments",
    act="catalogue.define",
    body=AdjustmentsBody,
    out=AdjustmentsPublished,
    status=201,
)
async def publish_adjustments(call: Call) -> Outcome:
    """Publish what measures beyond the grade take off an instrument's goods price."""
    rows = [quality.Adjustment(**row.model_dump()) for row in call.body.rows]
    return await quality.publish(
        call.market, call.actor, call.command, call.path["instrument"], rows
    )


@route("GET", "/instruments/{instrument}/adjustments", act=PUBLIC, out=Adjustments)
async def price_adjustments(call: Call) -> Answer:
    """Show an instrument's price-adjustment table."""
    found = await quality.adjustments(call.path["instrument"])
    return {"adjustments": [asdict(row) for row in found]}


@route("GET", "/disputes", act="fulfilment.resolve", out=Disputes)
async def disputes(call: Call) -> Answer:
    """List the disputes that wait for the operator."""
    return {"disputes": [asdict(view) for view in await queries.disputes(call.actor)]}
