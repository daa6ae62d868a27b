"""Whose view a fact changes, said without making the views.

It names exactly those to whom `disclosure` shows a difference: a rival's act that the rules hide
is seen by nobody else. It speaks for the facts that come by the thousand, what bidders say and what
that sets off, but for a Dutch clock, whose takers are few; of any other fact it says nothing, and
one has to look.
"""

from __future__ import annotations

from dataclasses import dataclass

from matching.auctions.disclosure import Bidder, Observer, Operator, Owner, sees_all
from matching.auctions.events import (
    BidPlaced,
    CloseExtended,
    DemandPlaced,
    PackagePlaced,
    StandingSet,
)
from matching.auctions.state import State
from matching.auctions.ties import better_first

Kind = type[Observer] | type[Bidder] | type[Owner] | type[Operator]

_OWN_PRICE = frozenset({"english", "sealed_first", "sealed_uniform", "second_price"})
_KINDS: tuple[Kind, ...] = (Observer, Bidder, Owner, Operator)


@dataclass(frozen=True, slots=True)
class Sight:
    """Who sees a difference: kinds in the part common to them, bidders in their own part."""

    kinds: tuple[Kind, ...] = ()
    bidders: tuple[str, ...] = ()


_EVERYBODY = Sight(_KINDS)


def sight(state: State, fact: object) -> Sight | None:
    """Return who sees it when `state` becomes what `evolve` makes of a fact.

    None where that must be looked for in the views.
    """
    if state.result is not None:
        return None
    match fact:
        case DemandPlaced():
            return _of_demand(state, fact)
        case PackagePlaced(bidder=bidder):
            # Nobody reads a rival's before the close.
            return Sight(bidders=(bidder,))
        case BidPlaced() if state.rules.format in _OWN_PRICE:
            return _of_bid(state, fact)
        case CloseExtended():
            return _EVERYBODY
        case StandingSet(bidder=bidder, limit_minor=limit_minor):
            known = [order.limit_minor for order in state.orders if order.bidder == bidder]
            is_same = limit_minor == (known[0] if known else None)
            return Sight() if is_same else Sight(bidders=(bidder,))
    return None


def seeing_all(state: State) -> tuple[Kind, ...]:
    """Return the kinds to whom every bid is shown, and whose it is."""
    return tuple(kind for kind in (Owner, Operator) if sees_all(state, kind()))


def _of_demand(state: State, asked: DemandPlaced) -> Sight:
    """A demand is hidden until its round ends; its bidder sees the lots that he asks for."""
    clock = state.clock
    assert clock is not None
    before, wanted = clock.standing_of(asked.bidder), dict(asked.demand)
    lots = tuple(wanted.get(item, 0) for item in clock.items)
    is_same = lots == (before.lots if before else (0,) * len(clock.items))
    return Sight() if is_same else Sight(bidders=(asked.bidder,))


def _of_bid(state: State, bid: BidPlaced) -> Sight:
    rules, leader = state.rules, state.book.leader
    leads = leader is None or better_first(rules, bid.score_minor) < better_first(
        rules, leader.score_minor
    )
    kinds = tuple(kind for kind in _KINDS if _is_shown(state, kind, leads=leads))
    # The bidder sees his own bids counted, whatever else is hidden.
    bidders = {bid.bidder: None}
    is_blind = rules.is_sealed or rules.disclosure == "blind"
    if not is_blind and leads and leader is not None:
        bidders[leader.bidder] = None
    if not is_blind and rules.disclosure in ("full", "rank"):
        bidders.update(dict.fromkeys(state.book.passed(bid)))
    return Sight(kinds, tuple(bidders))


def _is_shown(state: State, kind: Kind, *, leads: bool) -> bool:
    """Say whether what a kind has in common shows a bid: how many there are, or the best."""
    rules = state.rules
    if kind in (Owner, Operator) and sees_all(state, kind()):
        return True
    word = rules.disclosure if kind is Bidder else rules.to_observers
    return not rules.is_sealed and (word == "full" or (word == "best" and leads))
