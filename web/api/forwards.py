"""Forward orders: windows, buyers' orders by month, suppliers' sealed offers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from aggregator.errors import InvalidField
from aggregator.forwards import (
    asking,
    board,
    clocking,
    countering,
    offering,
    opening,
    ordering,
    queries,
)
from aggregator.forwards.talks import MAX_ROUNDS, ClockTerms, CounterTerms, TalkTerms
from aggregator.market import Answer, Outcome
from web.api.contracts import Sha256
from web.api.fields import (
    Body,
    Id,
    Instant,
    Instrument,
    Lots,
    Minor,
    Name,
    Region,
    SomeLots,
    Tenor,
)
from web.api.routing import PUBLIC, Call, route


class CounterBody(Body):
    """Offers and counter-offers with one mill once the window has closed."""

    seller: Id
    answer_minutes: Annotated[int, Field(ge=1, le=10_080)] = 1440
    max_rounds: Annotated[int, Field(ge=1, le=MAX_ROUNDS)] = 6


class ClockBody(Body):
    """A clock over the months once the window has closed: prices by month that move by a step."""

    direction: Literal["falling", "rising"]
    start: dict[Tenor, Minor]
    step: Minor
    round_minutes: Annotated[int, Field(ge=1, le=10_080)] = 10
    max_rounds: Annotated[int, Field(ge=1, le=MAX_ROUNDS)] = 50


class StripBody(Body):
    """A window in which forward orders are gathered; offers are sealed without other rounds."""

    title: Name
    instrument: Instrument
    region: Region
    tenors: Annotated[list[Tenor], Field(min_length=1, max_length=24)]
    opens_at: Instant | None = None
    closes_at: Instant
    pricing: Literal["supported", "make_whole"] = "supported"
    signing_bps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    month_bps: Annotated[int, Field(ge=0, le=10_000)] = 0
    index_reference: Minor | None = None
    index_default: Minor | None = None
    counter: CounterBody | None = None
    clock: ClockBody | None = None


class RoundBody(Body):
    """The prices that the bundle names to its mill, by month."""

    prices: Annotated[dict[Tenor, Minor], Field(min_length=1, max_length=24)]


class TermsBody(Body):
    """The hash of the terms that were read."""

    terms_sha256: Sha256


class AcceptBody(TermsBody):
    """The round whose terms are accepted."""

    round: Annotated[int, Field(ge=1, le=MAX_ROUNDS)]


class SupplyBody(Body):
    """The lots that a mill delivers by month at the prices of the round."""

    lots: Annotated[dict[Tenor, SomeLots], Field(min_length=1, max_length=24)]


class OrderBody(Body):
    """A buyer's order: `period` (tenor, lots), `flexible` (window, lots) or `block` (schedule)."""

    form: Annotated[str, Field(pattern="^(period|flexible|block)$")]
    limit: Minor
    lots: Lots | None = None
    tenor: Tenor | None = None
    window: Annotated[list[Tenor], Field(min_length=2, max_length=2)] | None = None
    per_tenor_max: Lots | None = None
    min_lots: SomeLots = 0
    schedule: Annotated[dict[Tenor, Lots], Field(min_length=1, max_length=24)] | None = None

    def terms(self) -> ordering.OrderTerms:
        return ordering.OrderTerms(
            form=self.form,
            limit_minor=self.limit,
            lots=self.lots,
            tenor=self.tenor,
            window=(self.window[0], self.window[1]) if self.window else None,
            per_tenor_max=self.per_tenor_max,
            min_lots=self.min_lots,
            schedule=self.schedule,
        )


class StepBody(Body):
    """So many lots at this price per lot."""

    lots: Lots
    price: Minor


class BreakBody(Body):
    """From so many lots in all, this rebate per lot on every lot."""

    lots: Lots
    rebate: Minor


class StorageBody(Body):
    """Room for lots of one month until a later one, at this carry per lot."""

    from_: Annotated[Tenor, Field(alias="from")]
    to: Tenor
    lots: Lots
    carry: Minor


class StripOfferBody(Body):
    """A supplier's sealed offer to the whole bundle."""

    steps: Annotated[
        dict[Tenor, Annotated[list[StepBody], Field(min_length=1, max_length=50)]],
        Field(min_length=1, max_length=24),
    ]
    capacity: Lots
    min_total: Lots = 1
    breaks: Annotated[tuple[BreakBody, ...], Field(max_length=50, strict=False)] = ()
    storage: Annotated[tuple[StorageBody, ...], Field(max_length=24, strict=False)] = ()

    def terms(self) -> offering.OfferTerms:
        return offering.OfferTerms(
            steps={
                tenor: tuple((step.lots, step.price) for step in steps)
                for tenor, steps in self.steps.items()
            },
            capacity=self.capacity,
            min_total=self.min_total,
            breaks=tuple((found.lots, found.rebate) for found in self.breaks),
            storage=tuple((r.from_, r.to, r.lots, r.carry) for r in self.storage),
        )


@route("GET", "/forwards", act=PUBLIC)
async def forward_board(call: Call) -> Answer:
    """Show curves of settled prices, open bundles, and one's own position and gains."""
    now = call.market.clock.now()
    found: Answer = {
        "curves": await board.curves(),
        "bundles": [
            {**_shown(bundle.strip), "lacks": bundle.lacks} for bundle in await board.bundles(now)
        ],
    }
    if call.viewer is None:
        return found
    return {
        **found,
        "position": await board.position(call.viewer),
        "gains": [asdict(gain) for gain in await board.gains(call.viewer)],
    }


@route("GET", "/strips", act=PUBLIC)
async def strips(call: Call) -> Answer:
    """List forward windows, the open ones first."""
    return {"strips": [_shown(v) for v in await queries.strips(call.market.clock.now())]}


@route("POST", "/strips", act="forwards.open", body=StripBody, status=201)
async def open_strip(call: Call) -> Outcome:
    """Open a window for forward orders."""
    given = call.body
    terms = opening.StripTerms(
        title=given.title,
        instrument_id=given.instrument,
        region=given.region,
        tenors=tuple(given.tenors),
        opens_at=given.opens_at,
        closes_at=given.closes_at,
        pricing=given.pricing,
        signing_bps=given.signing_bps,
        month_bps=given.month_bps,
        index_reference_minor=given.index_reference,
        index_default_minor=given.index_default,
        talks=_talks(given),
    )
    return await opening.open_strip(call.market, call.actor, call.command, terms)


@route("GET", "/strips/{strip_id}", act=PUBLIC)
async def strip(call: Call) -> Answer:
    """Show one strip, with one's own orders, offers and contracts in it."""
    strip_id = call.path["strip_id"]
    found = _shown(await queries.strip(strip_id, call.market.clock.now()))
    if call.viewer is None:
        return {**found, "talks": await queries.rounds(None, strip_id)}
    return {
        **found,
        "talks": await queries.rounds(call.viewer, strip_id),
        "orders": [asdict(order) for order in await queries.own_orders(call.viewer, strip_id)],
        "offers": [_offer(offer) for offer in await queries.own_offers(call.viewer, strip_id)],
        "contracts": [dict(r) for r in await queries.own_contracts(call.viewer, strip_id)],
    }


@route("POST", "/strips/{strip_id}/orders", act="forwards.order", body=OrderBody, status=201)
async def place_order(call: Call) -> Outcome:
    """Place a forward order."""
    return await ordering.place_order(
        call.market, call.actor, call.command, call.path["strip_id"], call.body.terms()
    )


@route("DELETE", "/strips/{strip_id}/orders/{order_id}", act="forwards.order")
async def cancel_order(call: Call) -> Outcome:
    """Take back one's own order while the window is open."""
    return await ordering.cancel_order(
        call.market, call.actor, call.command, call.path["strip_id"], call.path["order_id"]
    )


@route("POST", "/strips/{strip_id}/offers", act="forwards.offer", body=StripOfferBody, status=201)
async def place_strip_offer(call: Call) -> Outcome:
    """Place a sealed offer, in place of one's earlier one."""
    return await offering.place_offer(
        call.market, call.actor, call.command, call.path["strip_id"], call.body.terms()
    )


@route("POST", "/strips/{strip_id}/rounds", act="forwards.negotiate", body=RoundBody, status=201)
async def propose_terms(call: Call) -> Outcome:
    """Name prices to the mill for the bundle."""
    return await countering.propose(
        call.market, call.actor, call.command, call.path["strip_id"], call.body.prices
    )


@route("POST", "/strips/{strip_id}/rounds/accept", act="forwards.accept", body=AcceptBody)
async def accept_terms(call: Call) -> Outcome:
    """Accept what the other side said last."""
    return await countering.accept(
        call.market,
        call.actor,
        call.command,
        call.path["strip_id"],
        call.body.round,
        terms_sha256=call.body.terms_sha256,
    )


@route("POST", "/strips/{strip_id}/supplies", act="forwards.offer", body=SupplyBody)
async def say_supply(call: Call) -> Outcome:
    """Say how much one delivers at the prices of the clock's round."""
    return await clocking.supply(
        call.market, call.actor, call.command, call.path["strip_id"], call.body.lots
    )


@route("POST", "/strips/{strip_id}/orders/{order_id}/approve", act="forwards.order", body=TermsBody)
async def approve_terms(call: Call) -> Outcome:
    """Take agreed terms that lie beyond an order's limit."""
    return await asking.approve(
        call.market,
        call.actor,
        call.command,
        call.path["strip_id"],
        call.path["order_id"],
        terms_sha256=call.body.terms_sha256,
    )


@route("POST", "/strips/{strip_id}/orders/{order_id}/decline", act="forwards.order")
async def decline_terms(call: Call) -> Outcome:
    """Keep an order's limit."""
    return await asking.decline(
        call.market, call.actor, call.command, call.path["strip_id"], call.path["order_id"]
    )


def _talks(given: StripBody) -> TalkTerms | None:
    if given.counter is not None and given.clock is not None:
        raise InvalidField("/clock", "either counter or clock")
    if given.counter is not None:
        said = given.counter
        return CounterTerms(said.seller, said.answer_minutes, said.max_rounds)
    if given.clock is not None:
        clock = given.clock
        return ClockTerms(
            clock.direction, clock.start, clock.step, clock.round_minutes, clock.max_rounds
        )
    return None


def _shown(view: queries.StripView) -> Answer:
    found = asdict(view)
    found["instrument"] = found.pop("instrument_id")
    return found


def _offer(view: queries.OwnOffer) -> Answer:
    found = asdict(view)
    found["steps"] = {
        tenor: [{"lots": lots, "price_minor": price} for lots, price in steps]
        for tenor, steps in view.steps.items()
    }
    found["breaks"] = [{"lots": lots, "rebate_minor": rebate} for lots, rebate in view.breaks]
    kept = view.kept or [0] * len(view.storage)
    found["storage"] = [
        {**queries.storage_view(*route), "kept_lots": lots}
        for route, lots in zip(view.storage, kept, strict=True)
    ]
    del found["kept"]
    return found
