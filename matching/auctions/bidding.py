"""Bids that name their own price: the rules that one must pass, and what it sets off.

Soft close: a bid that takes lots at the moment, placed with at most `soft_close_s` left,
moves the close to max(close, bid + soft_close_s), never past the hard stop and never
more often than `max_extensions`. It takes away the reward for bidding in the last
second (Roth and Ockenfels 2002). Sealed formats never extend: it would tell that a good
bid came. The reserve plays no part here, so an extension tells nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from matching.auctions.commands import PlaceBid
from matching.auctions.events import BidPlaced, CloseExtended, Event
from matching.auctions.refusals import (
    AboveCeiling,
    AllOrNoneRefused,
    AuctionCancelled,
    AuctionClosed,
    AuctionPaused,
    BadAttributes,
    BelowFloor,
    BidEarly,
    BidLate,
    DuplicateBid,
    FewerLots,
    NotImproving,
    NotPositive,
    OffLots,
    OffTick,
    TooManyBids,
    TotalTooLarge,
)
from matching.auctions.rules import MAX_BIDS_A_BIDDER, Rules
from matching.auctions.state import State
from matching.auctions.ties import better_first
from matching.money import MAX_TOTAL_MINOR


def place_bid(state: State, command: PlaceBid, now: datetime) -> list[Event]:
    """Decide a bid of an open or sealed format.

    Raises:
        RuleViolation: the first rule that the bid breaks, in the order of the module.

    """
    require_open(state, now)
    rules, price_minor = state.rules, command.price_minor
    lots = rules.lots if command.lots is None else command.lots
    _check_identity(state, command)
    mine = state.book.of(command.bidder)
    _check_lots(rules, command, lots, mine)
    check_price(rules, price_minor, lots)
    is_scored = rules.criteria or command.attributes
    score_minor = price_minor + worth(rules, command.attributes) if is_scored else price_minor
    _check_improvement(state, command, score_minor, mine)
    # By place: to name the fields takes twice as long, and every bid passes here.
    bid = BidPlaced(
        now,
        state.book.count + 1,
        command.bid_id,
        command.bidder,
        price_minor,
        lots,
        command.all_or_none,
        command.attributes,
        score_minor,
    )
    extended = _extension(state, bid)
    return [bid] if extended is None else [bid, extended]


def require_open(state: State, now: datetime) -> None:
    """Refuse an act that needs a running auction: windows are [opens_at, closes_at)."""
    require_before_close(state, now)
    if now < state.rules.opens_at:
        raise BidEarly(state.rules.opens_at)


def require_before_close(state: State, now: datetime) -> None:
    """Refuse an act that comes too late, or while an auction is paused."""
    if state.phase == "cancelled":
        raise AuctionCancelled(state.reason)
    if state.phase == "paused":
        raise AuctionPaused(state.reason)
    if now >= state.closes_at:
        raise BidLate(state.closes_at)
    if state.phase == "closed":
        raise AuctionClosed


def require_running(state: State) -> None:
    """Refuse an act of the operator on an auction that is over or paused."""
    if state.phase == "cancelled":
        raise AuctionCancelled(state.reason)
    if state.phase == "closed":
        raise AuctionClosed
    if state.phase == "paused":
        raise AuctionPaused(state.reason)


def next_allowed(state: State, bidder: str) -> int | None:
    """Return the worst price that the bidder's next bid may name, None where any will do.

    It follows from the bidder's own bid, or from the leading one where the rules make
    everyone beat that; `disclosure` says whether he may be told. Where terms are scored,
    it bounds the price with their worth.
    """
    rules = state.rules
    bound = rules.bound_minor
    beaten = state.book.of(bidder) if rules.improve == "own" else state.book.leader
    if beaten is None:
        return bound
    step = rules.step_at(beaten.score_minor)
    if rules.side == "buy":
        least = beaten.score_minor - step
        return least if bound is None else min(least, bound)
    least = beaten.score_minor + step
    return least if bound is None else max(least, bound)


def check_price(rules: Rules, price_minor: int, lots: int) -> None:
    """Refuse a price that is off tick, beyond the public bound, or too large in all."""
    check_amount(rules, price_minor, lots)
    bound = rules.bound_minor
    if bound is None:
        return
    if rules.side == "buy" and price_minor > bound:
        raise AboveCeiling(price_minor, bound)
    if rules.side == "sell" and price_minor < bound:
        raise BelowFloor(price_minor, bound)


def check_amount(rules: Rules, price_minor: int, lots: int) -> None:
    if price_minor <= 0:
        raise NotPositive(price_minor)
    if price_minor % rules.tick_minor:
        raise OffTick(price_minor, rules.tick_minor)
    if price_minor * lots > MAX_TOTAL_MINOR:
        raise TotalTooLarge(price_minor * lots, MAX_TOTAL_MINOR)


def _check_identity(state: State, command: PlaceBid) -> None:
    if state.book.holds(command.bidder, command.bid_id):
        raise DuplicateBid(command.bid_id)
    if state.book.count_of(command.bidder) >= MAX_BIDS_A_BIDDER:
        raise TooManyBids(MAX_BIDS_A_BIDDER)


def _check_lots(rules: Rules, command: PlaceBid, lots: int, mine: BidPlaced | None) -> None:
    least = rules.lots if rules.format == "second_price" else rules.min_lots
    if not least <= lots <= rules.lots:
        raise OffLots(lots, least, rules.lots)
    if command.all_or_none and rules.shares:
        raise AllOrNoneRefused(lots)
    if mine is not None and lots < mine.lots:
        raise FewerLots(lots, mine.lots)


def worth(rules: Rules, attributes: Sequence[tuple[str, int]]) -> int:
    """Return what the scored terms of a bid are worth per lot.

    Raises:
        BadAttributes: one is missing, unknown or outside its range.

    """
    found = 0
    named = dict(attributes)
    for criterion in rules.criteria:
        value = named.pop(criterion.name, None)
        lowest, highest = criterion.lowest, criterion.highest
        if value is None or not lowest <= value <= highest:
            raise BadAttributes(criterion.name, value, lowest, highest)
        found += value * criterion.unit_minor
    for name, value in sorted(named.items()):
        raise BadAttributes(name, value, None, None)
    return found


def _check_improvement(
    state: State, command: PlaceBid, score_minor: int, mine: BidPlaced | None
) -> None:
    rules = state.rules
    beaten = mine if rules.improve == "own" else state.book.leader
    if beaten is None:
        return
    step = rules.step_at(beaten.score_minor)
    if better_first(rules, score_minor) > better_first(rules, beaten.score_minor) - step:
        is_told = rules.improve == "own" or rules.disclosure in ("full", "best")
        raise NotImproving(score_minor, next_allowed(state, command.bidder) if is_told else None)


def extended_close(state: State, at: datetime) -> datetime | None:
    """Return to when a leading bid at `at` moves the close, None where it stays."""
    rules = state.rules
    if rules.is_sealed:
        return None
    window = timedelta(seconds=rules.soft_close_s)
    if state.closes_at - at > window:
        return None
    if rules.max_extensions is not None and state.extensions >= rules.max_extensions:
        return None
    closes_at = min(at + window, state.hard_stop)
    return closes_at if closes_at > state.closes_at else None


def _extension(state: State, bid: BidPlaced) -> CloseExtended | None:
    closes_at = extended_close(state, bid.at)
    if closes_at is None or not _takes_lots(state, bid):
        return None
    return CloseExtended(at=bid.at, closes_at=closes_at, seq=bid.seq)


def _takes_lots(state: State, bid: BidPlaced) -> bool:
    """Say whether better bids leave anything for this one: then it leads."""
    rules = state.rules
    mine = better_first(rules, bid.score_minor)
    better = [
        rival
        for rival in state.book.standing()
        if rival.bidder != bid.bidder and better_first(rules, rival.score_minor) <= mine
    ]
    if rules.shares:
        return len(better) < len(rules.shares)
    return sum(min(rival.lots, rules.max_award_lots) for rival in better) < rules.lots
