"""The operator's hand on an auction: pausing, resuming, cancelling, each in public."""

from __future__ import annotations

from aggregator.auctions import bundle, deposits, queries, store
from aggregator.auctions.facts import AuctionFailed
from aggregator.auctions.store import Room
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from matching.auctions import commands
from matching.auctions.engine import decide


async def pause(
    market: Market, actor: Actor, command: Command, auction_id: str, *, reason: str
) -> Outcome:
    """Stop the bidding; the pause eats no time.

    Raises:
        NotFound: there is no such auction.
        InvalidField: the reason breaks its rule.
        RuleViolation: the auction is not running.

    """
    asked = commands.Pause(checked_name(reason, "/reason"))
    return await _decided(market, actor, command, auction_id, act="auctions.pause", asked=asked)


async def resume(market: Market, actor: Actor, command: Command, auction_id: str) -> Outcome:
    """Go on; the close and the hard stop move by the length of the pause.

    Raises:
        NotFound: there is no such auction.
        RuleViolation: the auction is not paused.

    """
    asked = commands.Resume()
    return await _decided(market, actor, command, auction_id, act="auctions.pause", asked=asked)


async def cancel(
    market: Market, actor: Actor, command: Command, auction_id: str, *, reason: str
) -> Outcome:
    """End an auction without an award, for a public reason; every deposit is free again.

    Raises:
        NotFound: there is no such auction.
        InvalidField: the reason breaks its rule.
        RuleViolation: the auction is over.

    """
    asked = commands.Cancel(checked_name(reason, "/reason"))
    return await _decided(market, actor, command, auction_id, act="auctions.cancel", asked=asked)


async def _decided(
    market: Market,
    actor: Actor,
    command: Command,
    auction_id: str,
    *,
    act: str,
    asked: commands.Pause | commands.Resume | commands.Cancel,
) -> Outcome:
    actor.require(act)
    await queries.require_visible(actor, auction_id)

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        _, state = room.opened
        room, _ = await store.record(unit, auction_id, room, *decide(state, asked, unit.now))
        if isinstance(asked, commands.Cancel):
            await _release(unit, room)
        return _answer(unit, room)

    stream = store.stream_of(auction_id)
    outcome = await market.perform(actor, act, step, command=command, stream=stream)
    if isinstance(asked, commands.Cancel) and not outcome.replayed:
        await bundle.publish_checkpoint(auction_id)
    return outcome


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
