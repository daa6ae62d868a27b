"""Placing a bid: binding, covered by a deposit in the same act, and answered by a receipt."""

from __future__ import annotations

from typing import Any

from aggregator.auctions import awarding, deposits, queries, store
from aggregator.auctions.errors import GroupAlreadyBids, KindNotAdmitted, RelatedToOwner
from aggregator.auctions.facts import BidderEntered, ChainSalted
from aggregator.auctions.store import Room
from aggregator.errors import NotAllowed
from aggregator.journal.reading import Entry
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.queries import organisation
from matching.auctions.commands import PlaceBid
from matching.auctions.disclosure import Bidder, view
from matching.auctions.engine import decide
from matching.auctions.events import BidPlaced

ROLE_OF_BIDDER = {"buy": "seller", "sell": "buyer"}


async def place_bid(
    market: Market,
    actor: Actor,
    command: Command,
    auction_id: str,
    *,
    price_minor: int,
    lots: int | None = None,
    all_or_none: bool = False,
) -> Outcome:
    """Bid `price_minor` per lot for `lots`, all of them when absent.

    The answer is the receipt: `seq` counts the firm's own bids, `hash` is the bid's place in
    the auction's journal. What the rules hide from bidders is None.

    Raises:
        NotFound: no such auction, or not for this firm's eyes.
        NotAllowed: suppliers bid with the role seller, buyers with the role buyer.
        RelatedToOwner, GroupAlreadyBids, KindNotAdmitted: the firm may not bid here.
        InsufficientFunds: the deposit is not available; an earlier bid keeps its own.
        RuleViolation: a rule of the auction refuses the bid.

    """
    actor.require("auctions.bid")
    await queries.require_visible(actor, auction_id)

    async def step(unit: Unit) -> Answer:
        room = await store.locked(unit, auction_id)
        bidder = await _admitted(unit, room)
        bid = PlaceBid(unit.new_id("bid"), bidder.organisation_id, price_minor, lots, all_or_none)
        return await _place(unit, room, bidder, bid)

    return await market.perform(
        actor, "auctions.bid", step, command=command, stream=store.stream_of(auction_id)
    )


async def _place(unit: Unit, room: Room, bidder: BidderEntered, bid: PlaceBid) -> Answer:
    listing, state = room.opened
    events: list[Any] = list(decide(state, bid, unit.now))
    placed = next(e for e in events if isinstance(e, BidPlaced) and e.bid_id == bid.bid_id)
    awarding.check_total(listing, placed.price_minor, placed.lots)
    deposit_minor = deposits.deposit_minor(listing, placed.price_minor * placed.lots)
    if bidder.organisation_id not in room.bidders:
        await deposits.enter(unit, listing, bidder)
        events.insert(0, bidder)
    if state.rules.disclosure != "full":
        events.insert(0, ChainSalted(unit.new_id("salt")))
    await deposits.cover(unit, listing, bidder.organisation_id, deposit_minor)
    room, entries = await store.record(unit, listing.auction_id, room, *events)
    entry = next(entry for entry in entries if entry.fact is placed)
    return _receipt(unit, room, entry, deposit_minor)


async def _admitted(unit: Unit, room: Room) -> BidderEntered:
    """Return the actor's firm if it may bid at all; who has bid before may bid again."""
    listing, state = room.opened
    actor = unit.actor
    if ROLE_OF_BIDDER[state.rules.side] not in actor.roles:
        raise NotAllowed("auctions.bid")
    known = room.bidders.get(actor.organisation_id)
    if known is not None:
        return known
    bidder = await organisation(actor.organisation_id, unit)
    if bidder.owner_group in listing.barred_groups:
        raise RelatedToOwner(listing.auction_id)
    if any(rival.owner_group == bidder.owner_group for rival in room.bidders.values()):
        raise GroupAlreadyBids(listing.auction_id)
    if listing.kinds and bidder.kind not in listing.kinds:
        raise KindNotAdmitted(bidder.kind, ", ".join(listing.kinds))
    return BidderEntered(bidder.id, bidder.owner_group, bidder.name)


def _receipt(unit: Unit, room: Room, entry: Entry, deposit_minor: int) -> Answer:
    listing, state = room.opened
    bid: BidPlaced = entry.fact
    seen = view(state, Bidder(bid.bidder), unit.now)
    return {
        "auction_id": listing.auction_id,
        "bid_id": bid.bid_id,
        "seq": state.book.count_of(bid.bidder),
        "at": unit.stamp(bid.at),
        "hash": entry.hash.hex(),
        "price_minor": bid.price_minor,
        "lots": bid.lots,
        "all_or_none": bid.all_or_none,
        "deposit_minor": deposit_minor,
        "currency": listing.currency,
        "closes_at": unit.stamp(state.closes_at),
        "is_leading": seen["is_leading"],
        "my_rank": seen["my_rank"],
        "next_allowed_minor": seen["next_allowed_minor"],
    }
