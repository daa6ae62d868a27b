from __future__ import annotations

from hashlib import sha256

import pytest

from matching.auctions.engine import final_rank, ranking
from matching.errors import RuleViolation
from tests.unit.matching.auctions.auction_cases import Run, some_rules

SEED, BEACON = "11" * 32, "22" * 32
COMMITMENT = sha256(bytes.fromhex(SEED)).hexdigest()


def sale(**rules: object) -> Run:
    given = {"side": "sell", "format": "sealed_uniform", "start_minor": None, "tick_minor": 10}
    return Run(some_rules(**{**given, "step_minor": None, **rules}))


def skipped(run: Run) -> dict[str, str]:
    return {bid.bidder: bid.reason for bid in run.state.result.rejected_in_the_money}


def test_bids_fill_from_the_best_price_and_the_last_is_cut() -> None:
    run = sale()
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=60)
    run.bid("c", 100, lots=60)

    assert run.close().awards() == {"a": (60, 200), "b": (40, 200)}


def test_first_rejected_counts_the_unfilled_part_of_the_last_bid() -> None:
    run = sale(pricing="first_rejected")
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=60)
    run.bid("c", 100, lots=60)

    assert run.close().state.result.clearing_price_minor == 200


def test_first_rejected_is_the_next_price_when_all_fit() -> None:
    run = sale(pricing="first_rejected")
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=40)
    run.bid("c", 100, lots=60)

    assert run.close().awards() == {"a": (60, 100), "b": (40, 100)}


def test_a_reserve_stands_in_for_a_missing_rejected_bid() -> None:
    run = sale(pricing="first_rejected", reserve_minor=150)
    run.bid("a", 300, lots=60)
    run.bid("b", 100, lots=60)

    assert run.close().awards() == {"a": (60, 150)}


def test_several_at_the_last_price_share_pro_rata() -> None:
    run = sale(marginal="pro_rata")
    run.bid("a", 300, lots=70)
    run.bid("b", 200, lots=20)
    run.bid("c", 200, lots=40)

    assert run.close().awards() == {"a": (70, 200), "b": (10, 200), "c": (20, 200)}


def test_several_at_the_last_price_go_by_time_where_declared() -> None:
    run = sale(marginal="time")
    run.bid("a", 300, lots=70)
    run.bid("b", 200, lots=20)
    run.bid("c", 200, lots=40)

    assert run.close().awards() == {"a": (70, 200), "b": (20, 200), "c": (10, 200)}


def test_all_or_none_is_skipped_and_reported_and_worse_bids_still_win() -> None:
    run = sale()
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=60, all_or_none=True)
    run.bid("c", 100, lots=60)

    assert run.close().awards() == {"a": (60, 100), "c": (40, 100)}
    assert skipped(run) == {"b": "all_or_none"}


def test_what_is_left_below_the_minimum_is_not_given() -> None:
    run = sale(min_lots=20)
    run.bid("a", 300, lots=90)
    run.bid("b", 200, lots=20)

    assert run.close().awards() == {"a": (90, 300)}
    assert skipped(run) == {"b": "below_minimum"}
    assert run.state.result.outcome == "partly_awarded"


def test_an_all_or_none_claim_that_pro_rata_would_cut_makes_room_for_the_rest() -> None:
    run = sale(marginal="pro_rata")
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=30, all_or_none=True)
    run.bid("c", 200, lots=40)

    assert run.close().awards() == {"a": (60, 200), "c": (40, 200)}


def test_no_winner_passes_the_cap() -> None:
    run = sale(max_share=50)
    run.bid("a", 300)
    run.bid("b", 200, lots=60)

    assert run.close().awards() == {"a": (50, 200), "b": (50, 200)}


@pytest.mark.parametrize("format_", ["sealed_first", "sealed_uniform"])
def test_where_all_lots_go_or_none_a_lot_left_over_takes_every_award_back(format_) -> None:
    run = sale(format=format_, all_lots_or_none=True)
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=50, all_or_none=True)
    run.bid("c", 100, lots=39)

    assert run.close().awards() == {}
    assert run.state.result.outcome == "unawarded"
    assert run.state.result.unawarded_lots == 100
    assert skipped(run) == {"a": "lots_missing", "b": "all_or_none", "c": "lots_missing"}


def test_where_all_lots_go_or_none_they_go_once_they_are_all_bid_for() -> None:
    run = sale(all_lots_or_none=True)
    run.bid("a", 300, lots=60)
    run.bid("b", 200, lots=50)

    assert run.close().awards() == {"a": (60, 200), "b": (40, 200)}


@pytest.mark.parametrize("format_", ["sealed_first", "sealed_uniform", "second_price"])
def test_no_bid_beyond_the_reserve_wins(format_) -> None:
    run = sale(format=format_, reserve_minor=150)
    run.bid("a", 140)

    assert run.close().awards() == {}
    assert run.state.result.outcome == "reserve_not_met"


def test_the_second_price_is_paid() -> None:
    run = sale(format="second_price")
    run.bid("a", 300)
    run.bid("b", 200)

    assert run.close().awards() == {"a": (100, 200)}


def test_a_lone_second_price_bidder_pays_the_reserve() -> None:
    run = sale(format="second_price", reserve_minor=150)
    run.bid("a", 300)

    assert run.close().awards() == {"a": (100, 150)}


def test_shares_go_by_rank_and_are_paid_as_bid() -> None:
    run = Run(some_rules(format="sealed_first", shares=(70, 30), lots=101))
    run.bid("a", 480_000)
    run.bid("b", 490_000)
    run.bid("c", 495_000)

    assert run.close().awards() == {"a": (71, 480_000), "b": (30, 490_000)}


def test_a_missing_rank_leaves_its_share_unless_one_may_take_all() -> None:
    for allow_single, lots in ((False, 70), (True, 100)):
        run = Run(some_rules(format="sealed_first", shares=(70, 30), allow_single=allow_single))
        run.bid("a", 480_000)

        assert run.close().awards() == {"a": (lots, 480_000)}


def test_shares_take_no_all_or_none() -> None:
    run = Run(some_rules(format="sealed_first", shares=(70, 30)))

    with pytest.raises(RuleViolation) as caught:
        run.bid("a", 480_000, all_or_none=True)
    assert caught.value.code == "all_or_none"


def drawn_order(seed: str, beacon: str, *ids: str) -> list[str]:
    prefix = bytes.fromhex(seed + beacon)
    return sorted(ids, key=lambda name: sha256(prefix + name.encode()).hexdigest())


@pytest.mark.parametrize("beacon", [BEACON, None])
def test_a_draw_orders_ties_by_seed_beacon_and_bid(beacon) -> None:
    run = sale(format="sealed_first", tie="draw", draw_commitment=COMMITMENT)
    for name in "abc":
        run.bid(name, 300, bid_id=name)

    run.close(seed=SEED, beacon=beacon)

    assert list(run.awards()) == drawn_order(SEED, beacon or "", "a", "b", "c")[:1]
    assert (run.state.result.seed, run.state.result.beacon) == (SEED, beacon or "")


def test_the_ranks_of_a_drawn_close_are_found_once_for_all_who_ask() -> None:
    run = sale(format="sealed_first", tie="draw", draw_commitment=COMMITMENT)
    for name in "abc":
        run.bid(name, 300, bid_id=name)
    assert [bid.bidder for bid in ranking(run.state)] == ["a", "b", "c"]

    run.close(seed=SEED, beacon=BEACON)

    order = drawn_order(SEED, BEACON, "a", "b", "c")
    assert [final_rank(run.state, name) for name in (*order, "d")] == [1, 2, 3, None]
    assert ranking(run.state) is ranking(run.state)


@pytest.mark.parametrize("seed", ["22" * 32, "11" * 31, "zz", None])
def test_a_seed_that_was_not_committed_to_closes_nothing(seed) -> None:
    run = sale(format="sealed_first", tie="draw", draw_commitment=COMMITMENT)

    with pytest.raises(RuleViolation) as caught:
        run.close(seed=seed)
    assert caught.value.code == "seed_mismatch"


def test_scored_terms_rank_bids_and_do_not_change_what_is_paid() -> None:
    from matching.auctions.rules import Criterion

    days = Criterion("days_to_deliver", 200, 0, 30)
    run = Run(some_rules(format="sealed_first", criteria=(days,)))
    run.bid("slow", 480_000, attributes=(("days_to_deliver", 30),))
    run.bid("fast", 484_000, attributes=(("days_to_deliver", 2),))

    assert run.close().awards() == {"fast": (100, 484_000)}
    with pytest.raises(RuleViolation) as caught:
        Run(some_rules(format="sealed_first", criteria=(days,))).bid("x", 480_000)
    assert caught.value.code == "bad_attributes"
