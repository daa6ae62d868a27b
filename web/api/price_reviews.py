"""Deals that look like circular trade and feed no price until two persons have looked at them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.prices import review_queries, reviewing
from web.api.fields import Answers, Body, Id, Money, Name
from web.api.routing import Call, route

PARKED = "/parked-deals/{deal_id}/reviews"


class VerdictBody(Body):
    """What is to become of a parked deal's circle, and why; `deals` names some of it alone."""

    verdict: Literal["release", "exclude"]
    reason: Name
    deals: Annotated[list[Id], Field(max_length=200)] = Field(default=[])


class TradeAnswer(Answers):
    """A settled deal as the screen saw it; `price` is for a lot of goods.

    `state` is `parked`, `waiting`, `published` or `excluded`.
    """

    deal_id: str
    cell: str
    seller: str
    seller_group: str
    buyer: str
    buyer_group: str
    lots: int
    price: Money
    currency: str
    settled_at: str
    state: str


class ProposalAnswer(Answers):
    motion_id: str
    verdict: str
    reason: str
    expires_at: str
    deals: list[str]
    is_mine: bool


class ParkedAnswer(Answers):
    """A parked deal that closed a circle.

    `ring` are the trades that brought the goods back by the fewest hands, one a hand; `legs` all
    other deals of the circle, parked with it or published before.
    """

    trade: TradeAnswer
    parked_for: str
    ring: list[TradeAnswer]
    legs: list[TradeAnswer]
    proposal: ProposalAnswer | None


class ParkedDeals(Answers):
    deals: list[ParkedAnswer]


class VerdictProposed(Answers):
    deal_id: str
    motion_id: str
    verdict: str
    expires_at: str
    deals: list[str]


class VerdictReached(Answers):
    deal_id: str
    motion_id: str
    verdict: str


@route("GET", "/parked-deals", act="prices.audit", out=ParkedDeals)
async def parked_deals(call: Call) -> Answer:
    """List the circles of trade that wait for a review."""
    found = await review_queries.parked(call.actor, call.market.clock.now())
    return {"deals": [asdict(one) for one in found]}


@route("POST", PARKED, act="prices.review", body=VerdictBody, out=VerdictProposed, status=202)
async def propose_review(call: Call) -> Outcome:
    """Propose to let a circle's parked deals feed their prices, or to leave them out for good."""
    return await reviewing.propose(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        **call.body.model_dump(),
    )


@route("POST", PARKED + "/{motion_id}/approve", act="prices.review", out=VerdictReached)
async def approve_review(call: Call) -> Outcome:
    """Do what another person of the operator has proposed."""
    return await reviewing.approve(
        call.market,
        call.actor,
        call.command,
        call.path["deal_id"],
        call.path["motion_id"],
    )
