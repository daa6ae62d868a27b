"""What each audience may see of an auction, as a JSON document.

`full` shows every standing price, `best` the best one, `rank` each bidder his own rank,
`blind` nothing of others. A rival's act that the rules hide changes nothing in the view:
not a count, not an order, not an instant. Until its close a sealed format is blind to
everyone, its owner too. The one exception is stated in the rules: an extension of the
close is public. Observers see what the rules show to everyone and never a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from matching.auctions.bidding import next_allowed
from matching.auctions.engine import ranking
from matching.auctions.events import BidPlaced, Result
from matching.auctions.state import State

View = dict[str, object]


@dataclass(frozen=True, slots=True)
class Observer:
    """Anyone who may look and takes no part."""


@dataclass(frozen=True, slots=True)
class Bidder:
    id: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The organisation whose lots or volume it is."""


Audience = Observer | Bidder | Owner


def view(state: State, audience: Audience, now: datetime) -> View:
    """Return what the audience may see at `now`."""
    shown = _frame(state, now)
    match audience:
        case Observer():
            _show_prices(shown, state)
        case Bidder():
            _show_prices(shown, state)
            _show_own(shown, state, audience.id)
        case Owner():
            _show_all(shown, state)
    return shown


def instant(at: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _frame(state: State, now: datetime) -> View:
    rules = state.rules
    is_waiting = state.phase == "open" and now < rules.opens_at
    return {
        "phase": "scheduled" if is_waiting else state.phase,
        "reason": state.reason,
        "side": rules.side,
        "format": rules.format,
        "opens_at": instant(rules.opens_at),
        "closes_at": instant(state.closes_at),
        "hard_stop": instant(state.hard_stop),
        "extensions": state.extensions,
        "lots": rules.lots,
        "min_lots": rules.min_lots,
        "start_minor": rules.start_minor,
        "reserve_minor": rules.reserve_minor if rules.reserve_is_public else None,
        "step_minor": rules.step_minor,
        "steps": [list(band) for band in rules.steps],
        "tick_minor": rules.tick_minor,
        "pricing": rules.pricing,
        "improve": rules.improve,
        "disclosure": rules.disclosure,
    }


def _show_prices(shown: View, state: State) -> None:
    if state.rules.is_sealed and state.result is None:
        return
    disclosure = state.rules.disclosure
    if disclosure in ("full", "best"):
        leader = state.book.leader
        shown["best_minor"] = None if leader is None else leader.price_minor
    if disclosure == "full":
        shown["bids"] = state.book.count
        shown["standing"] = [
            {"rank": rank, "price_minor": bid.price_minor, "lots": bid.lots}
            for rank, bid in enumerate(ranking(state), start=1)
        ]
    if state.result is not None:
        shown["result"] = _public_result(state, state.result)


def _public_result(state: State, result: Result) -> View:
    """What everyone learns: that it was awarded, and the price where prices were open."""
    shown: View = {"is_awarded": bool(result.awards)}
    if state.rules.disclosure in ("full", "best"):
        shown["clearing_price_minor"] = result.clearing_price_minor
        shown["awarded_lots"] = state.rules.lots - result.unawarded_lots
    return shown


def _show_own(shown: View, state: State, bidder: str) -> None:
    rules = state.rules
    mine = state.book.of(bidder)
    shown["my_best_minor"] = None if mine is None else mine.price_minor
    shown["my_lots"] = None if mine is None else mine.lots
    shown["my_bids"] = state.book.count_of(bidder)
    limits = [order.limit_minor for order in state.orders if order.bidder == bidder]
    shown["my_limit_minor"] = limits[0] if limits else None
    is_told = rules.improve == "own" or rules.disclosure in ("full", "best")
    shown["next_allowed_minor"] = next_allowed(state, bidder) if is_told else None
    is_blind = rules.disclosure == "blind" or (rules.is_sealed and state.result is None)
    shown["is_leading"] = None if is_blind else _leads(state, bidder)
    may_rank = rules.disclosure in ("full", "rank") and not is_blind
    shown["my_rank"] = _rank(state, bidder) if may_rank else None
    if state.result is not None:
        won = [award for award in state.result.awards if award.bidder == bidder]
        shown["my_award"] = (
            {"lots": won[0].lots, "price_minor": won[0].price_minor} if won else None
        )


def _rank(state: State, bidder: str) -> int | None:
    if state.result is None:
        return state.book.rank(bidder)
    order = [bid.bidder for bid in ranking(state)]
    return order.index(bidder) + 1 if bidder in order else None


def _leads(state: State, bidder: str) -> bool:
    first = ranking(state)[:1] if state.result else (state.book.leader,)
    return any(bid is not None and bid.bidder == bidder for bid in first)


def _show_all(shown: View, state: State) -> None:
    rules = state.rules
    shown["reserve_minor"] = rules.reserve_minor
    if rules.is_sealed and state.result is None:
        return
    leader = state.book.leader
    shown["best_minor"] = None if leader is None else leader.price_minor
    shown["bids"] = state.book.count
    shown["standing"] = [_named(rank, bid) for rank, bid in enumerate(ranking(state), start=1)]
    if state.result is not None:
        shown["result"] = _whole_result(state.result)


def _named(rank: int, bid: BidPlaced) -> View:
    return {
        "rank": rank,
        "bidder": bid.bidder,
        "price_minor": bid.price_minor,
        "lots": bid.lots,
        "at": instant(bid.at),
        "seq": bid.seq,
    }


def _whole_result(result: Result) -> View:
    return {
        "is_awarded": bool(result.awards),
        "outcome": result.outcome,
        "clearing_price_minor": result.clearing_price_minor,
        "unawarded_lots": result.unawarded_lots,
        "awards": [
            {"bidder": won.bidder, "lots": won.lots, "price_minor": won.price_minor}
            for won in result.awards
        ],
        "rejected_in_the_money": [
            {"bidder": bid.bidder, "lots": bid.lots, "reason": bid.reason}
            for bid in result.rejected_in_the_money
        ],
    }
