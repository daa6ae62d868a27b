"""One engine for every format: `decide` a command into facts, `evolve` a state by them.

`decide` never changes a state and `evolve` never refuses, so a history replays to the
same state on every machine. Both sides run through the same code: `side` turns prices
round. A format is one line of `FORMATS`.

Guarantees: the close never moves back and never past the hard stop, which only a pause
moves; a bid at or after the closing instant is late; refused, duplicate and non-leading
bids change nothing; the result uses the accepted bids before the close and nothing else.
Ties: see `ties`. Source: the law of the market, sections 4 and 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from matching.auctions import package_bids
from matching.auctions.award import award
from matching.auctions.bidding import next_allowed, place_bid, require_running
from matching.auctions.commands import (
    Begin,
    Cancel,
    Close,
    Command,
    EndRound,
    Pause,
    PlaceBid,
    PlaceDemand,
    PlacePackage,
    RecordOutage,
    Resume,
    SetStanding,
    WithdrawBid,
)
from matching.auctions.dutch import clear_takings, take
from matching.auctions.events import (
    BidPlaced,
    BidWithdrawn,
    Cancelled,
    Closed,
    Event,
    Opened,
    Paused,
    Result,
    Resumed,
)
from matching.auctions.outages import LONGEST_OUTAGE, OUTAGE, least_left
from matching.auctions.refusals import (
    AuctionCancelled,
    AuctionClosed,
    AuctionNotPaused,
    BidEarly,
    BidLate,
    CloseNotDue,
    UnknownBid,
    WrongCommand,
)
from matching.auctions.rounds import (
    accept_price,
    clear_rounds,
    end_round,
    place_demand,
    stands_still,
)
from matching.auctions.rules import Rules, check_reserve
from matching.auctions.standing import answered, begin, set_standing
from matching.auctions.state import State, evolve, fold, initial
from matching.auctions.ties import Draw, drawn

__all__ = [
    "decide",
    "evolve",
    "fold",
    "initial",
    "next_allowed",
    "open_auction",
    "result_now",
    "standing",
]


@dataclass(frozen=True, slots=True)
class Format:
    """What sets one format apart."""

    place: Callable[[State, PlaceBid, datetime], list[Event]]
    clear: Callable[[State, Draw | None], Result]


def _clear_book(state: State, draw: Draw | None) -> Result:
    return award(state.rules, state.book.standing(), draw)


def _no_bids(state: State, command: PlaceBid, now: datetime) -> list[Event]:  # noqa: ARG001
    raise WrongCommand(state.rules.format)


_BOOK = Format(place=place_bid, clear=_clear_book)

FORMATS: dict[str, Format] = {
    "english": _BOOK,
    "sealed_first": _BOOK,
    "sealed_uniform": _BOOK,
    "second_price": _BOOK,
    "dutch": Format(place=take, clear=clear_takings),
    "japanese": Format(place=accept_price, clear=clear_rounds),
    "clock": Format(place=_no_bids, clear=clear_rounds),
    "packages": Format(place=_no_bids, clear=lambda state, _: package_bids.result_of(state)),
}


def open_auction(rules: Rules, now: datetime) -> Opened:
    """Freeze the rules of an auction.

    Raises:
        BadRule: a figure or combination of the rules is not allowed.

    """
    rules.validate()
    check_reserve(rules)
    return Opened(at=now, rules=rules)


def decide(state: State, command: Command, now: datetime) -> list[Event]:
    """Return what a command sets off at `now`, which is never before `state.at`.

    Raises:
        RuleViolation: a rule of the auction refuses the command; nothing happens.

    """
    begun = begin(state, now)
    if not begun:
        return _decide(state, command, now)
    for event in begun:
        state = evolve(state, event)
    return begun + _decide(state, command, now)


def _decide(state: State, command: Command, now: datetime) -> list[Event]:
    match command:
        case PlaceBid():
            return answered(state, FORMATS[state.rules.format].place(state, command, now))
        case PlaceDemand() | PlacePackage():
            return _place_on_items(state, command, now)
        case EndRound():
            return end_round(state, now)
        case SetStanding():
            return answered(state, set_standing(state, command, now))
        case Begin():
            return []
        case Close():
            return _close(state, command, now)
        case Pause():
            return _pause(state, command, now)
        case Resume():
            return answered(state, _resume(state, now))
        case RecordOutage():
            return _record_outage(state, command, now)
        case WithdrawBid():
            return _withdraw(state, command, now)
        case Cancel():
            _require_unfinished(state)
            return [Cancelled(at=now, reason=command.reason)]


def _place_on_items(
    state: State, command: PlaceDemand | PlacePackage, now: datetime
) -> list[Event]:
    form = state.rules.format
    if isinstance(command, PlaceDemand) and form == "clock":
        return place_demand(state, command, now)
    if isinstance(command, PlacePackage) and form == "packages":
        return package_bids.place_package(state, command, now)
    raise WrongCommand(form)


def standing(state: State) -> tuple[BidPlaced, ...]:
    """Return each bidder's bid, best first; a draw of ties is not yet known."""
    return state.book.ranking()


def ranking(state: State) -> tuple[BidPlaced, ...]:
    """Return the final ranking of a closed auction, ties settled as they were awarded."""
    return state.book.ranking(_settled_by(state))


def final_rank(state: State, bidder: str) -> int | None:
    """Return a bidder's place in `ranking`."""
    return state.book.final_rank(bidder, _settled_by(state))


def _settled_by(state: State) -> Draw | None:
    result = state.result
    return None if result is None else drawn(state.rules, result.seed, result.beacon)


def result_now(state: State) -> Result:
    """Return what the award would be if the auction closed now, ties by time."""
    if state.result is not None:
        return state.result
    return FORMATS[state.rules.format].clear(state, None)


def _close(state: State, command: Close, now: datetime) -> list[Event]:
    require_running(state)
    if now < state.closes_at and not _is_settled(state, now):
        raise CloseNotDue(state.closes_at)
    if state.rules.format == "packages":
        return package_bids.close(state, now)
    draw = drawn(state.rules, command.seed, command.beacon)
    return [Closed(at=now, result=FORMATS[state.rules.format].clear(state, draw))]


def _is_settled(state: State, now: datetime) -> bool:
    """Say whether a round has ended after which no price moves."""
    return state.clock is not None and now >= state.clock.ends_at and stands_still(state)


def _pause(state: State, command: Pause, now: datetime) -> list[Event]:
    require_running(state)
    if now >= state.closes_at:
        raise BidLate(state.closes_at)
    if now < state.rules.opens_at:
        raise BidEarly(state.rules.opens_at)
    return [Paused(at=now, reason=command.reason, since=now)]


def _resume(state: State, now: datetime) -> list[Event]:
    """A pause eats no time: the close and the hard stop move by its length.

    Who comes back after an outage has to learn of it first: see `outages`.
    """
    _require_unfinished(state)
    if state.phase != "paused":
        raise AuctionNotPaused
    lost = now - state.since
    closes_at = state.closes_at + lost
    if state.reason == OUTAGE:
        closes_at = max(closes_at, now + least_left(lost))
    return [_resumed(state, closes_at, now)]


def _record_outage(state: State, command: RecordOutage, now: datetime) -> list[Event]:
    """Give back the time that an outage took, and some to come back in: see `outages`.

    After a long one the auction stays paused until a person resumes it.
    """
    require_running(state)
    began_at = max(command.began_at, state.since, state.rules.opens_at)
    if began_at >= state.closes_at:
        raise BidLate(state.closes_at)
    if now <= began_at:
        raise BidEarly(began_at)
    # Not clamped to the last act: how long it was must not tell when a hidden bid came.
    paused = Paused(at=max(began_at, state.at), reason=OUTAGE, since=began_at)
    lost = now - began_at
    if lost > LONGEST_OUTAGE:
        return [paused]
    return [paused, _resumed(state, max(state.closes_at + lost, now + least_left(lost)), now)]


def _resumed(state: State, closes_at: datetime, now: datetime) -> Resumed:
    moved = closes_at - state.closes_at
    return Resumed(at=now, closes_at=closes_at, hard_stop=state.hard_stop + moved)


def _withdraw(state: State, command: WithdrawBid, now: datetime) -> list[Event]:
    """Take a bid out before the close; a pause leaves time to decide it.

    Where others take part in its price (announced prices, bundles), a wrong bid ends the
    auction by a cancellation instead.
    """
    _require_unfinished(state)
    if FORMATS[state.rules.format] is not _BOOK:
        raise WrongCommand(state.rules.format)
    if state.phase == "open" and now >= state.closes_at:
        raise BidLate(state.closes_at)
    if state.book.placed(command.seq) is None:
        raise UnknownBid
    taken: list[Event] = [BidWithdrawn(at=now, seq=command.seq, reason=command.reason)]
    return answered(state, taken) if state.phase == "open" else taken


def _require_unfinished(state: State) -> None:
    if state.phase == "cancelled":
        raise AuctionCancelled(state.reason)
    if state.phase == "closed":
        raise AuctionClosed
