from __future__ import annotations

from datetime import timedelta

import pytest

from matching.auctions.commands import (
    Begin,
    Close,
    Pause,
    PlaceBid,
    Resume,
    SetStanding,
    WithdrawBid,
)
from matching.auctions.disclosure import Bidder, view
from matching.auctions.engine import standing
from matching.errors import RuleViolation
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, Run, before_close, some_rules


def set_limit(run: Run, bidder: str, limit: int | None, at=OPENS) -> None:
    run.do(SetStanding(f"s-{bidder}", bidder, limit), at)


def leading(run: Run) -> tuple[str, int]:
    best = standing(run.state)[0]
    return best.bidder, best.price_minor


def test_a_lone_order_opens_at_the_start_price() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000)

    assert leading(run) == ("a", 500_000)


def test_an_order_answers_a_rival_by_one_step() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000)
    run.bid("b", 480_000)

    assert leading(run) == ("a", 479_000)


def test_an_order_stops_at_its_limit() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000)
    run.bid("b", 450_900)

    assert leading(run) == ("b", 450_900)


def test_the_stronger_of_two_orders_leads_at_the_weaker_limit() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000)
    set_limit(run, "b", 460_000)

    assert leading(run) == ("a", 460_000)
    assert len(list(run.state.book)) == 2


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_earlier_of_equal_orders_wins(side) -> None:
    run = Run(some_rules(side=side, start_minor=500_000))
    limit = 450_000 if side == "buy" else 550_000
    set_limit(run, "b", limit)
    set_limit(run, "a", limit)

    assert leading(run) == ("b", limit)


def test_orders_set_before_the_opening_bid_as_of_the_opening() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000, OPENS - timedelta(minutes=5))
    assert run.state.book.count == 0

    with pytest.raises(RuleViolation):
        run.bid("b", 500_000, OPENS + timedelta(seconds=9))
    run.do(Begin(), OPENS + timedelta(seconds=10))

    assert [(bid.at, bid.price_minor) for bid in run.state.book] == [(OPENS, 500_000)]


def test_an_order_never_begun_still_bids_at_the_close() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000, OPENS - timedelta(minutes=5))

    run.do(Close(), CLOSES)

    assert run.awards() == {"a": (100, 500_000)}


def test_an_answer_in_the_last_minutes_extends_the_close() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000)
    run.bid("b", 480_000, before_close(10))

    assert leading(run) == ("a", 479_000)
    assert run.state.closes_at == CLOSES + timedelta(seconds=110)


def test_an_order_taken_back_bids_no_more() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 450_000)
    set_limit(run, "a", None)
    run.bid("b", 480_000)

    assert leading(run) == ("b", 480_000)


def test_a_limit_worse_than_ones_own_bid_is_refused() -> None:
    run = Run(some_rules())
    run.bid("a", 480_000)

    with pytest.raises(RuleViolation) as caught:
        set_limit(run, "a", 490_000, OPENS + timedelta(seconds=9))
    assert caught.value.code == "limit_too_weak"


def test_a_limit_changes_nothing_that_a_rival_sees() -> None:
    views = []
    for limit in (400_000, 450_000):
        run = Run(some_rules())
        set_limit(run, "a", limit)
        run.bid("b", 480_000)
        views.append(view(run.state, Bidder("b"), OPENS + timedelta(minutes=1)))

    assert views[0] == views[1]


def test_an_order_finds_a_bid_id_that_its_bidder_has_not_used() -> None:
    run = Run(some_rules())
    run.do(PlaceBid("s-a/2", "a", 500_000), OPENS)
    set_limit(run, "a", 450_000)
    run.bid("b", 480_000)

    assert leading(run) == ("a", 479_000)


def test_sealed_formats_take_no_standing_orders() -> None:
    with pytest.raises(RuleViolation) as caught:
        set_limit(Run(some_rules(format="sealed_first")), "a", 450_000)
    assert caught.value.code == "wrong_command"


def test_an_order_takes_the_lead_that_a_withdrawal_in_a_pause_left() -> None:
    run = Run(some_rules())
    run.bid("b", 480_000)
    set_limit(run, "a", 490_000, OPENS + timedelta(seconds=2))
    run.do(Pause("a wrong bid"), OPENS + timedelta(seconds=3))
    run.do(WithdrawBid(1, "ten times too low"), OPENS + timedelta(seconds=4))
    assert not standing(run.state)

    run.do(Resume(), OPENS + timedelta(seconds=5))

    assert leading(run) == ("a", 500_000)


def test_a_pause_alone_moves_no_order_to_bid() -> None:
    run = Run(some_rules())
    set_limit(run, "a", 490_000)
    run.do(Pause("a question"), OPENS + timedelta(seconds=3))

    told = run.do(Resume(), OPENS + timedelta(seconds=5))

    assert len(told) == 1
