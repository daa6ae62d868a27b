"""Group buys: listing, opening, pledging, and what a pledge would cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregator.catalogue.tenors import parse_cell
from aggregator.market import Answer, Outcome
from aggregator.pools import opening, pledging, queries, saving
from aggregator.prices import queries as prices
from matching.clearing.form import canonical_json
from web.api.fields import Answers, Body, Cell, Instant, Lots, Minor, Money, Page, Query, SomeLots
from web.api.routing import PUBLIC, Call, Download, route

PLEDGE = "/pools/{pool_id}/pledges/{pledge_id}"
SizeSource = Literal["settled", "declared", "registered", "request"]
Minutes = Annotated[int, Field(ge=0, le=opening.MAX_MINUTES)]


class PoolsQuery(Page):
    """Which pools to list."""

    cell: Cell | None = None
    phase: Literal["gathering", "firming", "closed", "awarded", "lapsed"] | None = None


class PoolBody(Body):
    """How a pool lives; everything is frozen when it opens.

    `firming_at` is 24 hours before the close when absent. `mode`: the standing offers'
    price `breaks` buy at the close, or an `auction` below them, or the better of `both`.
    """

    cell: Cell
    closes_at: Instant
    firming_at: Instant | None = None
    mode: Literal["breaks", "auction", "both"] = "breaks"
    auction_minutes: Minutes | None = None
    prolong_minutes: Minutes = 0
    min_members: Annotated[int, Field(ge=3, le=1000)] = opening.MIN_MEMBERS


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


class PledgeChangeBody(Body):
    """What is to be different; in firming only more lots, a higher limit, less freight."""

    lots: Lots | None = None
    limit: Minor | None = None
    tolerance: SomeLots | None = None
    freight: Minor | None = None
    agrees_to_prolong: bool | None = None


class PreviewBody(Body):
    """What a pledge might be; nothing is done, and nobody hears of it."""

    lots: Lots
    limit: Minor | None = None
    tolerance: SomeLots = 0
    freight: Minor = 0


class Break(Answers):
    from_lots: int
    price: Money


class Progress(Answers):
    """How near the break is, in steps of 10 %."""

    from_lots: int
    price: Money
    percent: int


class Landed(Answers):
    """Per lot, before tax: goods + own freight + the market's fee."""

    goods: Money
    freight: Money
    fee: Money
    landed: Money


class LandedAtBreak(Landed):
    from_lots: int
    is_within_limit: bool
    saving: Money | None


class Leaving(Answers):
    is_allowed: bool
    until: str
    releases: Money
    progress_without_you: Progress | None


class OwnGroup(Answers):
    """The formed group that one is in, and the auction that may better its price."""

    lots: int
    at_most: Landed
    auction_id: str | None
    auction_closes_at: str | None


class OwnAward(Landed):
    lots: int
    by: Literal["offer", "auction"]
    deal_id: str


class OwnPledge(Answers):
    pledge_id: str
    lots: int
    tolerance: int
    limit: Money
    freight: Money
    size: int
    size_from: SizeSource
    agrees_to_prolong: bool
    deposit: Money
    landed: list[LandedAtBreak]
    is_large_share: bool | None
    leaving: Leaving | None
    group: OwnGroup | None
    award: OwnAward | None
    left_out: str | None


class PoolView(Answers):
    """The pool for the eyes of whoever asks; `you` is one's own pledge."""

    pool_id: str
    cell: str
    instrument_id: str
    region: str
    tenor: str
    currency: str
    mode: str
    phase: str
    firming_at: str
    closes_at: str
    is_prolonged: bool
    prolong_minutes: int
    auction_minutes: int
    min_members: int
    similarity: list[int]
    deposit_bps: int
    fee_bps: int
    breaks: list[Break]
    progress: Progress | None
    you: OwnPledge | None


class Pools(Answers):
    pools: list[PoolView]


class PoolOpened(Answers):
    pool_id: str
    cell: str
    phase: str
    firming_at: str
    closes_at: str


class Pledged(Answers):
    pool_id: str
    pledge_id: str
    phase: str
    lots: int
    tolerance: int
    limit: Money
    freight: Money
    size: int
    size_from: SizeSource
    agrees_to_prolong: bool
    deposit: Money
    firming_at: str
    closes_at: str


class PledgeEnded(Answers):
    pool_id: str
    pledge_id: str
    state: str


class Preview(Answers):
    pool_id: str
    currency: str
    deposit: Money | None
    landed: list[LandedAtBreak]


class SavingsQuery(Query):
    """The own freight to reckon with; without it that of one's pledge, or none."""

    freight: Minor | None = None


class OwnPrice(Answers):
    """One's own last settled landed price in the instrument and region."""

    deal_id: str
    cell: str
    landed: Money
    settled_at: str


class PublishedPrice(Answers):
    """The last published goods price of the month or the nearest, and landed for oneself."""

    tenor: str
    is_same_month: bool
    price: Money
    landed: Money
    at: str


class Saving(Answers):
    """Per lot, before tax; None where there is nothing to compare with."""

    goods: Money
    landed: Money
    saving_own: Money | None
    saving_published: Money | None


class SavingAtBreak(Saving):
    from_lots: int


class Savings(Answers):
    """`missing` names the comparators that are not there."""

    pool_id: str
    currency: str
    freight: Money
    own_price: OwnPrice | None
    published_price: PublishedPrice | None
    missing: list[Literal["own_price", "published_price"]]
    breaks: list[SavingAtBreak]
    award: Saving | None


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
    )
    return await opening.open_pool(call.market, call.actor, call.command, terms)


@route("GET", "/pools/{pool_id}", act=PUBLIC, out=PoolView)
async def pool(call: Call) -> Answer:
    """Show a pool: the view of its feed topic."""
    return await queries.pool(call.viewer, call.path["pool_id"])


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
    body: PledgeBody = call.body
    terms = pledging.PledgeTerms(
        lots=body.lots,
        limit_minor=body.limit,
        tolerance_lots=body.tolerance,
        freight_minor=body.freight,
        size_lots=body.size,
        agrees_to_prolong=body.agrees_to_prolong,
    )
    return await pledging.pledge(call.market, call.actor, call.command, call.path["pool_id"], terms)


@route("PATCH", PLEDGE, act="pools.pledge", body=PledgeChangeBody, out=Pledged)
async def change_pledge(call: Call) -> Outcome:
    """Change an own pledge."""
    body: PledgeChangeBody = call.body
    wanted = pledging.PledgeChange(
        lots=body.lots,
        limit_minor=body.limit,
        tolerance_lots=body.tolerance,
        freight_minor=body.freight,
        agrees_to_prolong=body.agrees_to_prolong,
    )
    return await pledging.change(
        call.market,
        call.actor,
        call.command,
        call.path["pool_id"],
        call.path["pledge_id"],
        wanted,
    )


@route("DELETE", PLEDGE, act="pools.pledge", out=PledgeEnded)
async def withdraw_pledge(call: Call) -> Outcome:
    """Leave a pool that gathers; the deposit is free again."""
    return await pledging.withdraw(
        call.market, call.actor, call.command, call.path["pool_id"], call.path["pledge_id"]
    )


@route(
    "POST",
    "/pools/{pool_id}/preview",
    act="pools.read",
    body=PreviewBody,
    out=Preview,
    is_keyed=False,
)
async def preview_pledge(call: Call) -> Answer:
    """Tell what a pledge would cost at each break."""
    body: PreviewBody = call.body
    return await queries.preview(
        call.path["pool_id"],
        lots=body.lots,
        tolerance_lots=body.tolerance,
        limit_minor=body.limit,
        freight_minor=body.freight,
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
