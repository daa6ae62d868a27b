"""The quick way through an open book against the obvious one, bid by bid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.auctions.commands import (
    Command,
    Pause,
    PlaceBid,
    RecordOutage,
    Resume,
    SetStanding,
    WithdrawBid,
)
from matching.auctions.disclosure import own_place
from matching.auctions.engine import decide, evolve, initial, open_auction
from matching.auctions.plain_bids import PlainBids
from matching.auctions.rules import Criterion, Rules
from matching.auctions.state import State
from matching.errors import RuleViolation
from matching.money import MAX_TOTAL_MINOR

OPENS = datetime(2027, 1, 5, 11, tzinfo=UTC)
CLOSES = OPENS + timedelta(minutes=10)
PRICES = st.one_of(
    st.integers(80, 120).map(lambda tens: tens * 10),
    st.sampled_from([-10, 0, 1005, MAX_TOTAL_MINOR, 10**18]),
)
SECONDS = st.one_of(st.integers(0, 470), st.sampled_from([-1, 479, 480, 481, 599, 600]))


@st.composite
def some_rules(draw: st.DrawFn) -> Rules:
    lots = draw(st.integers(1, 6))
    return Rules(
        side=draw(st.sampled_from(["buy", "sell"])),
        format="english",
        opens_at=OPENS,
        closes_at=CLOSES,
        lots=lots,
        min_lots=draw(st.integers(1, lots)),
        tick_minor=10,
        step_minor=draw(st.sampled_from([None, 20])),
        steps=draw(st.sampled_from([(), ((0, 10), (1000, 30))])),
        start_minor=draw(st.sampled_from([None, 900, 1000, 1100])),
        soft_close_s=draw(st.sampled_from([0, 120])),
        disclosure=draw(st.sampled_from(["full", "best", "rank", "blind"])),
        improve=draw(st.sampled_from(["auto", "leader", "own"])),
        shares=draw(st.sampled_from([(), (100,)])),
    )


BIDS = st.lists(
    st.tuples(SECONDS, st.sampled_from("abc"), PRICES, st.integers(0, 7)), min_size=1, max_size=25
)


@settings(deadline=None, max_examples=300)
@given(rules=some_rules(), bids=BIDS)
def test_the_quick_way_takes_what_the_obvious_one_does(
    rules: Rules, bids: list[tuple[int, str, int, int]]
) -> None:
    state = initial(open_auction(rules, OPENS - timedelta(days=1)))
    quick = PlainBids.begun(state)
    for number, (second, bidder, price_minor, lots) in enumerate(bids):
        assert quick is not None
        now = max(state.at, OPENS + timedelta(seconds=second))
        asked = PlaceBid(f"bid {number}", bidder, price_minor, lots)
        if lots and quick.takes(bidder, price_minor, lots, now):
            bid = quick.take(asked.bid_id, bidder, price_minor, lots, now)
            assert decide(state, asked, now) == [bid]
            state = evolve(state, bid)
            assert quick.place_of(bid) == own_place(state, bidder)
            if number % 3 == 0:
                assert quick.state() == state
            continue
        assert quick.state() == state
        decided = _decided(state, asked, now)
        if decided is None:
            continue
        # Only what moves the close is left to the obvious way though it is a good bid.
        assert now >= state.closes_at - timedelta(seconds=rules.soft_close_s)
        for event in decided:
            state = evolve(state, event)
        quick = PlainBids.begun(state)
    assert quick is not None
    assert quick.state() == state


OTHER_ACTS = st.one_of(
    st.integers(1, 9).map(lambda seq: WithdrawBid(seq, "by mistake")),
    st.sampled_from([Pause("storm"), Resume(), RecordOutage(OPENS)]),
    st.tuples(st.sampled_from("abc"), st.sampled_from([None, 900, 1500])).map(
        lambda one: SetStanding("std", *one)
    ),
)
# Counted in steps past the leading bid, so that most of them are good ones.
GOOD_BIDS = st.tuples(st.sampled_from("abc"), st.integers(0, 4))


@settings(deadline=None, max_examples=300)
@given(rules=some_rules(), acts=st.lists(st.one_of(GOOD_BIDS, OTHER_ACTS), max_size=30))
def test_the_quick_way_goes_on_from_what_other_acts_left(
    rules: Rules, acts: list[tuple[str, int] | Command]
) -> None:
    state, quick = initial(open_auction(rules, OPENS - timedelta(days=1))), None
    for number, act in enumerate(acts):
        now = max(state.at, OPENS) + timedelta(seconds=1)
        asked = _bid_of(state, f"bid {number}", *act) if isinstance(act, tuple) else act
        if isinstance(asked, PlaceBid):
            bidder, price_minor, lots = asked.bidder, asked.price_minor, rules.lots
            if quick is not None and quick.takes(bidder, price_minor, lots, now):
                bid = quick.take(asked.bid_id, bidder, price_minor, lots, now)
                assert decide(state, asked, now) == [bid]
                state = evolve(state, bid)
                assert quick.place_of(bid) == own_place(state, bidder)
                continue
        if quick is not None:
            assert quick.state() == state
        for event in _decided(state, asked, now) or []:
            state = evolve(state, event)
        quick = PlainBids.begun(state)
    if quick is not None:
        assert quick.state() == state


def _bid_of(state: State, bid_id: str, bidder: str, steps: int) -> PlaceBid:
    leader = state.book.leader
    score_minor = 1000 if leader is None else leader.score_minor
    sign = -1 if state.rules.side == "buy" else 1
    return PlaceBid(bid_id, bidder, score_minor + sign * 30 * steps)


def _decided(state: State, asked: Command, now: datetime) -> list[Any] | None:
    try:
        return decide(state, asked, now)
    except RuleViolation:
        return None


def test_it_is_closed_where_a_bid_is_more_than_a_price() -> None:
    plain = Rules(side="sell", format="english", opens_at=OPENS, closes_at=CLOSES, tick_minor=10)
    scored = Rules(
        side="sell",
        format="english",
        opens_at=OPENS,
        closes_at=CLOSES,
        criteria=(Criterion("days", 10, 0, 9),),
    )
    sealed = Rules(side="sell", format="sealed_first", opens_at=OPENS, closes_at=CLOSES)
    assert PlainBids.begun(initial(open_auction(plain, OPENS))) is not None
    assert PlainBids.begun(initial(open_auction(scored, OPENS))) is None
    assert PlainBids.begun(initial(open_auction(sealed, OPENS))) is None
    ordered = initial(open_auction(plain, OPENS))
    for event in decide(ordered, SetStanding("std", "a", 100), OPENS):
        ordered = evolve(ordered, event)
    assert PlainBids.begun(ordered) is None


def test_a_book_that_grew_stays_what_it_was_for_who_had_it() -> None:
    rules = Rules(side="sell", format="english", opens_at=OPENS, closes_at=CLOSES)
    before = initial(open_auction(rules, OPENS))
    for first, second in ((10, 20), (30, 40)):
        quick = PlainBids.begun(before)
        assert quick is not None
        quick.take("1", "a", first, 1, OPENS)
        told = quick.state()
        quick.take("2", "b", second, 1, OPENS)
        assert [bid.price_minor for bid in before.book] == []
        assert [bid.price_minor for bid in told.book] == [first]
        assert [bid.price_minor for bid in quick.state().book] == [first, second]
        assert before.book.leader is None
        assert told.book.leader is not None
        assert told.book.leader.price_minor == first
