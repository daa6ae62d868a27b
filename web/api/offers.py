"""Suppliers' standing offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from aggregator.catalogue.tenors import parse_cell
from aggregator.market import Actor, Answer, Outcome
from aggregator.standing.privileges import tier_names
from aggregator.supply import audiences, offering, queries
from aggregator.supply.queries import OfferView
from web.api.fields import Answers, Body, Cell, Id, Instant, Lots, Minor, Money, Page
from web.api.routing import Call, route
from web.api.standing import TierName


class BreakBody(Body):
    """From so many lots in all, this goods price for every lot."""

    from_lots: Lots
    price: Minor


class OfferBody(Body):
    """A binding schedule: lots rise from break to break, prices never do.

    A total is a multiple of `pack`; all who take from the offer together never exceed
    `capacity_lots`. An offer that is not public counts at the close and is shown
    to the groups `shown_to`, to firms of the tier `from_tier` and above and to those of a class
    (the industry `for_kind`, the size `for_size`, or both at once), and to nobody else.
    """

    cell: Cell
    breaks: Annotated[list[BreakBody], Field(min_length=1, max_length=50)]
    capacity_lots: Lots
    pack: Lots = 1
    is_public: bool = True
    shown_to: Annotated[list[Id], Field(default_factory=list, max_length=50)]
    from_tier: TierName | None = None
    for_kind: Literal["factory", "mill", "trader", "refiner"] | None = None
    for_size: TierName | None = None
    valid_until: Instant | None = None

    def terms(self) -> offering.OfferTerms:
        return offering.OfferTerms(
            cell=parse_cell(self.cell),
            breaks=tuple((step.from_lots, step.price) for step in self.breaks),
            capacity_lots=self.capacity_lots,
            pack=self.pack,
            is_public=self.is_public,
            shown_to=tuple(self.shown_to),
            from_tier=self.from_tier,
            for_kind=self.for_kind,
            for_size=self.for_size,
            valid_until=self.valid_until,
        )


class OffersQuery(Page):
    """Which offers to list."""

    cell: Cell | None = None


class Break(Answers):
    from_lots: int
    price: Money


class OwnOffer(Answers):
    taken_lots: int
    is_public: bool
    shown_to: list[str]
    from_tier: str | None
    for_kind: str | None
    for_size: str | None


class OfferAnswer(Answers):
    """`own` is there for the supplier only; `why` says why one sees it."""

    offer_id: str
    seller_id: str
    seller_name: str
    seller_name_en: str
    cell: str
    breaks: list[Break]
    pack: int
    capacity_lots: int
    state: str
    published_at: str
    valid_until: str
    why: Literal["own", "public", "named", "tier", "class"]
    own: OwnOffer | None


class Offers(Answers):
    offers: list[OfferAnswer]


class OfferChanged(Answers):
    offer_id: str
    state: str
    valid_until: str | None = None


@route("GET", "/offers", act="supply.read", query=OffersQuery, out=Offers)
async def offers(call: Call) -> Answer:
    """List the standing offers that one may see and all of one's own, the newest first."""
    asked: OffersQuery = call.query
    found = await queries.offers(call.viewer, cell=asked.cell, limit=asked.limit, after=asked.after)
    groups = await audiences.shown_to(call.actor)
    tiers = await tier_names(call.market.clock.now())
    return {"offers": [_shown(view, call.actor, groups.get(view.id, ()), tiers) for view in found]}


@route("POST", "/offers", act="supply.offer", body=OfferBody, out=OfferChanged, status=201)
async def publish_offer(call: Call) -> Outcome:
    """Publish a binding offer of one's firm."""
    return await offering.publish_offer(call.market, call.actor, call.command, call.body.terms())


@route("DELETE", "/offers/{offer_id}", act="supply.offer", out=OfferChanged)
async def withdraw_offer(call: Call) -> Outcome:
    """Take an own offer back; what was taken of it stays bound."""
    return await offering.withdraw_offer(
        call.market, call.actor, call.command, call.path["offer_id"]
    )


def _shown(view: OfferView, viewer: Actor, groups: Sequence[str], tiers: Sequence[str]) -> Answer:
    is_own = view.seller_id == viewer.organisation_id
    reasons = {
        "own": is_own,
        "public": view.is_public,
        "named": view.is_named,
        "class": view.is_for_class,
        "tier": True,
    }
    own = {
        "taken_lots": view.taken_lots,
        "is_public": view.is_public,
        "shown_to": list(groups),
        "from_tier": tiers[min(view.from_tier, len(tiers) - 1)] if view.from_tier else None,
        "for_kind": view.for_kind,
        "for_size": view.for_size,
    }
    return {
        "offer_id": view.id,
        "seller_id": view.seller_id,
        "seller_name": view.seller_name,
        "seller_name_en": view.seller_name_en,
        "cell": view.cell,
        "breaks": [{"from_lots": lots, "price_minor": price} for lots, price in view.breaks],
        "pack": view.pack,
        "capacity_lots": view.capacity_lots,
        "state": view.state,
        "published_at": view.published_at,
        "valid_until": view.valid_until,
        "why": next(why for why, is_so in reasons.items() if is_so),
        "own": own if is_own else None,
    }
