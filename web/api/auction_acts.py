"""What bidders do beside plain bids: demands in rounds, and standing orders."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.auctions import bidding
from aggregator.market import Outcome
from web.api.auctions import Attributes, Receipt
from web.api.fields import Answers, Body, Minor, Money, SomeLots, Tenor
from web.api.routing import Call, route
from web.feed.operations import frame_op

DEMANDS = "/auctions/{auction_id}/demands"
PACKAGES = "/auctions/{auction_id}/packages"
STANDING = "/auctions/{auction_id}/standing"

frame_op("demand", "POST", DEMANDS, auction_id="auction")
frame_op("package", "POST", PACKAGES, auction_id="auction")
frame_op("standing", "POST", STANDING, auction_id="auction")


Item = Annotated[
    str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])(/[0-9]{1,2})?$", examples=["2027-03"])
]


class DemandBody(Body):
    """Lots by delivery month at the prices of this round; months not named are not wanted.

    With `round` they are said in that round or not at all, so that a late word binds to no
    other prices than those that were read.
    """

    demand: Annotated[dict[Tenor, SomeLots], Field(min_length=1, max_length=20)]
    round: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class PackageBody(Body):
    """A binding bid on all of `items` or none, at `price` per lot.

    Of one's packages in one group `xor` at most one wins; those without a group may all win.
    `attributes` are the values of the scored terms.
    """

    items: Annotated[list[Item], Field(min_length=1, max_length=20)]
    price: Minor
    xor: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,20}$")] | None = None
    attributes: Attributes = Field(default_factory=dict, json_schema_extra={"default": {}})


class StandingBody(Body):
    """The limit up to which the market bids for the firm, for all lots; null takes it back."""

    limit: Minor | None


class StandingReceipt(Answers):
    """The order as it stands; `hash` is its place in the auction's record."""

    auction_id: str
    standing_id: str
    at: str
    hash: str
    limit: Money | None
    deposit: Money
    currency: str
    closes_at: str
    is_leading: bool | None
    my_rank: int | None
    next_allowed: Money | None


@route("POST", DEMANDS, act="auctions.bid", body=DemandBody, out=Receipt, status=201)
async def place_demand(call: Call) -> Outcome:
    """Say what to take of each month at the prices of this round of a clock auction."""
    body: DemandBody = call.body
    return await bidding.place_demand(
        call.market,
        call.actor,
        call.command,
        call.path["auction_id"],
        dict(body.demand),
        only_round=body.round,
    )


@route("POST", PACKAGES, act="auctions.bid", body=PackageBody, out=Receipt, status=201)
async def place_package(call: Call) -> Outcome:
    """Bid for several items together; all of them are won, or none."""
    body: PackageBody = call.body
    return await bidding.place_package(
        call.market,
        call.actor,
        call.command,
        call.path["auction_id"],
        items=body.items,
        price_minor=body.price,
        xor=body.xor,
        attributes=body.attributes,
    )


@route("POST", STANDING, act="auctions.bid", body=StandingBody, out=StandingReceipt, status=201)
async def set_standing(call: Call) -> Outcome:
    """Let the market bid up to a limit that nobody else reads."""
    body: StandingBody = call.body
    return await bidding.set_standing(
        call.market, call.actor, call.command, call.path["auction_id"], limit_minor=body.limit
    )
