from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from matching.auctions.commands import Cancel, Pause, PlaceBid, RecordOutage, Resume
from matching.auctions.engine import fold
from matching.auctions.events import EVENT_TYPES
from matching.auctions.rules import Criterion
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, Run, before_close, some_rules


def a_full_history() -> Run:
    run = Run(some_rules(reserve_minor=499_000, steps=((0, 500), (100_000, 1000))))
    run.bid("a", 500_000)
    run.bid("b", 499_000)
    run.do(Pause("power cut"), OPENS + timedelta(minutes=10))
    run.do(Resume(), OPENS + timedelta(minutes=20))
    run.do(RecordOutage(OPENS + timedelta(minutes=30)), OPENS + timedelta(minutes=31))
    run.bid("a", 498_000, run.state.closes_at - timedelta(seconds=1))
    return run.close()


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_every_event_survives_json(end: str) -> None:
    run = a_full_history()
    if end == "cancel":
        run = Run(some_rules(criteria=(Criterion("days", 5, 0, 60),)))
        run.do(Cancel("withdrawn by two persons"), OPENS)

    stored = [
        (type(event).__name__, TypeAdapter(type(event)).dump_json(event)) for event in run.events
    ]
    read = [TypeAdapter(EVENT_TYPES[kind]).validate_json(text) for kind, text in stored]

    assert read == run.events
    assert fold(read) == run.state


def test_every_prefix_replays_to_the_state_that_was() -> None:
    run = a_full_history()

    states = [fold(run.events[:n]) for n in range(1, len(run.events) + 1)]

    assert states[-1] == run.state
    assert [state.closes_at for state in states] == sorted(state.closes_at for state in states)


def test_an_older_state_stays_right_after_others_grew_from_it() -> None:
    run = Run(some_rules(improve="own"))
    run.bid("a", 500_000)
    old = run.state
    run.bid("b", 490_000)
    run.bid("a", 489_000)

    assert old.book.leader is not None
    assert old.book.leader.bidder == "a"
    assert old.book.count_of("b") == 0
    assert [bid.seq for bid in old.book] == [1]
    assert run.state.book.rank("b") == 2
    assert replace(run.state) == run.state


def test_two_branches_of_one_state_do_not_meet() -> None:
    run = Run(some_rules(improve="own"))
    run.bid("a", 500_000)
    left, right = Run(run.state.rules), Run(run.state.rules)
    left.state = right.state = run.state

    left.bid("b", 490_000)
    right.bid("c", 480_000)

    assert [bid.bidder for bid in left.state.book] == ["a", "b"]
    assert [bid.bidder for bid in right.state.book] == ["a", "c"]


def test_a_bid_with_no_lots_stands_for_all() -> None:
    run = Run(some_rules())
    run.do(PlaceBid("1", "a", 500_000), before_close(600))

    assert run.close(CLOSES).awards() == {"a": (100, 500_000)}
