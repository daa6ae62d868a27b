"""Ranks are kept while bids come; they are those of the whole ranking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matching.auctions.book import Book
from matching.auctions.events import BidPlaced
from tests.unit.matching.auctions.auction_cases import OPENS, some_rules

BIDS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 5)), max_size=25)


def ranks_of(book: Book) -> dict[str, int]:
    return {bid.bidder: place for place, bid in enumerate(book.ranking(), start=1)}


@given(BIDS, st.sampled_from(["buy", "sell"]), st.integers(0, 24), st.integers(0, 24))
def test_ranks_are_those_of_the_ranking(
    bids: list[tuple[str, int]], side: str, first_asked: int, taken: int
) -> None:
    book = Book(some_rules(side=side, start_minor=None, disclosure="rank"))
    kept = book
    for seq, (bidder, price) in enumerate(bids, start=1):
        book = book.with_bid(BidPlaced(OPENS, seq, f"b{seq}", bidder, price, 1, score_minor=price))
        if seq >= first_asked:
            assert {name: book.rank(name) for name in ranks_of(book)} == ranks_of(book)
        if seq == first_asked:
            kept = book
    left = book.without(taken) if taken else book

    for one in (kept, left, book):
        assert {name: one.rank(name) for name in ranks_of(one)} == ranks_of(one)
    assert book.rank("nobody") is None


@given(BIDS, st.sampled_from(["buy", "sell"]))
def test_a_bid_passes_exactly_those_whose_rank_it_changes(
    bids: list[tuple[str, int]], side: str
) -> None:
    book = Book(some_rules(side=side, start_minor=None, disclosure="rank"))
    for seq, (bidder, price) in enumerate(bids, start=1):
        bid = BidPlaced(OPENS, seq, f"b{seq}", bidder, price, 1, score_minor=price)
        passed, before = book.passed(bid), ranks_of(book)
        book = book.with_bid(bid)
        after = ranks_of(book)

        moved = {rival for rival in before if before[rival] != after[rival]} - {bidder}
        assert sorted(passed) == sorted(moved)
