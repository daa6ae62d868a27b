from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from matching.auctions.engine import open_auction
from matching.auctions.refusals import BadRule
from matching.auctions.rules import Criterion, Item
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, some_rules

BAD = [
    ("side", {"side": "both"}),
    ("format", {"format": "candle"}),
    ("closes_at", {"closes_at": OPENS}),
    ("opens_at", {"opens_at": datetime(2027, 1, 5, 11)}),
    ("hard_stop", {"hard_stop": CLOSES - timedelta(seconds=1)}),
    ("hard_stop", {"hard_stop": CLOSES + timedelta(minutes=61)}),
    ("soft_close_s", {"soft_close_s": 3601}),
    ("max_extensions", {"max_extensions": -1}),
    ("lots", {"lots": 0}),
    ("min_lots", {"min_lots": 101}),
    ("tick_minor", {"tick_minor": 0}),
    ("step_minor", {"step_minor": 150}),
    ("step_minor", {"step_minor": 0}),
    ("steps", {"step_minor": None, "steps": ((100, 100),)}),
    ("steps", {"steps": ((0, 100), (0, 200))}),
    ("steps/1", {"steps": ((0, 100), (500, 150))}),
    ("start_minor", {"start_minor": 500_050}),
    ("reserve_minor", {"reserve_minor": 499_950}),
    ("reserve_minor", {"reserve_minor": 500_100}),
    ("reserve_minor", {"side": "sell", "reserve_minor": 499_900}),
    ("reserve_is_public", {"reserve_is_public": True}),
    ("pricing", {"format": "sealed_uniform", "pricing": "pay_as_bid"}),
    ("pricing", {"shares": (70, 30), "pricing": "last_accepted"}),
    ("pricing", {"criteria": (Criterion("a", 1, 0, 1),), "pricing": "last_accepted"}),
    ("criteria", {"criteria": (Criterion("a", 1, 0, 1),) * 2}),
    ("criteria/0", {"criteria": (Criterion("a", 1, 2, 1),)}),
    ("max_share", {"max_share": 0}),
    ("max_share", {"max_share": 50, "min_lots": 60}),
    ("max_share", {"max_share": 50, "shares": (50, 50)}),
    ("shares", {"shares": (70, 20)}),
    ("shares", {"shares": (100, 0)}),
    ("shares", {"shares": (95, 5), "min_lots": 10}),
    ("allow_single", {"allow_single": True}),
    ("all_lots_or_none", {"format": "dutch", "interval_s": 5, "all_lots_or_none": True}),
    ("all_lots_or_none", {"format": "second_price", "all_lots_or_none": True}),
    ("tie", {"tie": "draw"}),
    ("draw_commitment", {"tie": "draw", "draw_commitment": "xyz"}),
    ("improve", {"format": "sealed_first", "improve": "leader"}),
    ("interval_s", {"interval_s": 5}),
    ("items", {"items": (Item("m", 100, 1000),)}),
    ("interval_s", {"format": "dutch"}),
    ("start_minor", {"format": "dutch", "interval_s": 5, "start_minor": None}),
    ("reserve_minor", {"format": "dutch", "interval_s": 5, "reserve_minor": 499_900}),
    (
        "reserve_minor",
        {"side": "sell", "format": "dutch", "interval_s": 5, "reserve_minor": 500_100},
    ),
    ("items", {"format": "clock", "interval_s": 5}),
    ("lots", {"format": "clock", "interval_s": 5, "items": (Item("m", 9, 1000),)}),
    ("items", {"format": "clock", "interval_s": 5, "items": (Item("m", 50, 1000),) * 2}),
]


@pytest.mark.parametrize(("field", "given"), BAD)
def test_a_bad_rule_is_named_with_its_figure(field, given) -> None:
    with pytest.raises(BadRule) as caught:
        open_auction(some_rules(**given), OPENS)

    assert caught.value.field == field
    assert caught.value.code == "bad_rule"


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_reserve_is_no_worse_than_the_start_price(side) -> None:
    items = (Item("m", 40, 400_000), Item("n", 60, 600_000))
    packages = {"format": "packages", "start_minor": None, "items": items}
    beyond, rule = {
        "buy": (600_100, "must not lie above the start price"),
        "sell": (399_900, "must not lie below the start price"),
    }[side]

    open_auction(some_rules(side=side, reserve_minor=500_000), OPENS)
    open_auction(some_rules(side=side, **packages, reserve_minor=500_000), OPENS)
    with pytest.raises(BadRule) as refused:
        open_auction(some_rules(side=side, **packages, reserve_minor=beyond), OPENS)

    assert (refused.value.rule, refused.value.figure) == (rule, beyond)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("pay_as_bid", "time", "time", "leader", "best")),
        ({"disclosure": "rank"}, ("pay_as_bid", "time", "time", "own", "rank")),
        ({"format": "sealed_uniform"}, ("last_accepted", "time", "time", "own", "blind")),
        ({"format": "second_price"}, ("first_rejected", "time", "time", "own", "blind")),
        (
            {"format": "sealed_first", "draw_commitment": "0" * 64},
            ("pay_as_bid", "time", "draw", "own", "blind"),
        ),
    ],
)
def test_what_is_left_open_is_filled_in_by_the_format(given, expected) -> None:
    rules = some_rules(**given)
    rules.validate()

    assert (rules.pricing, rules.marginal, rules.tie, rules.improve, rules.disclosure) == expected
    assert some_rules(hard_stop=None).planned_stop == CLOSES + timedelta(minutes=60)
