"""Receipts: what a bidder is told of what he said, as far as the rules go, then and later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aggregator.auctions import deposits, queries, sealing
from aggregator.auctions.facts import AuctionListed
from aggregator.auctions.store import Room
from aggregator.auctions.terms import ACT
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool, Reader, decoded
from aggregator.market import Actor, Answer
from matching.auctions.book import Book
from matching.auctions.disclosure import own_place
from matching.auctions.events import BidPlaced, DemandPlaced, PackagePlaced, StandingSet
from matching.auctions.package_bids import score_of
from matching.auctions.state import State

Place = tuple[bool | None, int | None, int | None]
"""Whether a bidder leads, his rank, and the worst price he may name next; see `own_place`."""

MAX_RECEIPTS = 200
MAX_UNSEALED = 1000
# No bid comes before its auction opens or after it closes, which spares all other commands: of an
# old auction those of all firms ever since.
_OWN = """
select c.answer from command c join auction a on a.id = $2
where c.organisation_id = $1 and c.at between a.opens_at and a.closes_at
  and c.act = $3 and c.outcome = 'done'
  and c.answer ->> 'auction_id' = $2 and c.answer ->> 'bid_id' is not null
order by c.at desc, (c.answer ->> 'seq')::bigint desc limit $4
"""
# What is kept sealed does not say of which auction it is, or even of what kind.
_OWN_SEALED = """
select c.answer from command c join auction a on a.id = $2
where c.organisation_id = $1 and c.at between a.opens_at and a.closes_at
  and c.act = $3 and c.outcome = 'done'
  and c.answer ->> 'sealed' is not null
order by c.at desc limit $4
"""


async def own_receipts(
    actor: Actor, auction_id: str, reader: Reader | None = None
) -> list[Mapping[str, Any]]:
    """Return the receipts of the firm's bids in an auction as they were given, the newest first.

    Those of sealed bids are looked for among the last that the firm has sealed anywhere.

    Raises:
        NotAllowed: the actor's roles place no bids.
        NotFound: no such auction, or not for these eyes.

    """
    actor.require(ACT)
    await queries.require_visible(actor, auction_id, reader)
    asked = (actor.organisation_id, auction_id, ACT)
    source = reader or Pool()
    plain = await source.rows(_OWN, *asked, MAX_RECEIPTS)
    if plain:
        # All bids of an auction are sealed or none is.
        return [decoded(row["answer"]) for row in plain]
    kept = await source.rows(_OWN_SEALED, *asked, MAX_UNSEALED)
    opened = [sealing.readable(decoded(row["answer"])) for row in kept]
    own: list[Mapping[str, Any]] = [
        one for one in opened if one["auction_id"] == auction_id and "bid_id" in one
    ]
    return sorted(own, key=lambda one: (one["at"], one["seq"]), reverse=True)[:MAX_RECEIPTS]


def receipt(room: Room, said: deposits.Said, head: bytes, deposit_minor: int) -> Answer:
    """Return the receipt; `hash` is the end of the auction's record with it."""
    listing, state = room.opened
    bidder = said.bidder
    place = own_place(state, bidder)
    if isinstance(said, BidPlaced):
        return of_bid(listing, state.book, state.closes_at, place, said, head, deposit_minor)
    common = _of_all(listing, state.closes_at, place, said, head, deposit_minor)
    match said:
        case DemandPlaced():
            assert state.clock is not None
            prices = dict(zip(state.clock.items, state.clock.prices, strict=True))
            is_single = list(prices) == [""]
            return {
                **common,
                "bid_id": said.bid_id,
                "seq": sum(one == bidder for one, _ in state.clock.ids),
                "price_minor": prices[""] if is_single else None,
                "lots": sum(lots for _, lots in said.demand),
                "all_or_none": False,
                "round": said.round,
                "demand": {} if is_single else dict(said.demand),
            }
        case PackagePlaced():
            return {**common, **_of_package(said, state)}
        case StandingSet():
            return {**common, "standing_id": said.standing_id, "limit_minor": said.limit_minor}


def of_bid(
    listing: AuctionListed,
    book: Book,
    closes_at: datetime,
    place: Place,
    bid: BidPlaced,
    head: bytes,
    deposit_minor: int,
) -> Answer:
    """Return the receipt of a bid that the book holds."""
    found = _of_all(listing, closes_at, place, bid, head, deposit_minor)
    found["bid_id"] = bid.bid_id
    found["seq"] = book.count_of(bid.bidder)
    found["price_minor"] = bid.price_minor
    found["lots"] = bid.lots
    found["all_or_none"] = bid.all_or_none
    if book.rules.criteria:
        found["score_minor"] = bid.score_minor
    return found


def _of_all(
    listing: AuctionListed,
    closes_at: datetime,
    place: Place,
    said: deposits.Said,
    head: bytes,
    deposit_minor: int,
) -> Answer:
    """Return what every receipt tells."""
    is_leading, my_rank, next_allowed_minor = place
    return {
        "auction_id": listing.auction_id,
        "at": stamp(said.at),
        "hash": head.hex(),
        "deposit_minor": deposit_minor,
        "currency": listing.currency,
        "closes_at": stamp(closes_at),
        "is_leading": is_leading,
        "my_rank": my_rank,
        "next_allowed_minor": next_allowed_minor,
    }


def _of_package(said: PackagePlaced, state: State) -> Answer:
    rules = state.rules
    scored = {"score_minor": score_of(rules, said)} if rules.criteria else {}
    return {
        **scored,
        "bid_id": said.bid_id,
        "seq": sum(bid.bidder == said.bidder for bid in state.packages),
        "price_minor": said.price_minor,
        "lots": said.lots,
        "all_or_none": True,
        "items": list(said.items),
        "xor": said.xor,
    }
