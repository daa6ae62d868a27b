"""A word of disclosure for each audience: bidders, observers, the owner."""

from __future__ import annotations

import pytest

from matching.auctions.disclosure import Bidder, Observer, Operator, Owner, view
from matching.auctions.refusals import BadRule
from tests.unit.matching.auctions.auction_cases import Run, before_close, some_rules

NOW = before_close(1000)


def with_a_bid(**rules: object) -> Run:
    run = Run(some_rules(**rules))
    run.bid("a", 480_000)
    return run


def test_observers_may_be_told_less_than_bidders() -> None:
    run = with_a_bid(disclosure="full", observer_disclosure="blind")
    before = view(run.state, Observer(), NOW)

    run.bid("b", 470_000)

    assert view(run.state, Observer(), NOW) == before
    assert view(run.state, Bidder("c"), NOW)["best_minor"] == 470_000


def test_observers_may_be_told_the_best_price_alone() -> None:
    run = with_a_bid(disclosure="full", observer_disclosure="best")

    shown = view(run.state, Observer(), NOW)

    assert shown["best_minor"] == 480_000
    assert "standing" not in shown


def test_an_owner_may_follow_bids_that_bidders_see_by_rank_alone() -> None:
    run = with_a_bid(disclosure="rank", owner_disclosure="full")

    assert view(run.state, Owner(), NOW)["standing"][0]["bidder"] == "a"
    assert "standing" not in view(run.state, Operator(), NOW)
    assert "best_minor" not in view(run.state, Bidder("b"), NOW)


def test_an_owner_may_see_no_more_than_observers_before_the_close() -> None:
    run = with_a_bid(disclosure="full", owner_disclosure="blind", reserve_minor=400_000)

    shown = view(run.state, Owner(), NOW)

    assert shown["standing"] == [{"rank": 1, "price_minor": 480_000, "lots": 100}]
    assert shown["reserve_minor"] == 400_000


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"disclosure": "best", "observer_disclosure": "full"}, "observer_disclosure"),
        ({"disclosure": "rank", "observer_disclosure": "best"}, "observer_disclosure"),
        ({"observer_disclosure": "rank"}, "observer_disclosure"),
        ({"owner_disclosure": "best"}, "owner_disclosure"),
        ({"format": "sealed_first", "owner_disclosure": "full"}, "owner_disclosure"),
    ],
)
def test_words_that_tell_the_wrong_people_more_are_refused(
    rules: dict[str, str], field: str
) -> None:
    with pytest.raises(BadRule) as refused:
        some_rules(**rules).validate()

    assert refused.value.field == field
