"""Plain bids: the quick way through an open book, one bid after the other.

Most bids of a busy auction are alike: the window is open and does not close soon, nobody left a
standing order, nothing is scored. These are taken here without a state for each. What is not
plainly a good bid is refused nowhere here: it is for `engine.decide`, the obvious way beside
this one, and so is every other act. The facts and the state are those that `decide` and `evolve`
give.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from matching.auctions.book import Book
from matching.auctions.events import BidPlaced
from matching.auctions.rules import MAX_BIDS_A_BIDDER
from matching.auctions.state import State
from matching.money import MAX_TOTAL_MINOR


class PlainBids:
    """An auction while plain bids are taken; `begun` tells whether there can be any."""

    __slots__ = (
        "_bound_minor",
        "_is_blind",
        "_leads",
        "_opens_at",
        "_quiet_until",
        "_sign",
        "_state",
        "_tells_next",
        "_tells_rank",
        "book",
        "closes_at",
        "last",
        "rules",
    )

    def __init__(self, state: State) -> None:
        rules = self.rules = state.rules
        self._state = state
        self.book: Book = state.book.growing()
        self.last: BidPlaced | None = None
        self.closes_at = state.closes_at
        self._opens_at = rules.opens_at
        # From here on a bid may move the close.
        self._quiet_until = state.closes_at - timedelta(seconds=rules.soft_close_s)
        # Prices times this: lower is better, whichever way the auction goes.
        self._sign = 1 if rules.side == "buy" else -1
        self._bound_minor = rules.bound_minor
        self._leads = rules.improve == "leader"
        self._is_blind = rules.disclosure == "blind"
        self._tells_rank = rules.disclosure in ("full", "rank")
        self._tells_next = not self._leads or rules.disclosure in ("full", "best")

    @staticmethod
    def begun(state: State) -> PlainBids | None:
        """Return where plain bids go from this state; None where the rules or orders allow none."""
        rules = state.rules
        is_plain = (
            rules.format == "english"
            and state.phase == "open"
            and not rules.criteria
            and not state.orders
        )
        return PlainBids(state) if is_plain else None

    def takes(self, bidder: str, price_minor: int, lots: int, now: datetime) -> bool:
        """Say whether a bid is plainly good; if not, `engine.decide` knows what it is."""
        rules, index = self.rules, self.book.index
        mine = index.standing.get(bidder)
        if not (
            self._opens_at <= now < self._quiet_until
            and rules.min_lots <= lots <= rules.lots
            and (mine is None or lots >= mine.lots)
            and 0 < price_minor <= MAX_TOTAL_MINOR // lots
            and not price_minor % rules.tick_minor
            and index.counts.get(bidder, 0) < MAX_BIDS_A_BIDDER
        ):
            return False
        key, bound_minor = self._sign * price_minor, self._bound_minor
        if bound_minor is not None and key > self._sign * bound_minor:
            return False
        beaten = index.leader if self._leads else mine
        if beaten is None:
            return True
        beaten_minor = beaten.score_minor
        return key <= self._sign * beaten_minor - rules.step_at(beaten_minor)

    def take(
        self, bid_id: str, bidder: str, price_minor: int, lots: int, now: datetime
    ) -> BidPlaced:
        """Return the fact of a bid that was found plainly good, and count it in."""
        book = self.book
        seq = book.count + 1
        bid = BidPlaced(now, seq, bid_id, bidder, price_minor, lots, score_minor=price_minor)
        book.take(bid)
        self.last = bid
        return bid

    def place_of(self, bid: BidPlaced) -> tuple[bool | None, int | None, int | None]:
        """Return what `disclosure.own_place` tells the bidder of the bid just taken."""
        book, next_minor = self.book, None
        leader = book.leader
        assert leader is not None
        if self._tells_next:
            beaten_minor = (leader if self._leads else bid).score_minor
            next_minor = beaten_minor - self._sign * self.rules.step_at(beaten_minor)
        if self._is_blind:
            return None, None, next_minor
        rank = book.rank(bid.bidder) if self._tells_rank else None
        return leader.bidder == bid.bidder, rank, next_minor

    def state(self) -> State:
        """Return the state after the bids taken; more may follow."""
        if self.last is None:
            return self._state
        self._state = replace(self._state, at=self.last.at, book=self.book)
        self.book, self.last = self.book.growing(), None
        return self._state
