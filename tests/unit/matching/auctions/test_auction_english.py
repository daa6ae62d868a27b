from __future__ import annotations

from datetime import timedelta

import pytest

from matching.auctions.commands import Cancel, Close, Pause, PlaceBid, RecordOutage, Resume
from matching.auctions.engine import next_allowed
from matching.errors import RuleViolation
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, Run, before_close, some_rules


def refusal(run: Run, *args: object, **more: object) -> RuleViolation:
    before = run.state
    with pytest.raises(RuleViolation) as caught:
        run.bid(*args, **more)
    assert run.state is before
    return caught.value


def test_a_bid_with_more_than_the_window_left_moves_nothing() -> None:
    run = Run(some_rules())
    run.bid("a", 499_000, before_close(120.001))

    assert run.state.closes_at == CLOSES


def test_a_bid_with_exactly_the_window_left_gives_the_same_close() -> None:
    run = Run(some_rules(max_extensions=1))
    run.bid("a", 499_000, before_close(120))
    assert (run.state.closes_at, run.state.extensions) == (CLOSES, 0)

    run.bid("b", 498_000, before_close(0.001))
    moved = CLOSES + timedelta(seconds=119.999)
    assert (run.state.closes_at, run.state.extensions) == (moved, 1)

    run.bid("a", 497_000, moved - timedelta(seconds=1))
    assert run.state.closes_at == moved


def test_no_extension_goes_past_the_hard_stop() -> None:
    run = Run(some_rules(hard_stop=CLOSES + timedelta(seconds=30)))
    run.bid("a", 499_000, before_close(1))

    assert run.state.closes_at == CLOSES + timedelta(seconds=30)


def test_a_bid_that_does_not_lead_moves_nothing() -> None:
    run = Run(some_rules(disclosure="rank"))
    run.bid("a", 480_000, before_close(600))
    run.bid("b", 490_000, before_close(5))

    assert run.state.closes_at == CLOSES


def test_a_hidden_reserve_does_not_show_in_an_extension() -> None:
    with_reserve, without = Run(some_rules(reserve_minor=400_000)), Run(some_rules())

    for run in (with_reserve, without):
        run.bid("a", 499_000, before_close(5))

    assert with_reserve.state.closes_at == without.state.closes_at > CLOSES
    assert with_reserve.close().state.result.outcome == "reserve_not_met"


def test_bids_outside_the_window_are_refused() -> None:
    run = Run(some_rules())

    assert refusal(run, "a", 499_000, OPENS - timedelta(microseconds=1)).code == "early"
    assert refusal(run, "a", 499_000, CLOSES).code == "late"
    assert refusal(run.close(), "a", 499_000, CLOSES).code == "late"


def test_a_bid_must_be_on_tick_lot_and_bound() -> None:
    run = Run(some_rules(min_lots=10))

    assert refusal(run, "a", 499_050).code == "off_tick"
    assert refusal(run, "a", 0).code == "not_positive"
    assert refusal(run, "a", 501_000).code == "above_ceiling"
    assert refusal(run, "a", 499_000, lots=9).code == "off_lots"
    assert refusal(run, "a", 499_000, lots=101).code == "off_lots"
    assert refusal(Run(some_rules(side="sell")), "a", 499_000).code == "below_floor"
    huge = some_rules(side="sell", lots=10**12)
    assert refusal(Run(huge), "a", 500_000).code == "total_too_large"


def test_a_later_bid_beats_the_leader_by_the_step() -> None:
    run = Run(some_rules())
    run.bid("a", 500_000)

    refused = refusal(run, "b", 499_100)

    assert refused.code == "not_improving"
    assert refused.figures() == {"price_minor": 499_100, "next_allowed_minor": 499_000}
    assert next_allowed(run.state, "b") == 499_000
    run.bid("b", 499_000)


def test_a_later_bid_beats_the_bidders_own_where_ranks_are_shown() -> None:
    run = Run(some_rules(disclosure="rank"))
    run.bid("a", 480_000)
    run.bid("b", 490_000)

    assert refusal(run, "b", 489_500).figures()["next_allowed_minor"] == 489_000
    assert next_allowed(run.state, "c") == 500_000


def test_a_refusal_names_no_price_that_the_rules_hide() -> None:
    run = Run(some_rules(disclosure="blind", improve="leader"))
    run.bid("a", 480_000)

    assert refusal(run, "b", 490_000).figures()["next_allowed_minor"] is None


def test_bands_set_the_step_by_the_price_to_be_beaten() -> None:
    bands = ((0, 100), (400_000, 1000))
    run = Run(some_rules(step_minor=None, steps=bands))
    run.bid("a", 400_000)
    assert next_allowed(run.state, "b") == 399_000

    run.bid("b", 399_000)
    assert next_allowed(run.state, "a") == 398_900


def test_a_later_bid_never_takes_lots_back() -> None:
    run = Run(some_rules())
    run.bid("a", 500_000, lots=50)

    assert refusal(run, "a", 499_000, lots=49).code == "fewer_lots"


def test_a_bid_id_counts_once() -> None:
    run = Run(some_rules())
    run.do(PlaceBid("1", "a", 500_000), OPENS)

    with pytest.raises(RuleViolation) as caught:
        run.do(PlaceBid("1", "a", 499_000), OPENS)
    assert caught.value.code == "duplicate"


def test_a_pause_moves_close_and_hard_stop_by_its_length() -> None:
    run = Run(some_rules())
    run.do(Pause("power cut"), before_close(60))
    assert refusal(run, "a", 499_000, before_close(30)).code == "paused"

    run.do(Resume(), before_close(30))

    assert run.state.closes_at == CLOSES + timedelta(seconds=30)
    assert run.state.hard_stop == CLOSES + timedelta(minutes=10, seconds=30)


def test_a_short_outage_gives_the_time_back_and_a_minute() -> None:
    run = Run(some_rules())
    run.do(RecordOutage(before_close(30)), CLOSES + timedelta(seconds=90))

    assert run.state.closes_at == CLOSES + timedelta(seconds=90 + 180)
    assert run.state.hard_stop - run.state.closes_at == timedelta(minutes=10)


def test_an_early_outage_moves_the_close_by_its_length() -> None:
    run = Run(some_rules())
    run.do(RecordOutage(before_close(1800)), before_close(1790))

    assert run.state.closes_at == CLOSES + timedelta(seconds=10)


def test_a_long_outage_leaves_the_auction_paused() -> None:
    run = Run(some_rules())
    run.do(RecordOutage(before_close(60)), before_close(60) + timedelta(minutes=16))
    assert run.state.phase == "paused"


def test_who_reopens_after_a_long_outage_leaves_time_to_learn_of_it() -> None:
    run = Run(some_rules())
    run.do(RecordOutage(before_close(1)), CLOSES + timedelta(minutes=20))

    reopened_at = CLOSES + timedelta(hours=1)
    run.do(Resume(), reopened_at)

    assert run.state.closes_at == reopened_at + timedelta(minutes=16)
    assert run.state.hard_stop - run.state.closes_at == timedelta(minutes=10)


def test_a_long_outage_far_from_the_close_is_given_back_in_full() -> None:
    run = Run(some_rules())
    run.do(RecordOutage(before_close(1800)), before_close(1800) + timedelta(minutes=16))

    run.do(Resume(), before_close(1800) + timedelta(minutes=20))

    assert run.state.closes_at == CLOSES + timedelta(minutes=20)


def test_acts_out_of_turn_are_refused() -> None:
    run = Run(some_rules())
    for command, at, code in [
        (Resume(), OPENS, "not_paused"),
        (Close(), before_close(1), "not_due"),
        (Pause("x"), OPENS - timedelta(seconds=1), "early"),
        (Pause("x"), CLOSES, "late"),
    ]:
        with pytest.raises(RuleViolation) as caught:
            run.do(command, at)
        assert caught.value.code == code

    run.do(Cancel("no permit"), OPENS)
    for command in (Close(), Cancel("again"), Pause("x"), Resume()):
        with pytest.raises(RuleViolation) as caught:
            run.do(command, CLOSES)
        assert caught.value.code == "cancelled"
    assert refusal(run, "a", 499_000).code == "cancelled"
