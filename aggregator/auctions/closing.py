"""Closing an auction: by its timer, once, on the bids before the closing instant."""

from __future__ import annotations

from aggregator.auctions import awarding, bundle, deposits, store
from aggregator.auctions.facts import AuctionAwarded, AuctionFailed, BiddingBegan
from aggregator.auctions.store import Room
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.scheduler.timers import set_timer
from matching.auctions.commands import Begin, Close
from matching.auctions.engine import decide
from matching.auctions.events import Result


async def close(market: Market, auction_id: str) -> None:
    """Close and award an auction whose time is over; else leave it, or come again later.

    Every deposit is free again before the award is told: what hears of it takes its own in
    the same transaction.
    """

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        if state.phase != "open":
            return {}
        if unit.now < state.closes_at:
            await set_timer(unit, store.CLOSE, auction_id, state.closes_at)
            return {}
        await _close(unit, room)
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


async def _close(unit: Unit, room: Room) -> None:
    listing, state = room.opened
    room, _ = await store.record(unit, listing.auction_id, room, *decide(state, Close(), unit.now))
    await deposits.free(unit, listing.auction_id)
    _, state = room.opened
    assert state.result is not None
    await awarding.form_own_deals(unit, room)
    await store.record(unit, listing.auction_id, room, _outcome(room, state.result))


def _outcome(room: Room, result: Result) -> AuctionAwarded | AuctionFailed:
    listing, state = room.opened
    if not result.awards:
        return AuctionFailed(
            auction_id=listing.auction_id,
            reference=listing.reference,
            side=state.rules.side,
            cell=listing.cell,
            owner_id=listing.owner_id,
            lots=state.rules.lots,
            outcome=result.outcome,
        )
    return AuctionAwarded(
        auction_id=listing.auction_id,
        reference=listing.reference,
        side=state.rules.side,
        cell=listing.cell,
        owner_id=listing.owner_id,
        awards=result.awards,
        unawarded_lots=result.unawarded_lots,
    )
