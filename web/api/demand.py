"""Requests as drafts, templates and repeats, and what a buyer may want next."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregator.demand import drafting, queries, repeating, store
from aggregator.demand.terms import MAX_CREDIT_DAYS, RequestTerms
from aggregator.market import Answer, Outcome
from aggregator.pools import sending, suggesting
from web.api.fields import (
    Answers,
    Body,
    Id,
    Instrument,
    Lots,
    Minor,
    Money,
    Page,
    Region,
    SomeLots,
    Tenor,
)
from web.api.pool_answers import Pledged
from web.api.routing import Call, route

REQUEST = "/requests/{request_id}"
Payment = Literal["prepay", "on_delivery", "credit"]
Place = Annotated[str, Field(max_length=120)]
CreditDays = Annotated[int, Field(ge=0, le=MAX_CREDIT_DAYS)]


class RequestsQuery(Page):
    """Which requests to list."""

    state: Literal["draft", "template", "sent", "bought", "withdrawn"] | None = None


class RequestBody(Body):
    """A need in a window of delivery months, one month without `last_tenor`.

    `limit` is the highest landed price per lot before tax, own `freight` in it; it is secret
    and may stay open until the request is sent. A template is for copies and repeats.
    """

    instrument: Instrument
    region: Region
    first_tenor: Tenor
    last_tenor: Tenor | None = None
    lots: Lots
    tolerance: SomeLots = 0
    limit: Minor | None = None
    freight: Minor = 0
    place: Place = ""
    payment: Payment = "prepay"
    credit_days: CreditDays = 0
    is_template: bool = False


class RequestChangeBody(Body):
    """What is to be different."""

    first_tenor: Tenor | None = None
    last_tenor: Tenor | None = None
    lots: Lots | None = None
    tolerance: SomeLots | None = None
    limit: Minor | None = None
    freight: Minor | None = None
    place: Place | None = None
    payment: Payment | None = None
    credit_days: CreditDays | None = None


class CopyBody(Body):
    """The month that the copy's window begins with; without it the same window."""

    first_tenor: Tenor | None = None


class RepeatBody(Body):
    """A draft each so many months, `lead_days` before its month begins."""

    every_months: Annotated[int, Field(ge=1, le=repeating.MAX_EVERY_MONTHS)] = 1
    next_tenor: Tenor
    lead_days: Annotated[int, Field(ge=1, le=repeating.MAX_LEAD_DAYS)] = 30
    until_tenor: Tenor | None = None


class SendBody(Body):
    """The pool that the request goes to, as a binding pledge."""

    pool_id: Id
    size: Lots | None = None
    agrees_to_prolong: bool = False


class Repeating(Answers):
    every_months: int
    next_tenor: str
    lead_days: int
    until_tenor: str | None


class RequestMeaning(Answers):
    instrument_id: str
    region: str
    first_tenor: str
    last_tenor: str
    lots: int
    tolerance: int
    limit: Money | None
    freight: Money
    place: str
    payment: str
    credit_days: int


class RequestAnswer(RequestMeaning):
    """A request; `pool_id` and `pledge_id` say where it was sent last."""

    request_id: str
    state: str
    copied_from: str | None
    pool_id: str | None
    pledge_id: str | None
    repeat: Repeating | None
    drafted_at: str
    changed_at: str


class Requests(Answers):
    requests: list[RequestAnswer]


class RequestState(Answers):
    request_id: str
    state: str


class RequestSent(Pledged):
    request_id: str


class LastPrice(Answers):
    """One's own last settled landed price, per lot before tax."""

    deal_id: str
    cell: str
    landed: Money
    settled_at: str


class Reached(Answers):
    """A price break: from how many lots on it counts, and what it costs the firm, landed."""

    from_lots: int
    landed: Money


class OpenPool(Answers):
    """An open pool, with a `limit` for it and the first price break that this reaches.

    `is_limit_raised` when the last price paid reaches none; without any offer there is none.
    """

    pool_id: str
    tenor: str
    phase: str
    firming_at: str
    closes_at: str
    is_joined: bool
    limit: Money
    reaches: Reached | None
    is_limit_raised: bool


class Suggestion(Answers):
    """A usual month and the last price, as proposed lots and limit, and the open pools."""

    instrument_id: str
    region: str
    currency: str
    lots: int
    limit: Money
    freight: Money
    last: LastPrice
    pools: list[OpenPool]


class Suggestions(Answers):
    suggestions: list[Suggestion]


@route("GET", "/requests", act=queries.ACT, query=RequestsQuery, out=Requests)
async def requests(call: Call) -> Answer:
    """List one's firm's requests, the newest first."""
    asked: RequestsQuery = call.query
    found = await queries.requests(
        call.actor, state=asked.state, limit=asked.limit, after=asked.after
    )
    return {"requests": [_shown(request) for request in found]}


@route("POST", "/requests", act=store.ACT, body=RequestBody, out=RequestState, status=201)
async def draft_request(call: Call) -> Outcome:
    """Write a need down as a draft, or as a template."""
    body: RequestBody = call.body
    terms = RequestTerms(
        instrument_id=body.instrument,
        region=body.region,
        first_tenor=body.first_tenor,
        last_tenor=body.last_tenor or body.first_tenor,
        lots=body.lots,
        tolerance_lots=body.tolerance,
        limit_minor=body.limit,
        freight_minor=body.freight,
        place=body.place,
        payment=body.payment,
        credit_days=body.credit_days,
    )
    act = drafting.keep_template if body.is_template else drafting.draft
    return await act(call.market, call.actor, call.command, terms)


@route("GET", REQUEST, act=queries.ACT, out=RequestAnswer)
async def request(call: Call) -> Answer:
    """Show one of one's firm's requests."""
    return _shown(await queries.request(call.actor, call.path["request_id"]))


@route("PATCH", REQUEST, act=store.ACT, body=RequestChangeBody, out=RequestState)
async def change_request(call: Call) -> Outcome:
    """Change a draft or a template."""
    body: RequestChangeBody = call.body
    wanted = drafting.RequestChange(
        first_tenor=body.first_tenor,
        last_tenor=body.last_tenor,
        lots=body.lots,
        tolerance_lots=body.tolerance,
        limit_minor=body.limit,
        freight_minor=body.freight,
        place=body.place,
        payment=body.payment,
        credit_days=body.credit_days,
    )
    return await drafting.change(
        call.market, call.actor, call.command, call.path["request_id"], wanted
    )


@route("DELETE", REQUEST, act=store.ACT, out=RequestState)
async def withdraw_request(call: Call) -> Outcome:
    """Take a request back, and its pledge with it while the pool gathers."""
    return await sending.withdraw_request(
        call.market, call.actor, call.command, call.path["request_id"]
    )


@route("POST", f"{REQUEST}/copy", act=store.ACT, body=CopyBody, out=RequestState, status=201)
async def copy_request(call: Call) -> Outcome:
    """Draft anew what a request or a template asks for."""
    body: CopyBody = call.body
    return await drafting.copy(
        call.market, call.actor, call.command, call.path["request_id"], body.first_tenor
    )


@route("PUT", f"{REQUEST}/repeat", act=store.ACT, body=RepeatBody, out=RequestState)
async def repeat_request(call: Call) -> Outcome:
    """Let a template come again by itself."""
    body: RepeatBody = call.body
    wanted = store.Repeat(body.every_months, body.next_tenor, body.lead_days, body.until_tenor)
    return await repeating.repeat(
        call.market, call.actor, call.command, call.path["request_id"], wanted
    )


@route("DELETE", f"{REQUEST}/repeat", act=store.ACT, out=RequestState)
async def stop_request(call: Call) -> Outcome:
    """Let a template come no more."""
    return await repeating.stop_repeat(
        call.market, call.actor, call.command, call.path["request_id"]
    )


@route("POST", f"{REQUEST}/send", act="pools.pledge", body=SendBody, out=RequestSent, status=201)
async def send_request(call: Call) -> Outcome:
    """Send a draft to a pool as a binding pledge; the deposit is held in the same act."""
    body: SendBody = call.body
    return await sending.send(
        call.market,
        call.actor,
        call.command,
        call.path["request_id"],
        body.pool_id,
        size_lots=body.size,
        agrees_to_prolong=body.agrees_to_prolong,
    )


@route("GET", "/suggestions", act=queries.ACT, out=Suggestions)
async def suggestions(call: Call) -> Answer:
    """Propose the next pools, from one's own settled deals and open pools."""
    found = await suggesting.suggestions(call.actor, call.market.clock.now())
    return {"suggestions": [_suggested(suggestion) for suggestion in found]}


def _shown(found: store.Request) -> Answer:
    terms, repeat = found.terms, found.repeat
    return {
        "request_id": found.id,
        "state": found.state,
        "instrument_id": terms.instrument_id,
        "region": terms.region,
        "first_tenor": terms.first_tenor,
        "last_tenor": terms.last_tenor,
        "lots": terms.lots,
        "tolerance": terms.tolerance_lots,
        "limit_minor": terms.limit_minor,
        "freight_minor": terms.freight_minor,
        "place": terms.place,
        "payment": terms.payment,
        "credit_days": terms.credit_days,
        "copied_from": found.copied_from,
        "pool_id": found.pool_id,
        "pledge_id": found.pledge_id,
        "repeat": None
        if repeat is None
        else {
            "every_months": repeat.every_months,
            "next_tenor": repeat.next_tenor,
            "lead_days": repeat.lead_days,
            "until_tenor": repeat.until_tenor,
        },
        "drafted_at": found.drafted_at,
        "changed_at": found.changed_at,
    }


def _suggested(found: suggesting.Suggestion) -> Answer:
    return {
        "instrument_id": found.instrument_id,
        "region": found.region,
        "currency": found.currency,
        "lots": found.lots,
        "limit_minor": found.limit_minor,
        "freight_minor": found.freight_minor,
        "last": {
            "deal_id": found.last.deal_id,
            "cell": found.last.cell,
            "landed_minor": found.last.landed_minor,
            "settled_at": found.last.settled_at,
        },
        "pools": [
            {
                "pool_id": pool.pool_id,
                "tenor": pool.tenor,
                "phase": pool.phase,
                "firming_at": pool.firming_at,
                "closes_at": pool.closes_at,
                "is_joined": pool.is_joined,
                "limit_minor": pool.proposal.limit_minor,
                "reaches": _reached(pool.proposal.reach),
                "is_limit_raised": pool.proposal.is_raised,
            }
            for pool in found.pools
        ],
    }


def _reached(found: suggesting.Reach | None) -> Answer | None:
    if found is None:
        return None
    return {"from_lots": found.from_lots, "landed_minor": found.landed_minor}
