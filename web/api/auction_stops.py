"""The operator's hand on an auction: proposed by one person, approved by another."""

from __future__ import annotations

from aggregator.auctions import stopping
from aggregator.auctions.stopping import Stop
from aggregator.market import Outcome
from web.api.fields import Answers, Body, Name
from web.api.routing import Call, route


class ReasonBody(Body):
    """Why, in public."""

    reason: Name


class MotionProposed(Answers):
    """What waits for another person's approval; `state` is the auction's, unchanged."""

    auction_id: str
    motion_id: str
    act: str
    reason: str
    expires_at: str
    state: str


class AuctionStopped(Answers):
    auction_id: str
    state: str
    reason: str
    closes_at: str
    hard_stop: str


async def _proposed(call: Call, act: Stop) -> Outcome:
    auction_id = call.path["auction_id"]
    return await stopping.propose(
        call.market, call.actor, call.command, auction_id, act=act, reason=call.body.reason
    )


@route(
    "POST",
    "/auctions/{auction_id}/pause",
    act="auctions.pause",
    body=ReasonBody,
    out=MotionProposed,
    status=202,
)
async def pause_auction(call: Call) -> Outcome:
    """Propose to stop the bidding for a while."""
    return await _proposed(call, "pause")


@route(
    "POST",
    "/auctions/{auction_id}/resume",
    act="auctions.pause",
    body=ReasonBody,
    out=MotionProposed,
    status=202,
)
async def resume_auction(call: Call) -> Outcome:
    """Propose to go on; the close moves by the length of the pause."""
    return await _proposed(call, "resume")


@route(
    "POST",
    "/auctions/{auction_id}/cancel",
    act="auctions.cancel",
    body=ReasonBody,
    out=MotionProposed,
    status=202,
)
async def cancel_auction(call: Call) -> Outcome:
    """Propose to end an auction without an award, which frees every deposit."""
    return await _proposed(call, "cancel")


@route(
    "POST",
    "/auctions/{auction_id}/bids/{bid_id}/withdraw",
    act="auctions.cancel",
    body=ReasonBody,
    out=MotionProposed,
    status=202,
)
async def withdraw_bid(call: Call) -> Outcome:
    """Propose to take a wrong bid out; its bidder's one before, if any, stands again."""
    return await stopping.propose_withdrawal(
        call.market,
        call.actor,
        call.command,
        call.path["auction_id"],
        call.path["bid_id"],
        reason=call.body.reason,
    )


@route(
    "POST",
    "/auctions/{auction_id}/motions/{motion_id}/approve",
    act="auctions.pause",
    out=AuctionStopped,
)
async def approve_motion(call: Call) -> Outcome:
    """Do what another person of the operator has proposed, within a quarter of an hour."""
    return await stopping.approve(
        call.market, call.actor, call.command, call.path["auction_id"], call.path["motion_id"]
    )
