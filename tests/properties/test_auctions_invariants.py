"""What every auction must keep to, whatever happens in it."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aggregator.laboratory.clearing import clear_document
from aggregator.laboratory.reading import BadInput
from matching.auctions.commands import Close, PlaceBid
from matching.auctions.disclosure import Bidder, Observer, view
from matching.auctions.engine import decide, evolve, initial, open_auction
from matching.auctions.rules import Rules
from matching.errors import RuleViolation
from tests.properties.auction_worlds import (
    CLOSES,
    OPENS,
    announced_auctions,
    book_auctions,
    package_auctions,
)

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
TRIALS = settings(max_examples=150, deadline=None, suppress_health_check=QUIET)


def cleared(instance: dict[str, Any]) -> dict[str, Any]:
    try:
        return clear_document(json.dumps(instance).encode())
    except BadInput:
        assume(False)
        raise


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@TRIALS
@given(st.one_of(book_auctions(), announced_auctions(), package_auctions()))
def test_the_close_never_moves_back_and_no_bid_comes_after_it(instance) -> None:
    result = cleared(instance)
    closes, stop = instance["rules"]["closes_at"], None
    for event in result["events"]:
        if event["event"] == "opened":
            stop = event["rules"]["hard_stop"]
        if event["event"] in ("close_extended", "resumed"):
            assert instant(event["closes_at"]) >= instant(closes)
            closes, stop = event["closes_at"], event.get("hard_stop", stop)
        assert instant(closes) <= instant(stop)
        if event["event"] in ("bid_placed", "demand_placed", "package_placed"):
            assert instant(event["at"]) < instant(closes)


@TRIALS
@given(st.one_of(book_auctions(), announced_auctions(), package_auctions()))
def test_awards_keep_within_lots_and_bids(instance) -> None:
    result = cleared(instance)
    bids = {(b["id"], b["bidder"]): b for b in result["state"]["ranking"]}
    sign = 1 if instance["side"] == "sell" else -1

    lots = result["events"][0]["rules"]["lots"]
    assert sum(won["lots"] for won in result["awards"]) + result["unawarded_lots"] == lots or (
        result["outcome"] is None
    )
    for won in result["awards"]:
        bid = bids.get((won["id"], won["bidder"]))
        if bid is not None:
            assert sign * won["price_minor"] <= sign * bid["price_minor"]
            assert won["lots"] <= bid["lots"] or instance["format"] == "dutch"


@TRIALS
@given(announced_auctions())
def test_announced_prices_move_one_way_and_demand_never_grows(instance) -> None:
    assume(instance["format"] != "dutch")
    sign = 1 if instance["side"] == "sell" else -1
    prices: list[int] = []
    before: dict[str, int] = {}
    asked: dict[str, int] = {}
    for event in cleared(instance)["events"]:
        if event["event"] == "demand_placed":
            asked[event["bidder"]] = total = sum(lots for _, lots in event["demand"])
            assert not before or total <= before.get(event["bidder"], 0)
        if event["event"] == "round_opened":
            now = [sign * price for _, price in event["prices"]]
            assert all(new >= old for new, old in zip(now, prices, strict=False))
            prices = now
            # Silence keeps at most what was asked for, so the old total still bounds it.
            before, asked = {**before, **asked}, {}


BID = st.tuples(st.integers(80, 120), st.integers(1, 6))


def sealed(bids: list[tuple[int, int]], **rules: Any) -> dict[str, tuple[int, int]]:
    """Return lots and price by bidder of a sealed sale to bidders 0, 1, 2 and so on."""
    given = {"side": "sell", "opens_at": OPENS, "closes_at": CLOSES, "tick_minor": 1}
    state = initial(open_auction(Rules(**{**given, "lots": 8, **rules}), OPENS))
    for name, (price, lots) in enumerate(bids):
        if price > 0:
            at = OPENS + timedelta(seconds=name)
            for event in decide(state, PlaceBid("1", str(name), price, lots), at):
                state = evolve(state, event)
    for event in decide(state, Close(), CLOSES):
        state = evolve(state, event)
    assert state.result is not None
    return {won.bidder: (won.lots, won.price_minor) for won in state.result.awards}


FORMATS = st.sampled_from(
    [
        {"format": "sealed_first"},
        {"format": "sealed_uniform"},
        {"format": "sealed_uniform", "pricing": "first_rejected"},
        {"format": "sealed_uniform", "marginal": "pro_rata"},
    ]
)


@TRIALS
@given(st.lists(BID, min_size=1, max_size=5), FORMATS, st.integers(0, 4), st.integers(1, 30))
def test_a_better_price_never_loses_lots(bids, rules, chosen, more) -> None:
    chosen %= len(bids)
    better = list(bids)
    better[chosen] = (bids[chosen][0] + more, bids[chosen][1])

    before = sealed(bids, **rules).get(str(chosen), (0, 0))[0]
    assert sealed(better, **rules).get(str(chosen), (0, 0))[0] >= before


@TRIALS
@given(st.lists(BID, min_size=1, max_size=5), FORMATS, st.integers(2, 9))
def test_scaling_prices_scales_payments(bids, rules, factor) -> None:
    scaled = [(price * factor, lots) for price, lots in bids]

    expected = {name: (n, p * factor) for name, (n, p) in sealed(bids, **rules).items()}
    assert sealed(scaled, **rules) == expected


@TRIALS
@given(st.lists(BID, min_size=2, max_size=5))
def test_without_a_losing_bid_a_sale_paid_as_bid_ends_the_same(bids) -> None:
    awards = sealed(bids, format="sealed_first")
    for name in range(len(bids)):
        if str(name) not in awards:
            without = list(bids)
            without[name] = (0, 0)
            assert sealed(without, format="sealed_first") == awards


@TRIALS
@given(st.lists(st.integers(80, 120), min_size=1, max_size=4), st.integers(80, 120))
def test_no_lie_gains_where_the_second_price_is_paid(values, lie) -> None:
    def gain(bid: int) -> int:
        bids = [(bid, 8), *((value, 8) for value in values[1:])]
        won = sealed(bids, format="second_price", reserve_minor=90)
        return values[0] - won["0"][1] if "0" in won else 0

    assert gain(lie) <= gain(values[0])


@TRIALS
@given(st.lists(st.integers(80, 120), min_size=2, max_size=4), st.integers(80, 120))
def test_no_lie_about_one_lot_gains_where_the_first_rejected_price_is_paid(values, lie) -> None:
    rules = {"format": "sealed_uniform", "pricing": "first_rejected", "lots": 2}

    def gain(bid: int) -> int:
        won = sealed([(bid, 1), *((value, 1) for value in values[1:])], **rules, start_minor=1)
        return values[0] - won["0"][1] if "0" in won else 0

    assert gain(lie) <= gain(values[0])


@TRIALS
@given(book_auctions(), st.integers(84, 116))
def test_a_hidden_price_shows_to_nobody_else(instance, other) -> None:
    """Two worlds differ in one sealed bid: the others see and are told the same."""
    assume(instance["format"] != "english")
    # A withdrawal is the operator's public act: what it names is known to have been there.
    commands = [one for one in instance["commands"] if one["cmd"] != "withdraw"]
    instance["commands"] = commands
    changed = copy.deepcopy(instance)
    ours = [i for i, c in enumerate(commands) if c["cmd"] == "bid" and c["by"] == "a"]
    assume(ours)
    changed["commands"][ours[0]]["price_minor"] = other * 10
    worlds = [_watched(one) for one in (instance, changed)]

    assert worlds[0] == worlds[1]


def _watched(instance: dict[str, Any]) -> list[Any]:
    """Return what the others saw and were told until the close."""
    from aggregator.laboratory import auction
    from aggregator.laboratory.reading import Node

    try:
        read = auction.read(Node(instance, ""))
    except BadInput:
        assume(False)
        raise
    state = initial(open_auction(read.rules, read.rules.opens_at))
    seen: list[Any] = []
    for at, command in read.commands:
        if isinstance(command, Close):
            break
        try:
            for event in decide(state, command, at):
                state = evolve(state, event)
        except RuleViolation as refusal:
            if not (isinstance(command, PlaceBid) and command.bidder == "a"):
                seen.append((refusal.code, refusal.figures()))
        seen += [view(state, audience, at) for audience in (Observer(), *map(Bidder, "bcd"))]
    return seen
