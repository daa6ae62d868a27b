"""The operator's hand on an auction: two persons pause, resume or cancel it, in public.

One proposes, with a reason; within a quarter of an hour another one approves, and only then
anything happens. A bid is never withdrawn, by nobody: a wrong auction is cancelled whole.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from aggregator.auctions import bundle, deposits, queries, store
from aggregator.auctions.errors import SamePerson
from aggregator.auctions.facts import AuctionFailed, StopApproved, StopProposed
from aggregator.auctions.store import Room
from aggregator.errors import NotFound, WrongState
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from matching.auctions import commands
from matching.auctions.engine import decide

Stop = Literal["pause", "resume", "cancel"]

STANDS_FOR = timedelta(minutes=15)
ACT_OF = {"pause": "auctions.pause", "resume": "auctions.pause", "cancel": "auctions.cancel"}


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
    actor.require(ACT_OF[act])
    await queries.require_visible(actor, auction_id)

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        decide(state, _asked(act, said), unit.now)
        motion = StopProposed(
            motion_id=unit.new_id("mot"),
            act=act,
            reason=said,
            person_id=unit.actor.person_id,
            expires_at=unit.now + STANDS_FOR,
        )
        await store.record(unit, auction_id, room, motion)
        return {
            "auction_id": auction_id,
            "motion_id": motion.motion_id,
            "act": act,
            "reason": said,
            "expires_at": unit.stamp(motion.expires_at),
            "state": room.phase,
        }

    stream = store.stream_of(auction_id)
    return await market.perform(actor, ACT_OF[act], step, command=command, stream=stream)


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
        unit.actor.require(ACT_OF[motion.act])
        if motion.person_id == unit.actor.person_id:
            raise SamePerson(motion_id)
        if unit.now >= motion.expires_at:
            raise WrongState("expired", "proposed")
        _, state = room.opened
        told = decide(state, _asked(motion.act, motion.reason), unit.now)
        approved = StopApproved(motion_id, unit.actor.person_id)
        room, _ = await store.record(unit, auction_id, room, approved, *told)
        if motion.act == "cancel":
            ended = True
            await _release(unit, room)
        return _answer(unit, room)

    stream = store.stream_of(auction_id)
    outcome = await market.perform(actor, "auctions.pause", step, command=command, stream=stream)
    if ended:
        await bundle.publish_checkpoint(auction_id)
    return outcome


def _asked(act: str, reason: str) -> commands.Pause | commands.Resume | commands.Cancel:
    if act == "pause":
        return commands.Pause(reason)
    return commands.Resume() if act == "resume" else commands.Cancel(reason)


async def _release(unit: Unit, room: Room) -> None:
    listing, state = room.opened
    await deposits.free(unit, listing.auction_id)
    failed = AuctionFailed(
        auction_id=listing.auction_id,
        reference=listing.reference,
        side=state.rules.side,
        cell=listing.cell,
        owner_id=listing.owner_id,
        lots=state.rules.lots,
        outcome="cancelled",
    )
    await store.record(unit, listing.auction_id, room, failed)


def _answer(unit: Unit, room: Room) -> Answer:
    listing, state = room.opened
    return {
        "auction_id": listing.auction_id,
        "state": room.phase,
        "reason": state.reason,
        "closes_at": unit.stamp(state.closes_at),
        "hard_stop": unit.stamp(state.hard_stop),
    }
