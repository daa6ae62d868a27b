"""Asking for an approval of an act, and deciding it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from aggregator.amounts import CURRENCY, minor_of
from aggregator.approvals.asking import Wanted, ask_for, terms_of
from aggregator.approvals.executing import approve_and_execute
from aggregator.auctions import queries as auctions
from aggregator.demand import store as requests
from aggregator.mandates import queries, requesting
from aggregator.market import Answer, Outcome
from aggregator.pools import changing, sending
from web.api.approval_terms import STANDING, LookUp
from web.api.auction_acts import DemandBody, PackageBody
from web.api.auctions import AuctionBody, BidBody
from web.api.faults import checked
from web.api.fields import Answers, Body, Id, Lots, Minor, Money, Note
from web.api.forwards import OrderBody, StripOfferBody
from web.api.mandates import Act
from web.api.offers import OfferBody
from web.api.pools import PledgeBody, PledgeChangeBody
from web.api.problem import FieldFault, InvalidFields
from web.api.routing import Call, route


class AskedBid(BidBody):
    """A bid that is asked for says how many lots."""

    lots: Lots


class AskedStanding(Body):
    """A standing order that is asked for has a limit."""

    limit: Minor


class AskedChange(PledgeChangeBody):
    """A change that is asked for names the pledge."""

    pledge: Id


class AskedSending(Body):
    """A request that is to be sent to a pool, as it stands now."""

    request: Id
    size: Lots | None = None
    agrees_to_prolong: bool = False


class AskBody(Body):
    """An act beyond one's mandate: `subject` is what it acts on, `terms` the act's own body.

    An offer to the market and a purchase that is to be opened act on nothing, and their `subject`
    is `market`. The terms of a change
    name the `pledge`, those of a request that is sent to a pool the `request`; both, and a
    demand in the rounds of a clock, are asked for as they stand at that moment. Freed lots name
    the pledge as `freed`, agreed terms beyond a limit the `order`; a change of a contract is
    asked for with its slot as the subject, a consent with its proposal.
    """

    act: Act
    subject: Id
    terms: dict[str, Any]
    note: Note = ""


class ApproveBody(Body):
    """The fingerprint of the terms that the decider saw."""

    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class RejectBody(Body):
    """Why not."""

    reason: Annotated[str, Field(max_length=500)] = ""


class Asked(Answers):
    approval_id: str
    state: str
    fingerprint: str
    ends_at: str


class Decided(Answers):
    approval_id: str
    state: str
    step: int | None = None


class Approval(Answers):
    """A request; to the market's people, who are let in by a grant, without what is asked for."""

    approval_id: str
    asked_by: str
    asked_by_name: str
    act: str
    subject: str
    terms: dict[str, Any] | None
    fingerprint: str
    amount: Money | None
    currency: str
    note: str | None
    chain: list[str]
    step: int
    state: str
    asked_at: str
    ends_at: str
    executed_at: str | None
    outcome: dict[str, Any] | None


class Decision(Answers):
    step: int
    person_id: str
    person: str
    on_behalf_of: str | None
    verdict: str
    reason: str
    at: str


class ApprovalWhole(Approval):
    decisions: list[Decision]


class Approvals(Answers):
    approvals: list[Approval]


async def _wanted(call: Call, asked: AskBody) -> Wanted:
    """Return what is asked for as its use case takes it; a word in an auction by its fields."""
    for field, schema, look_up in _LOOK_UPS.get(asked.act, ()):
        if field in asked.terms:
            return await look_up(call, asked.subject, checked(schema, asked.terms))
    schema, read = _READS[asked.act]
    return read(checked(schema, asked.terms))


async def _demand(call: Call, auction_id: str, body: DemandBody) -> Wanted:
    auction = await auctions.auction(call.actor, auction_id)
    items = auction.get("items", ()) if "round" in auction else ()
    prices = {item["id"]: minor_of(item["price"], CURRENCY) for item in items}
    for item in body.demand:
        if item not in prices:
            raise InvalidFields([FieldFault(f"/demand/{item}", "one_of", ", ".join(prices))])
    number = auction["round"] if body.round is None else body.round
    terms = {"demand": dict(body.demand), "only_round": number}
    return Wanted(terms, sum(prices[item] * lots for item, lots in body.demand.items()))


async def _package(call: Call, auction_id: str, body: PackageBody) -> Wanted:
    auction = await auctions.auction(call.actor, auction_id)
    lots_of = {item["id"]: item["lots"] for item in auction.get("items", ())}
    for place, item in enumerate(body.items):
        if item not in lots_of:
            raise InvalidFields([FieldFault(f"/items/{place}", "one_of", ", ".join(lots_of))])
    terms = {
        "items": body.items,
        "price_minor": body.price,
        "xor": body.xor,
        "attributes": body.attributes,
    }
    return Wanted(terms, body.price * sum(lots_of[item] for item in set(body.items)))


async def _purchase(_: Call, __: str, body: AuctionBody) -> Wanted:
    return Wanted(body.terms())


async def _standing(call: Call, auction_id: str, body: AskedStanding) -> Wanted:
    auction = await auctions.auction(call.actor, auction_id)
    return Wanted({"limit_minor": body.limit}, body.limit * auction["lots"])


async def _change(call: Call, pool_id: str, body: AskedChange) -> Wanted:
    wanted = body.change()
    whole = await changing.as_changed(call.actor, pool_id, body.pledge, wanted)
    assert whole.lots is not None
    assert whole.limit_minor is not None
    lots = whole.lots + (whole.tolerance_lots or 0)
    return Wanted({**terms_of(whole), "pledge_id": body.pledge}, whole.limit_minor * lots)


async def _sending(call: Call, _: str, body: AskedSending) -> Wanted:
    request = await requests.own(call.actor.organisation_id, body.request)
    terms = sending.pledge_terms(request.terms, body.size, agrees_to_prolong=body.agrees_to_prolong)
    lots = terms.lots + terms.tolerance_lots
    return Wanted({**terms_of(terms), "request_id": body.request}, terms.limit_minor * lots)


def _bid(body: AskedBid) -> Wanted:
    terms = {
        "price_minor": body.price,
        "lots": body.lots,
        "all_or_none": body.all_or_none,
        "attributes": body.attributes,
    }
    return Wanted(terms, body.price * body.lots)


def _pledge(body: PledgeBody) -> Wanted:
    return Wanted(body.terms(), body.limit * (body.lots + body.tolerance))


def _order(body: OrderBody) -> Wanted:
    lots = sum(body.schedule.values()) if body.schedule else body.lots or 0
    return Wanted(body.terms(), body.limit * lots)


def _strip_offer(body: StripOfferBody) -> Wanted:
    terms = body.terms()
    dearest = max(step.price for steps in body.steps.values() for step in steps)
    return Wanted(terms, dearest * (terms.capacity + terms.stored_lots))


def _offer(body: OfferBody) -> Wanted:
    return Wanted(body.terms(), body.breaks[0].price * body.capacity_lots)


_LOOK_UPS: Mapping[str, Sequence[LookUp]] = {
    **STANDING,
    "auctions.bid": (
        ("closes_at", AuctionBody, _purchase),
        ("demand", DemandBody, _demand),
        ("items", PackageBody, _package),
        ("limit", AskedStanding, _standing),
    ),
    "pools.pledge": (
        ("pledge", AskedChange, _change),
        ("request", AskedSending, _sending),
        *STANDING["pools.pledge"],
    ),
}
"""What needs a look at what it acts on, told by a field that only its terms have."""

_READS: Mapping[str, tuple[type[Body], Callable[[Any], Wanted]]] = {
    "auctions.bid": (AskedBid, _bid),
    "forwards.offer": (StripOfferBody, _strip_offer),
    "forwards.order": (OrderBody, _order),
    "pools.pledge": (PledgeBody, _pledge),
    "supply.offer": (OfferBody, _offer),
}


@route("GET", "/approvals", act="approvals.read", out=Approvals)
async def approvals(call: Call) -> Answer:
    """List requests, the waiting ones first: the firm's to who decides, else one's own."""
    return {"approvals": await queries.approvals(call.actor, call.market.clock.now())}


@route("POST", "/approvals", act="approvals.ask", body=AskBody, out=Asked, status=201)
async def ask_for_approval(call: Call) -> Outcome:
    """Ask for an approval; the terms stay as they are asked for."""
    body: AskBody = call.body
    try:
        wanted = await _wanted(call, body)
    except InvalidFields as error:
        faults = [replace(one, pointer=f"/terms{one.pointer}") for one in error.faults]
        raise InvalidFields(faults) from None
    return await ask_for(
        call.market,
        call.actor,
        call.command,
        wanted,
        act=body.act,
        subject=body.subject,
        currency=CURRENCY,
        note=body.note,
    )


@route("GET", "/approvals/{approval_id}", act="approvals.read", out=ApprovalWhole)
async def approval(call: Call) -> Answer:
    """Show one request and what was decided of it."""
    now = call.market.clock.now()
    return dict(await queries.approval(call.actor, now, call.path["approval_id"]))


@route(
    "POST",
    "/approvals/{approval_id}/approve",
    act="approvals.decide",
    body=ApproveBody,
    out=Decided,
)
async def approve(call: Call) -> Outcome:
    """Say yes; after the last yes of the chain the act is carried out at once."""
    body: ApproveBody = call.body
    return await approve_and_execute(
        call.market,
        call.actor,
        call.command,
        call.path["approval_id"],
        fingerprint=body.fingerprint,
    )


@route(
    "POST", "/approvals/{approval_id}/reject", act="approvals.decide", body=RejectBody, out=Decided
)
async def reject(call: Call) -> Outcome:
    """Say no, which ends the request."""
    return await requesting.reject(
        call.market,
        call.actor,
        call.command,
        call.path["approval_id"],
        reason=call.body.reason,
    )


@route("POST", "/approvals/{approval_id}/withdraw", act="approvals.ask", out=Decided)
async def withdraw_approval(call: Call) -> Outcome:
    """Take one's own request back while it waits."""
    return await requesting.withdraw(
        call.market, call.actor, call.command, call.path["approval_id"]
    )
