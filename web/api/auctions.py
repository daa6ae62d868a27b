"""Auctions in both directions: listing, opening, bidding, and the operator's hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from aggregator.auctions import bidding, bundle, opening, queries, receipts
from aggregator.auctions.opening import AuctionTerms, Criterion, TenorLots
from aggregator.auctions.terms import check_named
from aggregator.catalogue.tenors import parse_cell
from aggregator.market import Answer, Outcome
from aggregator.vault import vault
from web.api.fields import (
    Answers,
    Body,
    Cell,
    Id,
    Instant,
    Lots,
    Minor,
    Money,
    Name,
    Page,
    SignedMinor,
    Tenor,
)
from web.api.routing import PUBLIC, Call, Download, route
from web.feed.operations import frame_op

BIDS = "/auctions/{auction_id}/bids"

frame_op("bid", "POST", BIDS, auction_id="auction")

Score = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
TermName = Annotated[str, Field(max_length=40)]
Attributes = Annotated[dict[TermName, Score], Field(max_length=10)]
Percent = Annotated[int, Field(ge=1, le=100)]
Format = Literal[
    "english",
    "sealed_first",
    "sealed_uniform",
    "second_price",
    "dutch",
    "japanese",
    "clock",
    "packages",
]


class AuctionsQuery(Page):
    """Which auctions to list."""

    state: Literal["scheduled", "open", "paused", "closed", "cancelled"] | None = None
    side: Literal["buy", "sell"] | None = None


class StepBandBody(Body):
    """The least improvement on a price of `from` and more."""

    from_: Annotated[Minor, Field(alias="from")]
    step: Minor


class MonthBody(Body):
    """What a clock or package auction sells of one delivery month, and its first price per lot.

    A package auction may have several items of one month.
    """

    tenor: Tenor
    lots: Lots
    start: Minor


class CriterionBody(Body):
    """A scored term: each unit of a bid's value is worth `unit` of price per lot.

    The worth is added before bids are compared, never before they are paid.
    """

    name: Annotated[Name, Field(max_length=40)]
    unit: SignedMinor
    lowest: Score
    highest: Score


class AuctionBody(Body):
    """The rules of an auction, frozen when it opens.

    With `side` `sell` a seller's own lots are bid up; with `buy` suppliers undercut what a buyer
    asks for, and the deposit of its ceiling is held until the end.
    `start` is the public ceiling of a buy side and the floor of a sell side, and where an
    announced price begins; `reserve` is the owner's secret unless `reserve_is_public`. Without
    `opens_at` bidding begins at once. `interval_s` is how long an announced price stands, in
    `dutch`, `japanese` and `clock`; `items` are the months of a `clock` or of `packages`, that of
    the cell first; `criteria` are the scored terms of `english`, `sealed_first` and
    `packages`. What bidders see is `disclosure`; `observer_disclosure` tells others less,
    `owner_disclosure` lets the owner see all bids before the close, or none. Fields of another
    format are refused.
    """

    side: Literal["buy", "sell"]
    cell: Cell
    lots: Lots
    title: Annotated[str, Field(max_length=120)] = ""
    format: Format = "english"
    opens_at: Instant | None = None
    closes_at: Instant
    hard_stop: Instant | None = None
    soft_close_s: Annotated[int, Field(ge=0, le=3600)] = 120
    max_extensions: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    start: Minor | None = None
    reserve: Minor | None = None
    reserve_is_public: bool = False
    step: Minor | None = None
    steps: Annotated[list[StepBandBody], Field(max_length=50)] = Field(default=[])
    min_lots: Lots = 1
    max_share: Percent | None = None
    shares: Annotated[list[Percent], Field(max_length=20)] = Field(default=[])
    allow_single: bool = False
    all_lots_or_none: bool = False
    pricing: Literal["auto", "pay_as_bid", "last_accepted", "first_rejected"] = "auto"
    marginal: Literal["auto", "pro_rata", "time"] = "auto"
    tie: Literal["auto", "time", "draw"] = "auto"
    improve: Literal["auto", "leader", "own"] = "auto"
    disclosure: Literal["auto", "full", "best", "rank", "blind"] = "auto"
    observer_disclosure: Literal["full", "best", "blind"] | None = None
    owner_disclosure: Literal["full", "blind"] | None = None
    interval_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    items: Annotated[list[MonthBody], Field(max_length=20)] = Field(default=[])
    criteria: Annotated[list[CriterionBody], Field(max_length=10)] = Field(default=[])
    kinds: Annotated[list[str], Field(max_length=10)] = Field(default=[])
    invited: Annotated[list[Id], Field(max_length=200)] = Field(default=[])

    def terms(self) -> AuctionTerms:
        same: dict[str, Any] = self.model_dump(
            exclude={
                *("cell", "start", "reserve", "step", "steps"),
                *("shares", "interval_s", "items", "criteria", "kinds", "invited"),
            }
        )
        return AuctionTerms(
            **same,
            cell=parse_cell(self.cell),
            start_minor=self.start,
            reserve_minor=self.reserve,
            step_minor=self.step,
            steps=tuple((band.from_, band.step) for band in self.steps),
            shares=tuple(self.shares),
            interval_s=self.interval_s or 0,
            items=tuple(TenorLots(item.tenor, item.lots, item.start) for item in self.items),
            criteria=tuple(
                Criterion(one.name, one.unit, one.lowest, one.highest) for one in self.criteria
            ),
            kinds=tuple(self.kinds),
            invited=tuple(self.invited),
        )


class BidBody(Body):
    """A binding bid: `price` per lot for `lots`, all of them when absent.

    In a Dutch auction `price` is the worst that still suits, and the clock's price is paid; in
    a Japanese one it is the price of the round. `attributes` are the values of the scored terms.
    """

    price: Minor
    lots: Lots | None = None
    all_or_none: bool = False
    # A default that may be changed would be copied in depth for every bid.
    attributes: Attributes = Field(default_factory=dict, json_schema_extra={"default": {}})


class AuctionSummary(Answers):
    auction_id: str
    side: str
    format: str
    state: str
    title: str
    reference: str
    owner_id: str | None
    owner_name: str
    owner_name_en: str
    instrument_id: str
    instrument_name_zh: str
    instrument_name_en: str
    region: str
    tenor: str
    cell: str
    lots: int
    disclosure: str
    opens_at: str
    closes_at: str


class PublishedKeys(Answers):
    """The public key, in hexadecimal; compare it with that of a bundle."""

    algorithm: str
    signing: str


class Auctions(Answers):
    auctions: list[AuctionSummary]


class AuctionOpened(Answers):
    auction_id: str
    state: str
    opens_at: str
    closes_at: str


class Receipt(Answers):
    """`seq` counts one's own bids; `hash` is the bid's place in the auction's record.

    `round` and `demand` are there where prices are announced in rounds; a demand for several
    months has no one price. `items` and `xor` are those of a package, `score` that of a bid with
    scored terms.
    """

    auction_id: str
    bid_id: str
    seq: int
    at: str
    hash: str
    price: Money | None
    lots: int
    all_or_none: bool
    round: int | None = None
    demand: dict[str, int] | None = None
    items: list[str] | None = None
    xor: str | None = None
    score: Money | None = None
    deposit: Money
    currency: str
    closes_at: str
    is_leading: bool | None
    my_rank: int | None
    next_allowed: Money | None


class Receipts(Answers):
    receipts: list[Receipt]


class StepBand(Answers):
    from_: Annotated[Money, Field(alias="from")]
    step: Money


class ScoredTerm(Answers):
    name: str
    unit: Money
    lowest: int
    highest: int


class AuctionView(Answers):
    """What every audience sees; further fields are there for whom the rules show them to.

    Bidders: `my_best`, `my_packages`, `my_score`, `my_score_parts`, `my_lots`, `my_bids`,
    `my_limit`, `next_allowed`, `is_leading`, `my_rank`, once closed `my_award`, `my_awards`,
    `my_outcome`, `my_explanation`; in rounds `my_demand`, `my_eligible_lots`. By disclosure:
    `best`, `bids`, `standing`, `result`. Owner: `bidders`, `bidders_en`. Rounds: `round`,
    `round_ends_at`, `items`. Dutch: `lots_left`, and the price from `start` by one step each
    `interval_s` since `clock_from`, not past `reserve`, nor while stopped at
    `clock_stopped_at`. A draw: `draw_commitment`, once closed `draw`. After an outage of more than
    2 s the close moves by the lost time and 60 s, and at least 2 minutes remain; after more than
    15 minutes the auction stays paused until a person resumes it.
    """

    model_config = ConfigDict(extra="allow")

    auction_id: str
    audience: str
    phase: str
    reason: str
    side: str
    format: str
    title: str
    reference: str
    owner_id: str | None
    owner_name: str
    owner_name_en: str
    instrument_id: str
    instrument_name_zh: str
    instrument_name_en: str
    lot_text: str
    region: str
    region_name_zh: str
    region_name_en: str
    tenor: str
    cell: str
    currency: str
    deposit_bps: int
    kinds: list[str]
    opens_at: str
    closes_at: str
    hard_stop: str
    extensions: int
    soft_close_s: int
    max_extensions: int | None
    lots: int
    min_lots: int
    all_lots_or_none: bool
    max_share: int | None
    shares: list[int]
    start: Money | None
    reserve: Money | None
    step: Money | None
    steps: list[StepBand]
    tick: Money
    pricing: str
    improve: str
    disclosure: str
    observer_disclosure: str | None
    owner_disclosure: str | None
    tie: str
    draw_commitment: str | None
    draw_beacon: str
    interval_s: int
    criteria: list[ScoredTerm]


@route("GET", "/auctions", act=PUBLIC, query=AuctionsQuery, out=Auctions)
async def auctions(call: Call) -> Answer:
    """List auctions, the newest first."""
    asked: AuctionsQuery = call.query
    found = await queries.list_auctions(
        call.viewer, state=asked.state, side=asked.side, limit=asked.limit, after=asked.after
    )
    return {"auctions": [{**asdict(view), "cell": view.cell} for view in found]}


@route("POST", "/auctions", act="auctions.open", body=AuctionBody, out=AuctionOpened, status=201)
async def open_auction(call: Call) -> Outcome:
    """Open an auction of lots of one's own, or of what one's firm buys."""
    body: AuctionBody = call.body
    check_named(body.format, sorted(body.model_fields_set))
    return await opening.open_auction(call.market, call.actor, call.command, body.terms())


@route("GET", "/auctions/{auction_id}", act=PUBLIC, out=AuctionView)
async def auction(call: Call) -> Answer:
    """Show an auction as its rules show it to whoever asks: the view of its feed topic."""
    return await queries.auction(call.viewer, call.path["auction_id"])


@route("GET", "/keys", act=PUBLIC, out=PublishedKeys)
async def published_keys(call: Call) -> Answer:  # noqa: ARG001 - the same for everybody
    """Show the key that the market signs bundles and checkpoints with."""
    return {"algorithm": "Ed25519", "signing": vault().public_key}


@route("GET", "/auctions/{auction_id}/bundle", act=PUBLIC)
async def auction_bundle(call: Call) -> Download:
    """Give the verification bundle of an auction that is over, as far as the asker may see."""
    auction_id = call.path["auction_id"]
    raw = await bundle.bundle_for(call.viewer, auction_id)
    return Download(raw, "application/json", f"{auction_id}.bundle.json")


@route("GET", "/auctions/{auction_id}/receipts", act="auctions.bid", out=Receipts)
async def own_receipts(call: Call) -> Answer:
    """List the receipts of one's firm's bids in an auction as they were given, newest first."""
    return {"receipts": await receipts.own_receipts(call.actor, call.path["auction_id"])}


@route("POST", BIDS, act="auctions.bid", body=BidBody, out=Receipt, status=201)
async def place_bid(call: Call) -> Outcome:
    """Place a binding bid; the answer is its receipt."""
    body: BidBody = call.body
    return await bidding.place_bid(
        call.market,
        call.actor,
        call.command,
        call.path["auction_id"],
        price_minor=body.price,
        lots=body.lots,
        all_or_none=body.all_or_none,
        attributes=body.attributes,
    )
