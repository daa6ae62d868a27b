"""The state of one auction, and how facts change it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from matching.auctions.book import Book
from matching.auctions.clock import Clock
from matching.auctions.events import (
    BidPlaced,
    BidWithdrawn,
    Cancelled,
    Closed,
    CloseExtended,
    DemandPlaced,
    Event,
    Opened,
    PackagePlaced,
    PackagesCleared,
    Paused,
    Result,
    Resumed,
    RoundOpened,
    StandingSet,
)
from matching.auctions.outages import OUTAGE, least_left
from matching.auctions.rules import Rules
from matching.values import value

BEFORE = datetime(1, 1, 1, tzinfo=UTC)
Phase = Literal["open", "paused", "closed", "cancelled"]


@value
class State:
    """`phase` is `open` from the moment the rules are frozen; bids wait for `opens_at`.

    `at` is the instant of the last fact; `reason` that of a pause or cancellation;
    `orders` hold the last standing order of each bidder, in the order they were set;
    `lost` is the time that pauses took, `since` when this phase began; `clock` the rounds,
    where prices are announced; `packages` all package bids, `proof` how they were cleared;
    `withdrawn` what the operator took out.
    """

    rules: Rules
    book: Book
    closes_at: datetime
    hard_stop: datetime
    at: datetime
    phase: Phase = "open"
    extensions: int = 0
    reason: str = ""
    result: Result | None = None
    orders: tuple[StandingSet, ...] = ()
    lost: timedelta = timedelta(0)
    clock: Clock | None = None
    since: datetime = BEFORE
    packages: tuple[PackagePlaced, ...] = ()
    proof: PackagesCleared | None = None
    withdrawn: tuple[BidWithdrawn, ...] = ()


def initial(opened: Opened) -> State:
    rules = opened.rules
    return State(
        rules=rules,
        book=Book(rules),
        closes_at=rules.closes_at,
        hard_stop=rules.planned_stop,
        at=opened.at,
        clock=Clock.of(rules) if rules.announced else None,
    )


def evolve(state: State, event: Event) -> State:
    """Return the state after a fact. Facts are never refused."""
    match event:
        case BidPlaced():
            return State(
                state.rules,
                state.book.with_bid(event),
                state.closes_at,
                state.hard_stop,
                event.at,
                state.phase,
                state.extensions,
                state.reason,
                state.result,
                state.orders,
                state.lost,
                state.clock,
                state.since,
                state.packages,
                state.proof,
                state.withdrawn,
            )
        case DemandPlaced():
            assert state.clock is not None
            return replace(state, at=event.at, clock=state.clock.with_demand(event))
        case PackagePlaced() | PackagesCleared() | BidWithdrawn():
            return _seldom(state, event)
        case RoundOpened():
            assert state.clock is not None
            return replace(state, at=event.at, clock=state.clock.opened(event))
        case StandingSet():
            kept = [order for order in state.orders if order.bidder != event.bidder]
            return replace(state, at=event.at, orders=(*kept, event))
        case CloseExtended():
            extended = state.extensions + 1
            return replace(state, at=event.at, closes_at=event.closes_at, extensions=extended)
        case Paused():
            since = event.at if event.since is None else event.since
            return replace(state, at=event.at, phase="paused", reason=event.reason, since=since)
        case Resumed():
            return _resumed(state, event)
        case Closed():
            return replace(state, at=event.at, phase="closed", result=event.result)
        case Cancelled():
            return replace(state, at=event.at, phase="cancelled", reason=event.reason)
        case Opened():
            raise AssertionError("an auction opens once")


def _seldom(state: State, event: PackagePlaced | PackagesCleared | BidWithdrawn) -> State:
    if isinstance(event, PackagesCleared):
        return replace(state, at=event.at, proof=event)
    if isinstance(event, BidWithdrawn):
        bid = state.book.placed(event.seq)
        assert bid is not None
        return replace(
            state,
            at=event.at,
            book=state.book.without(event.seq),
            orders=tuple(order for order in state.orders if order.bidder != bid.bidder),
            withdrawn=(*state.withdrawn, event),
        )
    return replace(state, at=event.at, packages=(*state.packages, event))


def _resumed(state: State, event: Resumed) -> State:
    return replace(
        state,
        at=event.at,
        phase="open",
        lost=state.lost + (event.at - state.since),
        since=event.at,
        clock=None if state.clock is None else state.clock.ending_at(_round_end(state, event)),
        reason="",
        closes_at=event.closes_at,
        hard_stop=event.hard_stop,
    )


def _round_end(state: State, event: Resumed) -> datetime:
    """A round may be the last, so an outage leaves as much of it as of the auction.

    One that was over keeps its end, and with it the beacon that draws the ties of its demands.
    """
    assert state.clock is not None
    ends_at, lost = state.clock.ends_at, event.at - state.since
    if state.since >= ends_at:
        return ends_at
    if state.reason != OUTAGE:
        return ends_at + lost
    moved = event.closes_at - state.closes_at
    return min(max(ends_at + moved, event.at + least_left(lost)), event.closes_at)


def fold(events: Iterable[Event]) -> State:
    """Return the state after a whole history, which starts with its `Opened`."""
    history = iter(events)
    opened = next(history)
    if not isinstance(opened, Opened):
        raise TypeError(f"a history starts with Opened: {type(opened).__name__}")
    state = initial(opened)
    for event in history:
        state = evolve(state, event)
    return state
