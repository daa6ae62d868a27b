"""The accepted bids of one auction, as a value that grows cheaply.

A book never changes: `with_bid` returns another one. All books of one history share a
log; the newest also shares the index built over it, so that adding a bid costs the same
whether it is the tenth or the hundred-thousandth. An older book stays right and is only
slower to read, because it builds its own index.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matching.auctions.events import BidPlaced
from matching.auctions.rules import Rules
from matching.auctions.ties import Draw, better_first, ranked


class Index:
    """What a book knows by heart, for who only reads it."""

    __slots__ = ("counts", "ids", "leader", "order", "standing")

    def __init__(self) -> None:
        self.standing: dict[str, BidPlaced] = {}
        self.ids: set[tuple[str, str]] = set()
        self.counts: dict[str, int] = {}
        self.leader: BidPlaced | None = None
        self.order: list[tuple[int, int]] | None = None
        """The standing bids, best first, from when a rank was asked for."""

    def note(self, bid: BidPlaced) -> None:
        self.ids.add((bid.bidder, bid.bid_id))
        self.counts[bid.bidder] = self.counts.get(bid.bidder, 0) + 1

    def add(self, rules: Rules, bid: BidPlaced) -> None:
        self.note(bid)
        if self.order is not None:
            before = self.standing.get(bid.bidder)
            if before is not None:
                del self.order[bisect_left(self.order, _place(rules, before))]
            insort(self.order, _place(rules, bid))
        self.standing[bid.bidder] = bid
        leader = self.leader
        if leader is None or better_first(rules, bid.score_minor) < better_first(
            rules, leader.score_minor
        ):
            self.leader = bid

    def places(self, rules: Rules) -> list[tuple[int, int]]:
        if self.order is None:
            self.order = sorted(_place(rules, one) for one in self.standing.values())
        return self.order

    def rank(self, rules: Rules, bid: BidPlaced) -> int:
        return bisect_left(self.places(rules), _place(rules, bid)) + 1


def _place(rules: Rules, bid: BidPlaced) -> tuple[int, int]:
    return better_first(rules, bid.score_minor), bid.seq


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Bids from best to worst, and each bidder's place: asked for by every bidder at a close."""

    draw: Draw | None
    bids: tuple[BidPlaced, ...]
    ranks: Mapping[str, int]


class Book:
    """Each bidder's last bid stands; it is never worse than his earlier ones.

    A withdrawn bid stays counted and its id taken.
    """

    __slots__ = ("_index", "_log", "_ranking", "_withdrawn", "count", "rules")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.count = 0
        self._log: list[BidPlaced] = []
        self._index = Index()
        self._ranking: _Ranking | None = None
        self._withdrawn: frozenset[int] = frozenset()

    def without(self, seq: int) -> Book:
        """Return the book in which the bid `seq` does not stand any more."""
        left = Book(self.rules)
        left.count = self.count
        left._log = self._log[: self.count]
        left._withdrawn = self._withdrawn | {seq}
        left._index = left._indexed()
        return left

    def placed(self, seq: int) -> BidPlaced | None:
        """Return the bid `seq`, None where there is none or it was withdrawn."""
        is_there = 1 <= seq <= self.count and seq not in self._withdrawn
        return self._log[seq - 1] if is_there else None

    def with_bid(self, bid: BidPlaced) -> Book:
        grown = self.growing()
        grown.take(bid)
        return grown

    def growing(self) -> Book:
        """Return the same book for one owner, who lets it `take` bids before others see it."""
        index = self.index
        grown = Book.__new__(Book)
        grown.rules = self.rules
        grown.count = self.count
        grown._log = self._log
        grown._index = index
        grown._ranking = None
        grown._withdrawn = self._withdrawn
        return grown

    def take(self, bid: BidPlaced) -> None:
        """Count a bid in; only the owner of a `growing` book may."""
        index = self.index
        self._log.append(bid)
        index.add(self.rules, bid)
        self.count += 1
        self._ranking = None

    def __iter__(self) -> Iterator[BidPlaced]:
        """Yield every accepted bid in order of sequence."""
        return iter(self._log[: self.count])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Book):
            return False
        return list(self) == list(other) and self._withdrawn == other._withdrawn

    def __hash__(self) -> int:
        return hash(self.count)

    @property
    def leader(self) -> BidPlaced | None:
        """The best bid, the earliest of equals."""
        return self.index.leader

    def of(self, bidder: str) -> BidPlaced | None:
        return self.index.standing.get(bidder)

    def count_of(self, bidder: str) -> int:
        return self.index.counts.get(bidder, 0)

    def holds(self, bidder: str, bid_id: str) -> bool:
        return (bidder, bid_id) in self.index.ids

    def standing(self) -> tuple[BidPlaced, ...]:
        """Return the bids that stand, in the order in which their bidders came."""
        return tuple(self.index.standing.values())

    def ranking(self, draw: Draw | None = None) -> tuple[BidPlaced, ...]:
        """Return the bids that stand, best first; of equals the earlier, or as it was drawn."""
        return self._ranked(draw).bids

    def final_rank(self, bidder: str, draw: Draw | None) -> int | None:
        """Return a bidder's place in `ranking`, None for who has no bid there."""
        return self._ranked(draw).ranks.get(bidder)

    def _ranked(self, draw: Draw | None) -> _Ranking:
        found = self._ranking
        if found is None or found.draw != draw:
            bids = tuple(ranked(self.rules, self.standing(), draw))
            ranks = {bid.bidder: rank for rank, bid in enumerate(bids, start=1)}
            found = self._ranking = _Ranking(draw, bids, ranks)
        return found

    def rank(self, bidder: str) -> int | None:
        """Return 1 for the best, None for who has not bid."""
        index = self.index
        mine = index.standing.get(bidder)
        return None if mine is None else index.rank(self.rules, mine)

    def passed(self, bid: BidPlaced) -> list[str]:
        """Return the other bidders whose rank a bid changes once it is taken."""
        rules, index = self.rules, self.index
        places = index.places(rules)
        mine = index.standing.get(bid.bidder)
        before = len(places) if mine is None else bisect_left(places, _place(rules, mine))
        first, last = sorted((bisect_left(places, _place(rules, bid)), before))
        rivals = (self._log[seq - 1].bidder for _, seq in places[first:last])
        return [rival for rival in rivals if rival != bid.bidder]

    @property
    def index(self) -> Index:
        """What stands, by bidder; right until the next bid is taken."""
        if len(self._log) != self.count:
            # A later book took the shared index along; this one needs its own again.
            self._log = self._log[: self.count]
            self._index = self._indexed()
        return self._index

    def _indexed(self) -> Index:
        found = Index()
        for bid in self._log:
            if bid.seq in self._withdrawn:
                found.note(bid)
            else:
                found.add(self.rules, bid)
        return found
