from __future__ import annotations

import json

import pytest

from matching.auctions.disclosure import Bidder, Observer, Owner, view
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, Run, before_close, some_rules

NOW = before_close(1000)


def two_worlds(second_price: int, **rules: object) -> list[Run]:
    worlds = []
    for price in (490_000, second_price):
        run = Run(some_rules(improve="own", **rules))
        run.bid("a", 480_000)
        run.bid("b", price)
        worlds.append(run)
    return worlds


@pytest.mark.parametrize("audience", [Observer(), Bidder("a"), Bidder("c")])
def test_a_rank_view_leaks_no_rivals_price(audience) -> None:
    left, right = two_worlds(485_000, disclosure="rank")

    assert view(left.state, audience, NOW) == view(right.state, audience, NOW)


def test_a_blind_view_does_not_show_that_a_rival_bid() -> None:
    run = Run(some_rules(disclosure="blind"))
    run.bid("a", 480_000)
    before = [view(run.state, audience, NOW) for audience in (Observer(), Bidder("a"))]

    run.bid("b", 470_000)

    assert before == [view(run.state, audience, NOW) for audience in (Observer(), Bidder("a"))]


@pytest.mark.parametrize("format_", ["sealed_first", "sealed_uniform", "second_price"])
@pytest.mark.parametrize("disclosure", ["full", "best", "rank", "blind"])
def test_a_sealed_bid_shows_to_nobody_but_its_bidder(format_, disclosure) -> None:
    run = Run(some_rules(format=format_, disclosure=disclosure))
    audiences = (Observer(), Bidder("a"), Owner())
    before = [view(run.state, audience, NOW) for audience in audiences]

    run.bid("b", 470_000, before_close(1))

    assert before == [view(run.state, audience, NOW) for audience in audiences]
    assert view(run.state, Bidder("b"), NOW)["my_best_minor"] == 470_000


def test_a_bidder_sees_his_own_standing() -> None:
    run = Run(some_rules(disclosure="rank"))
    run.bid("a", 480_000)
    run.bid("b", 490_000)

    shown = view(run.state, Bidder("b"), NOW)

    assert (shown["my_rank"], shown["is_leading"], shown["next_allowed_minor"]) == (
        2,
        False,
        489_000,
    )
    assert "best_minor" not in shown
    assert "bids" not in shown


def test_full_disclosure_shows_prices_and_no_names() -> None:
    run = Run(some_rules(disclosure="full"))
    run.bid("a-firm", 480_000)

    shown = view(run.state, Observer(), NOW)

    assert shown["standing"] == [{"rank": 1, "price_minor": 480_000, "lots": 100}]
    assert "a-firm" not in json.dumps(shown)


def test_the_owner_sees_the_whole_open_book() -> None:
    run = Run(some_rules(reserve_minor=490_000))
    run.bid("a", 480_000)

    shown = view(run.state, Owner(), NOW)

    assert shown["reserve_minor"] == 490_000
    assert shown["standing"][0]["bidder"] == "a"
    assert "reserve_minor" not in {k for k, v in view(run.state, Bidder("a"), NOW).items() if v}


def test_phases_follow_the_window() -> None:
    run = Run(some_rules())

    assert view(run.state, Observer(), before_close(7200))["phase"] == "scheduled"
    assert view(run.state, Observer(), OPENS)["phase"] == "open"
    assert view(run.close().state, Observer(), CLOSES)["phase"] == "closed"


def test_a_loser_learns_his_own_result() -> None:
    run = Run(some_rules(disclosure="rank"))
    run.bid("a", 480_000)
    run.bid("b", 490_000)
    run.close()

    loser, winner = (view(run.state, Bidder(name), CLOSES) for name in "ba")

    assert (loser["my_award"], loser["my_rank"], loser["result"]) == (None, 2, {"is_awarded": True})
    assert winner["my_award"] == {"lots": 100, "price_minor": 480_000}


def test_every_view_is_json() -> None:
    run = Run(some_rules(disclosure="full"))
    run.bid("a", 480_000)
    run.close()

    for audience in (Observer(), Bidder("a"), Owner()):
        assert json.loads(json.dumps(view(run.state, audience, CLOSES))) == view(
            run.state, audience, CLOSES
        )
