"""Closing an auction: by its timer, once, on the bids before the closing instant.

It ends first, with as many others as end then, in one commit. What comes of it, deposits freed
and deals formed, is told in a transaction of its own, which delays no other close.
"""

from __future__ import annotations

import asyncio

from aggregator.auctions import awarding, beacon, bundle, deposits, store
from aggregator.auctions.ending import EndDesk, Ending, ending
from aggregator.auctions.facts import AuctionAwarded, AuctionFailed, BiddingBegan
from aggregator.auctions.store import Room
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import set_timer
from matching.auctions import package_bids
from matching.auctions.commands import Begin, EndRound
from matching.auctions.engine import decide
from matching.auctions.events import Closed, Result


async def end(market: Market, auction_id: str) -> None:
    """End an auction whose time is over; else leave it, or come again later.

    Where ties are drawn, the beacon is waited for, ten minutes at most.
    """
    drawn = await beacon.drawn_for(auction_id, market.clock.now())
    await _search_ahead(market, auction_id)
    await market.perform_at(
        EndDesk,
        Actor.SYSTEM,
        "auctions.close",
        Ending(auction_id, drawn),
        command=None,
        stream=store.stream_of(auction_id),
    )


async def conclude(market: Market, auction_id: str) -> None:
    """Tell, once, what came of an auction that has ended.

    Every deposit is free again before the award is told: what hears of it takes its own in
    the same transaction.
    """

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        if state.phase != "closed" or room.is_told:
            return {}
        await _conclude(unit, room, room)
        return {"is_closed": True}

    stream = store.stream_of(auction_id)
    outcome = await market.perform(Actor.SYSTEM, "auctions.close", step, stream=stream)
    if outcome.answer:
        await bundle.publish_checkpoint(auction_id)


async def end_round(market: Market, auction_id: str) -> None:
    """End a round whose time is up: prices move, or the auction closes."""
    drawn = await beacon.drawn_for(auction_id, market.clock.now())

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        if state.phase != "open" or state.clock is None:
            return {}
        if unit.now < state.clock.ends_at:
            await set_timer(unit, store.ROUND, auction_id, state.clock.ends_at)
            return {}
        events = decide(state, EndRound(), unit.now)
        if events and not isinstance(events[-1], Closed):
            await store.record(unit, auction_id, room, *events)
            return {}
        if drawn.is_awaited:
            await set_timer(unit, store.ROUND, auction_id, unit.now + beacon.PAUSE)
            return {}
        await _close(unit, room, drawn.value)
        return {"is_closed": True}

    stream = store.stream_of(auction_id)
    outcome = await market.perform(Actor.SYSTEM, "auctions.close", step, stream=stream)
    if outcome.answer:
        await bundle.publish_checkpoint(auction_id)


async def begin(market: Market, auction_id: str) -> None:
    """Open the window of a scheduled auction whose time has come."""

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        if room.phase != "scheduled":
            return {}
        if unit.now < state.rules.opens_at:
            await set_timer(unit, store.BEGIN, auction_id, state.rules.opens_at)
            return {}
        events = decide(state, Begin(), unit.now)
        await store.record(unit, auction_id, room, BiddingBegan(auction_id), *events)
        return {}

    await market.perform(Actor.SYSTEM, "auctions.begin", step, stream=store.stream_of(auction_id))


async def _search_ahead(market: Market, auction_id: str) -> None:
    """Look for the winning packages, apart from other work, before the close asks for them."""
    room = store.kept(auction_id) or await store.read(None, auction_id)
    _, state = room.opened
    if state.rules.format != "packages":
        return
    room = await store.read(None, auction_id)
    _, state = room.opened
    is_due = state.phase == "open" and market.clock.now() >= state.closes_at
    if is_due:
        await asyncio.to_thread(package_bids.cleared, package_bids.problem_of(state))


async def _close(unit: Unit, room: Room, beacon_hex: str | None) -> None:
    listing, _ = room.opened
    facts = ending(room, beacon_hex, unit.now)
    closed, _ = await store.journal(unit, listing.auction_id, room, *facts)
    await _conclude(unit, room, closed)


async def _conclude(unit: Unit, before: Room, room: Room) -> None:
    listing, state = room.opened
    await deposits.free(unit, listing.auction_id)
    assert state.result is not None
    await awarding.form_own_deals(unit, room)
    outcome = _outcome(room, state.result)
    after, _ = await store.journal(unit, listing.auction_id, room, outcome)
    await store.follow(unit, listing.auction_id, before, after)


def _outcome(room: Room, result: Result) -> AuctionAwarded | AuctionFailed:
    listing, state = room.opened
    if not result.awards:
        return awarding.failed(room, result.outcome)
    return AuctionAwarded(
        auction_id=listing.auction_id,
        reference=listing.reference,
        side=state.rules.side,
        cell=listing.cell,
        owner_id=listing.owner_id,
        awards=result.awards,
        unawarded_lots=result.unawarded_lots,
    )
