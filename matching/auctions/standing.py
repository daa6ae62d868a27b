"""Standing bids: the auction bids for who may be offline, up to his secret limit.

Rule: after each act the strongest standing order (better limit, then the earlier one)
takes or defends the lead with the least price that does: one step past the leading bid,
or the limit of the strongest order of another bidder where that is further. One bid
stands for the whole exchange of steps that two such bidders would have gone through, so
nothing depends on who would have been asked first. A bid so placed is like any other:
binding, counted, and able to extend the close.

Guarantees: nobody is bid past his limit; among standing orders alone the strongest wins
at the second limit, as in a sale by proxy (Vickrey 1961); a limit changes nothing that a
rival sees until it must.

Orders are for all lots, in the open format that has one winner and no scored terms.
"""

from __future__ import annotations

from datetime import datetime

from matching.auctions.bidding import check_price, place_bid, require_before_close
from matching.auctions.commands import PlaceBid, SetStanding
from matching.auctions.events import BidPlaced, Event, StandingSet
from matching.auctions.refusals import (
    LimitTooWeak,
    WrongCommand,
)
from matching.auctions.rules import MAX_BIDS_A_BIDDER, Rules
from matching.auctions.state import State, evolve
from matching.auctions.ties import better_first
from matching.money import MAX_TOTAL_MINOR


def set_standing(state: State, command: SetStanding, now: datetime) -> list[Event]:
    """Decide a standing order; it may come before the opening.

    Raises:
        RuleViolation: the format takes none, the auction is over, or the limit is bad.

    """
    rules = state.rules
    if rules.format != "english" or rules.shares or rules.criteria or rules.max_share:
        raise WrongCommand(rules.format)
    require_before_close(state, now)
    count = max((order.order for order in state.orders), default=0)
    if command.limit_minor is not None:
        check_price(rules, command.limit_minor, rules.lots)
        _check_own(state, command.bidder, command.limit_minor)
    return [
        StandingSet(
            at=now,
            order=count + 1,
            standing_id=command.standing_id,
            bidder=command.bidder,
            limit_minor=command.limit_minor,
        )
    ]


def begin(state: State, now: datetime) -> list[Event]:
    """Return what the orders set before the opening bid, as of the opening."""
    opens_at = state.rules.opens_at
    if not state.orders or state.phase != "open" or state.at >= opens_at or now < opens_at:
        return []
    return _response(state, opens_at)


def answered(state: State, events: list[Event]) -> list[Event]:
    """Return the events of an act, followed by what the standing orders answer."""
    if not state.orders and not isinstance(events[0], StandingSet):
        return events
    for event in events:
        state = evolve(state, event)
    if state.at < state.rules.opens_at:
        return events
    return events + _response(state, state.at)


def _response(state: State, at: datetime) -> list[Event]:
    active = [
        order
        for order in state.orders
        if order.limit_minor is not None and state.book.count_of(order.bidder) < MAX_BIDS_A_BIDDER
    ]
    ordered = sorted(active, key=lambda order: (_key(state.rules, order), order.order))
    leader = state.book.leader
    for place, order in enumerate(ordered):
        weaker = ordered[place + 1 :]
        if leader is not None and leader.bidder == order.bidder and not _challenged(state, weaker):
            return []
        price_minor = _least_price(state, order, weaker)
        if price_minor is not None:
            bid = PlaceBid(_free_id(state, order), order.bidder, price_minor)
            return place_bid(state, bid, at)
    return []


def _challenged(state: State, weaker: list[StandingSet]) -> bool:
    leader = state.book.leader
    if leader is None or not weaker:
        return False
    return _key(state.rules, weaker[0]) <= _past(state.rules, leader)


def _least_price(state: State, order: StandingSet, weaker: list[StandingSet]) -> int | None:
    """Return the price that leads and that no weaker order can pass, if within the limit."""
    rules = state.rules
    limit = _key(rules, order)
    reach = [_key(rules, weaker[0])] if weaker else []
    mine = state.book.of(order.bidder) if rules.improve == "own" else None
    beaten = [bid for bid in (state.book.leader, mine) if bid is not None]
    reach += [_past(rules, bid) for bid in beaten]
    if rules.bound_minor is not None:
        reach.append(better_first(rules, rules.bound_minor))
    least = min(reach, default=limit)
    price_minor = least if rules.side == "buy" else -least
    is_possible = least >= limit and price_minor * rules.lots <= MAX_TOTAL_MINOR
    return price_minor if is_possible else None


def _past(rules: Rules, bid: BidPlaced) -> int:
    return better_first(rules, bid.score_minor) - rules.step_at(bid.score_minor)


def _free_id(state: State, order: StandingSet) -> str:
    found = f"{order.standing_id}/{state.book.count_of(order.bidder) + 1}"
    while state.book.holds(order.bidder, found):
        found += "+"
    return found


def _check_own(state: State, bidder: str, limit_minor: int) -> None:
    mine = state.book.of(bidder)
    if mine is None:
        return
    rules = state.rules
    if better_first(rules, limit_minor) > better_first(rules, mine.score_minor):
        raise LimitTooWeak(limit_minor, mine.score_minor)


def _key(rules: Rules, order: StandingSet) -> int:
    assert order.limit_minor is not None
    return better_first(rules, order.limit_minor)
