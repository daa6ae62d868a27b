"""The operator's hand on an auction: two persons pause, resume, cancel, or take a bid out.

One proposes, with a reason; within a quarter of an hour another one approves, and only then
anything happens. In the same way they take a wrong bid out; its bidder never can.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from aggregator.auctions import awarding, bundle, deposits, queries, store
from aggregator.auctions.committing import commitment
from aggregator.auctions.facts import (
    AuctionListed,
    Motion,
    StopApproved,
    StopProposed,
    WithdrawalProposed,
)
from aggregator.auctions.store import Room
from aggregator.errors import NotFound, SamePerson, WrongState
from aggregator.mandates import freeing
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from matching.auctions import commands
from matching.auctions.engine import decide
from matching.auctions.state import State

Stop = Literal["pause", "resume", "cancel"]

STANDS_FOR = timedelta(minutes=15)
ACT_OF = {"pause": "auctions.pause", "resume": "auctions.pause", "cancel": "auctions.cancel"}
WITHDRAW = "auctions.cancel"


async def propose(
    market: Market, actor: Actor, command: Command, auction_id: str, *, act: Stop, reason: str
) -> Outcome:
    """Propose to stop the bidding, to go on, or to end the auction without an award.

    Raises:
        NotFound: there is no such auction.
        InvalidField: the reason breaks its rule.
        RuleViolation: the auction's state does not allow it.

    """
    said = checked_name(reason, "/reason")

    def motion_of(unit: Unit, state: State) -> StopProposed:
        decide(state, _asked(act, said), unit.now)
        return StopProposed(
            motion_id=unit.new_id("mot"),
            act=act,
            reason=said,
            person_id=unit.actor.person_id,
            expires_at=unit.now + STANDS_FOR,
        )

    return await _put(market, actor, command, auction_id, ACT_OF[act], motion_of)


async def propose_withdrawal(
    market: Market, actor: Actor, command: Command, auction_id: str, bid_id: str, *, reason: str
) -> Outcome:
    """Propose to take a bid out, which its bidder's one before replaces, if he has one.

    Raises:
        NotFound: there is no such auction.
        InvalidField: the reason breaks its rule.
        RuleViolation: no such bid stands, or the auction's format or state does not allow it.

    """
    said = checked_name(reason, "/reason")

    def motion_of(unit: Unit, state: State) -> WithdrawalProposed:
        decide(state, _taken_out(state, bid_id, said), unit.now)
        return WithdrawalProposed(
            motion_id=unit.new_id("mot"),
            bid_id=bid_id,
            reason=said,
            person_id=unit.actor.person_id,
            expires_at=unit.now + STANDS_FOR,
        )

    return await _put(market, actor, command, auction_id, WITHDRAW, motion_of)


async def approve(
    market: Market, actor: Actor, command: Command, auction_id: str, motion_id: str
) -> Outcome:
    """Do what another person of the operator has proposed. Pauses eat no time.

    Raises:
        NotFound: there is no such auction, or nothing is proposed under this id.
        SamePerson: nobody approves what he proposed himself.
        WrongState: the proposal has expired.
        RuleViolation: the auction's state does not allow it any more.

    """
    actor.require("auctions.pause")
    await queries.require_visible(actor, auction_id)
    ended = False

    async def step(unit: Unit) -> Answer:
        nonlocal ended
        room = await store.locked(unit, auction_id)
        motion = next((one for one in room.motions if one.motion_id == motion_id), None)
        if motion is None:
            raise NotFound("motion")
        unit.actor.require(ACT_OF.get(motion.act, WITHDRAW))
        if motion.person_id == unit.actor.person_id:
            raise SamePerson(motion_id)
        if unit.now >= motion.expires_at:
            raise WrongState("expired", "proposed")
        listing, state = room.opened
        told = decide(state, _command(state, motion), unit.now)
        approved = StopApproved(motion_id, unit.actor.person_id)
        room, _ = await store.record(unit, auction_id, room, approved, *told)
        if isinstance(motion, WithdrawalProposed):
            taken = next(bid for bid in state.book if bid.bid_id == motion.bid_id)
            await _stand_back(unit, listing, room.opened[1], taken.bidder)
        if motion.act == "cancel":
            ended = True
            await _release(unit, room)
        return _answer(unit, room)

    stream = store.stream_of(auction_id)
    outcome = await market.perform(actor, "auctions.pause", step, command=command, stream=stream)
    if ended:
        await bundle.publish_checkpoint(auction_id)
    return outcome


async def _put(
    market: Market,
    actor: Actor,
    command: Command,
    auction_id: str,
    needs: str,
    motion_of: Callable[[Unit, State], Motion],
) -> Outcome:
    """Put a motion before the operator's other persons."""
    actor.require(needs)
    await queries.require_visible(actor, auction_id)

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        motion = motion_of(unit, room.opened[1])
        await store.record(unit, auction_id, room, motion)
        return _proposed(unit, room, motion)

    stream = store.stream_of(auction_id)
    return await market.perform(actor, needs, step, command=command, stream=stream)


def _command(state: State, motion: Motion) -> commands.Command:
    if isinstance(motion, WithdrawalProposed):
        return _taken_out(state, motion.bid_id, motion.reason)
    return _asked(motion.act, motion.reason)


def _taken_out(state: State, bid_id: str, reason: str) -> commands.WithdrawBid:
    seq = next((bid.seq for bid in state.book if bid.bid_id == bid_id), 0)
    return commands.WithdrawBid(seq, reason)


def _proposed(unit: Unit, room: Room, motion: Motion) -> Answer:
    listing, _ = room.opened
    return {
        "auction_id": listing.auction_id,
        "motion_id": motion.motion_id,
        "act": motion.act,
        "reason": motion.reason,
        "expires_at": unit.stamp(motion.expires_at),
        "state": room.phase,
    }


def _asked(act: str, reason: str) -> commands.Pause | commands.Resume | commands.Cancel:
    if act == "pause":
        return commands.Pause(reason)
    return commands.Resume() if act == "resume" else commands.Cancel(reason)


async def _release(unit: Unit, room: Room) -> None:
    listing, _ = room.opened
    await deposits.free(unit, listing.auction_id)
    await store.record(unit, listing.auction_id, room, awarding.failed(room, "cancelled"))


async def _stand_back(unit: Unit, listing: AuctionListed, state: State, bidder: str) -> None:
    """Let what is held for a bidder, and what his people's mandates bear, follow his book."""
    subject, mine = store.stream_of(listing.auction_id), state.book.of(bidder)
    if mine is None:
        await deposits.refit(unit, listing, state, bidder)
        await freeing.settle(unit, subject, {}, firms=[bidder])
        return
    needed_minor = deposits.needed_minor(listing, state, mine, 0)
    bound = commitment(listing, state, mine, needed_minor)
    await freeing.bear(unit, bidder, bound)
    await deposits.refit(unit, listing, state, bidder)
    await freeing.reserve_again(unit, bidder, bound)


def _answer(unit: Unit, room: Room) -> Answer:
    listing, state = room.opened
    return {
        "auction_id": listing.auction_id,
        "state": room.phase,
        "reason": state.reason,
        "closes_at": unit.stamp(state.closes_at),
        "hard_stop": unit.stamp(state.hard_stop),
    }
