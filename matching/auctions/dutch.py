"""The Dutch clock: the price moves towards the bidders until someone takes lots.

Rule: from the start price, every `interval_s` the price moves by the step (down for
buyers, up for suppliers), not past the reserve, where it rests until the close. A bid
takes lots at once at the clock's price of its instant, if it names that price or one
better for the owner; the auction ends when nothing is left. Pauses stop the clock.

Guarantees: lots are never sold twice; nobody pays worse than he named. With
`last_accepted` everyone pays the taken price that is best for takers: the last one's, unless
an outage turned the clock back.
Ties: the earlier sequence.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from matching.auctions.bidding import check_amount, require_open
from matching.auctions.commands import PlaceBid
from matching.auctions.events import Award, BidPlaced, Closed, Event, Result
from matching.auctions.refusals import (
    DuplicateBid,
    OffClock,
    OffLots,
    TooManyBids,
)
from matching.auctions.rules import MAX_BIDS_A_BIDDER
from matching.auctions.state import State, evolve
from matching.auctions.ties import Draw, better_first

MAX_TICKS = 1_000_000


def clock_price(state: State, now: datetime) -> int:
    """Return the price at `now`; while paused, the price at which it was stopped."""
    rules = state.rules
    assert rules.start_minor is not None
    until = state.since if state.phase == "paused" else min(now, state.closes_at)
    run = until - rules.opens_at - state.lost
    moves = max(0, run // timedelta(seconds=max(1, rules.interval_s)))
    price = rules.start_minor
    for _ in range(min(moves, MAX_TICKS)):
        step = rules.step_at(price)
        moved = price - step if rules.side == "sell" else price + step
        if moved <= 0:
            return price
        if rules.reserve_minor is not None and better_first(rules, moved) > better_first(
            rules, rules.reserve_minor
        ):
            return rules.reserve_minor
        price = moved
    return price


def lots_left(state: State) -> int:
    return state.rules.lots - sum(bid.lots for bid in state.book)


def take(state: State, command: PlaceBid, now: datetime) -> list[Event]:
    """Decide a bid at the clock's price; the last lots close the auction.

    Raises:
        RuleViolation: the auction does not run, or price or lots are bad.

    """
    require_open(state, now)
    rules, left = state.rules, lots_left(state)
    if state.book.holds(command.bidder, command.bid_id):
        raise DuplicateBid(command.bid_id)
    if state.book.count_of(command.bidder) >= MAX_BIDS_A_BIDDER:
        raise TooManyBids(MAX_BIDS_A_BIDDER)
    taken = sum(bid.lots for bid in state.book if bid.bidder == command.bidder)
    lots = left if command.lots is None else command.lots
    most = min(left, rules.max_award_lots - taken)
    if not min(rules.min_lots, left) <= lots <= most:
        raise OffLots(lots, min(rules.min_lots, left), most)
    price = clock_price(state, now)
    check_amount(rules, command.price_minor, lots)
    if better_first(rules, command.price_minor) > better_first(rules, price):
        raise OffClock(command.price_minor, price)
    bid = BidPlaced(
        at=now,
        seq=state.book.count + 1,
        bid_id=command.bid_id,
        bidder=command.bidder,
        price_minor=price,
        lots=lots,
        all_or_none=command.all_or_none,
        score_minor=price,
    )
    if lots < left:
        return [bid]
    return [bid, Closed(at=now, result=clear_takings(evolve(state, bid), None))]


def clear_takings(state: State, draw: Draw | None) -> Result:  # noqa: ARG001
    """Award what was taken, in order."""
    bids = list(state.book)
    is_uniform = state.rules.pricing == "last_accepted"
    worst = max(bids, key=lambda bid: better_first(state.rules, bid.price_minor), default=None)
    price = worst.price_minor if worst and is_uniform else None
    left = lots_left(state)
    return Result(
        outcome="no_bids" if not bids else "partly_awarded" if left else "awarded",
        awards=tuple(
            Award(bid.bidder, bid.bid_id, bid.lots, bid.price_minor if price is None else price)
            for bid in bids
        ),
        clearing_price_minor=price,
        unawarded_lots=left,
    )
