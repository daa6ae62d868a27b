from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from pydantic import TypeAdapter

from matching.auctions.commands import Close, EndRound, Pause, PlaceDemand, RecordOutage, Resume
from matching.auctions.disclosure import Bidder, view
from matching.auctions.engine import fold
from matching.auctions.events import EVENT_TYPES
from matching.auctions.rules import Item
from matching.errors import RuleViolation
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, Run, some_rules

MARCH, APRIL = "2027-03", "2027-04"


def a_clock(march: int = 10, april: int = 10, **rules: object) -> Run:
    items = (Item(MARCH, march, 500_000), Item(APRIL, april, 500_000))
    given = {"side": "sell", "format": "clock", "interval_s": 60, "items": items}
    return Run(some_rules(lots=march + april, start_minor=None, **{**given, **rules}))


def ask(run: Run, bidder: str, march: int, april: int, number: int = 0) -> None:
    clock = run.state.clock
    demand = ((MARCH, march), (APRIL, april))
    bid_id = f"{bidder}{clock.round}.{number}"
    run.do(PlaceDemand(bid_id, bidder, demand), clock.ends_at - timedelta(seconds=30))


def end(run: Run) -> None:
    run.do(EndRound(), run.state.clock.ends_at)


def prices(run: Run) -> tuple[int, ...]:
    return run.state.clock.prices


def won(run: Run) -> dict[tuple[str, str], tuple[int, int]]:
    return {(w.bidder, w.item): (w.lots, w.price_minor) for w in run.state.result.awards}


def code_of(run: Run, command, at) -> str:
    with pytest.raises(RuleViolation) as caught:
        run.do(command, at)
    return caught.value.code


def test_only_what_is_over_demanded_moves() -> None:
    run = a_clock()
    ask(run, "a", 10, 5)
    ask(run, "b", 5, 5)
    end(run)

    assert prices(run) == (501_000, 500_000)
    assert run.state.clock.round == 1


def test_demand_may_move_between_items_and_never_grow() -> None:
    run = a_clock()
    ask(run, "a", 10, 0)
    ask(run, "b", 5, 0)
    end(run)
    ask(run, "a", 4, 6)
    demand = PlaceDemand("x", "b", ((MARCH, 3), (APRIL, 3)))

    assert code_of(run, demand, run.state.at) == "activity"


def test_the_auction_ends_when_nothing_is_over_demanded() -> None:
    run = a_clock()
    ask(run, "a", 10, 0)
    ask(run, "b", 5, 0)
    end(run)
    ask(run, "a", 5, 5)
    ask(run, "b", 5, 0)
    end(run)

    assert run.state.phase == "closed"
    assert won(run) == {
        ("a", MARCH): (5, 501_000),
        ("a", APRIL): (5, 500_000),
        ("b", MARCH): (5, 501_000),
    }
    assert run.state.result.unawarded_lots == 5


def test_who_says_nothing_leaves_items_whose_price_moved() -> None:
    run = a_clock()
    ask(run, "a", 10, 3)
    ask(run, "b", 5, 0)
    end(run)
    ask(run, "b", 5, 0)
    end(run)

    assert won(run)["a", APRIL] == (3, 500_000)
    assert won(run)["b", MARCH] == (5, 500_000)


def test_lots_left_over_by_the_last_step_go_back_at_the_price_before_it() -> None:
    run = a_clock()
    ask(run, "a", 6, 0)
    ask(run, "b", 6, 0)
    end(run)
    ask(run, "a", 6, 0)
    end(run)

    assert won(run) == {("a", MARCH): (6, 500_000), ("b", MARCH): (4, 500_000)}


def test_what_moved_to_another_item_does_not_come_back() -> None:
    run = a_clock()
    ask(run, "a", 6, 0)
    ask(run, "b", 6, 0)
    end(run)
    ask(run, "a", 6, 0)
    ask(run, "b", 0, 6)
    end(run)

    assert won(run) == {("a", MARCH): (6, 501_000), ("b", APRIL): (6, 500_000)}


def test_the_close_rations_what_is_still_over_demanded() -> None:
    run = a_clock(closes_at=OPENS + timedelta(seconds=60), hard_stop=None, marginal="pro_rata")
    ask(run, "a", 10, 0)
    ask(run, "b", 10, 0)
    end(run)

    assert won(run) == {("a", MARCH): (5, 500_000), ("b", MARCH): (5, 500_000)}


def test_rounds_and_demands_out_of_turn_are_refused() -> None:
    run = a_clock(min_lots=2)
    soon = OPENS + timedelta(seconds=1)

    assert code_of(run, PlaceDemand("1", "a", (("x", 2),)), soon) == "unknown_item"
    assert code_of(run, PlaceDemand("1", "a", ((MARCH, 1),)), soon) == "off_lots"
    assert code_of(run, PlaceDemand("1", "a", ((MARCH, 11),)), soon) == "off_lots"
    assert code_of(run, PlaceDemand("1", "a", ((MARCH, 2),)), OPENS - timedelta(1)) == "early"
    late = OPENS + timedelta(seconds=60)
    assert code_of(run, PlaceDemand("1", "a", ((MARCH, 2),)), late) == "round_over"
    assert code_of(run, EndRound(), soon) == "round_not_due"
    assert code_of(Run(some_rules()), EndRound(), soon) == "wrong_command"


def test_a_pause_moves_the_end_of_the_round() -> None:
    run = a_clock()
    run.do(Pause("power cut"), OPENS + timedelta(seconds=10))
    run.do(Resume(), OPENS + timedelta(seconds=40))

    assert run.state.clock.ends_at == OPENS + timedelta(seconds=90)


def test_prices_fall_where_suppliers_sell_until_supply_meets_the_need() -> None:
    run = a_clock(side="buy")
    ask(run, "a", 10, 0)
    ask(run, "b", 10, 0)
    end(run)

    assert prices(run) == (499_000, 500_000)


def test_rivals_demand_does_not_show_during_a_round() -> None:
    run = a_clock(disclosure="full")
    ask(run, "a", 10, 0)
    before = view(run.state, Bidder("a"), run.state.at)
    ask(run, "b", 10, 0)

    assert view(run.state, Bidder("a"), run.state.at) == before
    assert before["my_demand"] == {MARCH: 10, APRIL: 0}
    end(run)
    assert view(run.state, Bidder("a"), run.state.at)["demand_before"] == [20, 0]


def a_japanese(**rules: object) -> Run:
    given = {"side": "sell", "format": "japanese", "interval_s": 60, "lots": 1}
    return Run(some_rules(**{**given, **rules}))


def stay(run: Run, *bidders: str) -> None:
    clock = run.state.clock
    for bidder in bidders:
        at = clock.ends_at - timedelta(seconds=30)
        run.bid(bidder, clock.prices[0], at, bid_id=f"{bidder}{clock.round}")
    end(run)


def test_the_last_who_stays_wins_at_the_price_he_accepted() -> None:
    run = a_japanese()
    stay(run, "a", "b", "c")
    stay(run, "a", "b")
    stay(run, "b")

    assert run.awards() == {"b": (1, 502_000)}
    assert run.state.result.clearing_price_minor == 502_000


def test_if_all_leave_at_once_the_price_before_counts() -> None:
    run = a_japanese()
    stay(run, "a", "b")
    stay(run)

    assert run.awards() == {"a": (1, 500_000)}


def test_who_left_does_not_come_back() -> None:
    run = a_japanese()
    stay(run, "a", "b", "c")
    stay(run, "a", "b")

    with pytest.raises(RuleViolation) as caught:
        run.bid("c", run.state.clock.prices[0], run.state.at)
    assert caught.value.code == "activity"


def test_a_bid_must_name_the_announced_price() -> None:
    with pytest.raises(RuleViolation) as caught:
        a_japanese().bid("a", 501_000)
    assert caught.value.code == "off_clock"


def test_a_draw_waits_for_the_close_and_its_beacon() -> None:
    seed, beacon = "11" * 32, "22" * 32
    commitment = sha256(bytes.fromhex(seed)).hexdigest()
    run = a_japanese(tie="draw", draw_commitment=commitment)
    stay(run, "a", "b")
    stay(run)
    assert run.state.phase == "open"

    run.do(Close(seed, beacon), run.state.clock.ends_at)

    prefix = bytes.fromhex(seed + beacon)
    first = min("ab", key=lambda name: sha256(prefix + f"{name}0".encode()).digest())
    assert run.awards() == {first: (1, 500_000)}


def test_a_history_of_rounds_survives_json_and_replay() -> None:
    run = a_clock()
    ask(run, "a", 6, 0)
    ask(run, "b", 6, 2)
    end(run)
    ask(run, "a", 6, 0)
    run.do(Pause("power cut"), run.state.at)
    run.do(Resume(), run.state.at + timedelta(seconds=40))
    end(run)

    stored = [(type(e).__name__, TypeAdapter(type(e)).dump_json(e)) for e in run.events]
    read = [TypeAdapter(EVENT_TYPES[kind]).validate_json(text) for kind, text in stored]

    assert read == run.events
    assert fold(read) == run.state
    assert run.state.closes_at > CLOSES


def test_an_outage_leaves_as_much_of_a_round_as_of_an_auction() -> None:
    run = a_clock()
    ask(run, "a", 3, 3)
    ends_at = run.state.clock.ends_at

    back_at = ends_at + timedelta(seconds=89)
    run.do(RecordOutage(ends_at - timedelta(seconds=1)), back_at)

    assert run.state.clock.ends_at == back_at + timedelta(seconds=150)


@pytest.mark.parametrize("left", [10, 3540])
def test_an_outage_does_not_open_a_round_again_that_was_over(left: int) -> None:
    ends_at = OPENS + timedelta(seconds=60)
    closes_at = ends_at + timedelta(seconds=left)
    run = a_clock(closes_at=closes_at, hard_stop=closes_at)
    ask(run, "a", 3, 3)

    run.do(RecordOutage(ends_at), ends_at + timedelta(seconds=90))

    assert run.state.clock.ends_at <= run.state.at


def test_lots_left_over_do_not_go_back_at_a_price_beyond_the_reserve() -> None:
    run = a_clock(reserve_minor=501_000)
    ask(run, "a", 8, 0)
    ask(run, "b", 8, 0)
    end(run)
    ask(run, "a", 8, 0)
    end(run)

    assert won(run) == {("a", MARCH): (8, 501_000)}


@pytest.mark.parametrize("tie", ["time", "draw"])
def test_a_price_without_a_step_left_ends_the_auction_however_ties_are_settled(tie: str) -> None:
    commitment = sha256(bytes.fromhex("11" * 32)).hexdigest() if tie == "draw" else None
    run = a_clock(side="buy", tie=tie, draw_commitment=commitment, step_minor=500_000)
    ask(run, "a", 10, 0)
    ask(run, "b", 5, 0)

    end(run)
    if tie == "draw":
        run.do(Close(seed="11" * 32), run.state.clock.ends_at)

    assert run.state.phase == "closed"
    assert sum(lots for lots, _ in won(run).values()) == 10


@pytest.mark.parametrize("lost_s", [20, 1200])
@pytest.mark.parametrize("kind", ["pause", "outage"])
def test_what_comes_after_a_round_does_not_move_the_instant_that_names_its_beacon(
    kind: str, lost_s: int
) -> None:
    run = a_clock()
    ask(run, "a", 5, 5)
    over_at = run.state.clock.ends_at
    stops_at = over_at + timedelta(seconds=5)
    goes_on_at = stops_at + timedelta(seconds=lost_s)

    if kind == "pause":
        run.do(Pause("power cut"), stops_at)
    else:
        run.do(RecordOutage(stops_at), goes_on_at)
    if run.state.phase == "paused":
        run.do(Resume(), goes_on_at)

    assert run.state.clock.ends_at == over_at
    assert code_of(run, PlaceDemand("9", "b", ((MARCH, 1),)), goes_on_at) == "round_over"
