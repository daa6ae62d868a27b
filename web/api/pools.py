"""Group buys: listing, opening, pledging, and what a pledge would cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregator.catalogue.tenors import parse_cell
from aggregator.market import Answer, Outcome
from aggregator.pools import answering, opening, pledging, queries, saving, shortage, stopping
from aggregator.prices import queries as prices
from aggregator.standing.privileges import deposit_off
from matching.clearing.form import canonical_json
from web.api.auction_stops import ReasonBody
from web.api.fields import Body, Cell, Instant, Lots, Minor, Page, Query, SomeLots
from web.api.pool_answers import (
    Pledged,
    PledgeEnded,
    PoolOpened,
    Pools,
    PoolStopped,
    PoolView,
    Preview,
    Savings,
    Shortfall,
    StopProposed,
    Substituted,
)
from web.api.routing import PUBLIC, Call, Download, route

PLEDGE = "/pools/{pool_id}/pledges/{pledge_id}"
Minutes = Annotated[int, Field(ge=0, le=opening.MAX_MINUTES)]


class PoolsQuery(Page):
    """Which pools to list."""

    cell: Cell | None = None
    phase: Literal["gathering", "firming", "closed", "awarded", "lapsed"] | None = None


class PoolBody(Body):
    """How a pool lives; everything is frozen when it opens.

    `firming_at` is 24 hours before the close when absent. `mode`: the standing offers'
    price `breaks` buy at the close, or an `auction` below them, or the better of `both`. With
    `max_share` several suppliers may win the auction, each at most so many per cent. With
    `has_early_sight` each tier sees it as many hours early as the rulebook says. A firm opens
    as many of its own as its tier allows.
    """

    cell: Cell
    closes_at: Instant
    firming_at: Instant | None = None
    mode: Literal["breaks", "auction", "both"] = "breaks"
    auction_minutes: Minutes | None = None
    prolong_minutes: Minutes = 0
    min_members: Annotated[int, Field(ge=3, le=1000)] = opening.MIN_MEMBERS
    max_share: Annotated[int, Field(ge=opening.MIN_SHARE, le=opening.MAX_SHARE)] | None = None
    has_early_sight: bool = False


class PledgeBody(Body):
    """A binding pledge.

    `limit` is the highest landed price per lot before tax (goods, own `freight`, fee) and
    secret; `tolerance` is what one would take beyond `lots`; `size` declares a usual month.
    """

    lots: Lots
    limit: Minor
    tolerance: SomeLots = 0
    freight: Minor = 0
    size: Lots | None = None
    agrees_to_prolong: bool = False

    def terms(self) -> pledging.PledgeTerms:
        return pledging.PledgeTerms(
            lots=self.lots,
            limit_minor=self.limit,
            tolerance_lots=self.tolerance,
            freight_minor=self.freight,
            size_lots=self.size,
            agrees_to_prolong=self.agrees_to_prolong,
        )


class PledgeChangeBody(Body):
    """What is to be different; in firming only more lots, a higher limit, less freight."""

    lots: Lots | None = None
    limit: Minor | None = None
    tolerance: SomeLots | None = None
    freight: Minor | None = None
    agrees_to_prolong: bool | None = None

    def change(self) -> pledging.PledgeChange:
        return pledging.PledgeChange(
            lots=self.lots,
            limit_minor=self.limit,
            tolerance_lots=self.tolerance,
            freight_minor=self.freight,
            agrees_to_prolong=self.agrees_to_prolong,
        )


class ShortfallBody(Body):
    """How many lots will be delivered in all; `number` names one of several own groups."""

    lots: Lots
    number: Annotated[int, Field(ge=1, le=1000)] | None = None


class PreviewBody(Body):
    """What a pledge might be; nothing is done, and nobody hears of it."""

    lots: Lots
    limit: Minor | None = None
    tolerance: SomeLots = 0
    freight: Minor = 0


class SavingsQuery(Query):
    """The own freight to reckon with; without it that of one's pledge, or none."""

    freight: Minor | None = None


@route("GET", "/pools", act=PUBLIC, query=PoolsQuery, out=Pools)
async def pools(call: Call) -> Answer:
    """List pools, the newest first."""
    asked: PoolsQuery = call.query
    found = await queries.pools(
        call.viewer, cell=asked.cell, phase=asked.phase, limit=asked.limit, after=asked.after
    )
    return {"pools": found}


@route("POST", "/pools", act="pools.open", body=PoolBody, out=PoolOpened, status=201)
async def open_pool(call: Call) -> Outcome:
    """Open a pool for a cell."""
    body: PoolBody = call.body
    terms = opening.PoolTerms(
        cell=parse_cell(body.cell),
        closes_at=body.closes_at,
        firming_at=body.firming_at,
        mode=body.mode,
        auction_minutes=body.auction_minutes,
        prolong_minutes=body.prolong_minutes,
        min_members=body.min_members,
        max_share=body.max_share,
        has_early_sight=body.has_early_sight,
    )
    return await opening.open_pool(call.market, call.actor, call.command, terms)


@route("GET", "/pools/{pool_id}", act=PUBLIC, out=PoolView)
async def pool(call: Call) -> Answer:
    """Show a pool: the view of its feed topic."""
    return await queries.pool(call.viewer, call.path["pool_id"])


@route(
    "POST",
    "/pools/{pool_id}/stop",
    act=stopping.ACT,
    body=ReasonBody,
    out=StopProposed,
    status=202,
)
async def stop_pool(call: Call) -> Outcome:
    """Propose to end a pool unbought, which frees every deposit."""
    return await stopping.propose(
        call.market, call.actor, call.command, call.path["pool_id"], reason=call.body.reason
    )


@route("POST", "/pools/{pool_id}/motions/{motion_id}/approve", act=stopping.ACT, out=PoolStopped)
async def approve_stop(call: Call) -> Outcome:
    """Stop a pool as another person of the operator has proposed, within a quarter of an hour."""
    return await stopping.approve(
        call.market, call.actor, call.command, call.path["pool_id"], call.path["motion_id"]
    )


@route(
    "POST",
    "/pools/{pool_id}/pledges",
    act="pools.pledge",
    body=PledgeBody,
    out=Pledged,
    status=201,
)
async def join_pool(call: Call) -> Outcome:
    """Join a pool with a binding pledge; the deposit is held in the same act."""
    return await pledging.pledge(
        call.market, call.actor, call.command, call.path["pool_id"], call.body.terms()
    )


@route("PATCH", PLEDGE, act="pools.pledge", body=PledgeChangeBody, out=Pledged)
async def change_pledge(call: Call) -> Outcome:
    """Change an own pledge."""
    return await pledging.change(
        call.market,
        call.actor,
        call.command,
        call.path["pool_id"],
        call.path["pledge_id"],
        call.body.change(),
    )


@route("DELETE", PLEDGE, act="pools.pledge", out=PledgeEnded)
async def withdraw_pledge(call: Call) -> Outcome:
    """Leave a pool that gathers; the deposit is free again."""
    return await pledging.withdraw(
        call.market, call.actor, call.command, call.path["pool_id"], call.path["pledge_id"]
    )


@route("POST", f"{PLEDGE}/accept", act=answering.ACT, out=Substituted)
async def accept_substitute(call: Call) -> Outcome:
    """Take lots that another's default set free, at the group's goods price."""
    return await answering.accept(
        call.market, call.actor, call.command, call.path["pool_id"], call.path["pledge_id"]
    )


@route("POST", f"{PLEDGE}/decline", act=answering.ACT, out=PledgeEnded)
async def decline_substitute(call: Call) -> Outcome:
    """Leave lots that another's default set free to the next in order."""
    return await answering.decline(
        call.market, call.actor, call.command, call.path["pool_id"], call.path["pledge_id"]
    )


@route("POST", "/pools/{pool_id}/shortfall", act=shortage.ACT, body=ShortfallBody, out=Shortfall)
async def declare_shortfall(call: Call) -> Outcome:
    """Deliver fewer lots to one's group: members are reduced pro rata and the price stays."""
    body: ShortfallBody = call.body
    return await shortage.declare(
        call.market,
        call.actor,
        call.command,
        call.path["pool_id"],
        body.lots,
        number=body.number,
    )


@route(
    "POST",
    "/pools/{pool_id}/preview",
    act="pools.read",
    body=PreviewBody,
    out=Preview,
    is_reading=True,
)
async def preview_pledge(call: Call) -> Answer:
    """Tell what a pledge would cost at each break."""
    body: PreviewBody = call.body
    return await queries.preview(
        call.actor,
        call.path["pool_id"],
        lots=body.lots,
        tolerance_lots=body.tolerance,
        limit_minor=body.limit,
        freight_minor=body.freight,
        deposit_off_bps=await deposit_off(call.actor.organisation_id, call.market.clock.now()),
    )


@route("GET", "/pools/{pool_id}/savings", act="deals.read", query=SavingsQuery, out=Savings)
async def pool_savings(call: Call) -> Answer:
    """Compare one's landed prices with one's own last price and the last published one."""
    asked: SavingsQuery = call.query
    pool_id = call.path["pool_id"]
    cell = await queries.cell_of(pool_id)
    published = [
        saving.Published(parse_cell(price.cell).tenor, price.value_minor, price.at)
        for price in await prices.curve(cell.instrument_id, cell.region)
    ]
    return await saving.savings(call.actor, pool_id, published, freight_minor=asked.freight)


@route("GET", "/pools/{pool_id}/evidence", act="audit.read")
async def pool_evidence(call: Call) -> Download:
    """Give an auditor the cleared instance and its result, as `aggregator check` reads them."""
    found = await queries.evidence(call.path["pool_id"])
    name = f"{call.path['pool_id']}.json"
    return Download(canonical_json(found).encode(), "application/json", name)
