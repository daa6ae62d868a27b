from __future__ import annotations

from datetime import timedelta

import pytest

from matching.auctions.commands import Pause, Resume
from matching.auctions.disclosure import Observer, view
from matching.auctions.dutch import clock_price
from matching.errors import RuleViolation
from tests.unit.matching.auctions.auction_cases import CLOSES, OPENS, Run, some_rules


def a_dutch(**rules: object) -> Run:
    return Run(some_rules(**{"side": "sell", "format": "dutch", "interval_s": 10, **rules}))


def at(seconds: float):
    return OPENS + timedelta(seconds=seconds)


def test_the_price_falls_by_the_step_each_interval() -> None:
    run = a_dutch()

    assert [clock_price(run.state, at(s)) for s in (0, 9.999, 10, 35)] == [
        500_000,
        500_000,
        499_000,
        497_000,
    ]


def test_the_price_rises_where_suppliers_sell() -> None:
    assert clock_price(a_dutch(side="buy").state, at(20)) == 502_000


def test_the_price_rests_at_the_reserve() -> None:
    run = a_dutch(reserve_minor=498_500)

    assert clock_price(run.state, at(600)) == 498_500


def test_a_taker_pays_the_clock_price_and_the_last_lots_close() -> None:
    run = a_dutch()
    run.bid("a", 499_000, at(12), lots=60)
    run.bid("b", 498_500, at(25), lots=40)

    assert run.state.phase == "closed"
    assert run.awards() == {"a": (60, 499_000), "b": (40, 498_000)}


def test_everyone_pays_the_last_price_where_declared() -> None:
    run = a_dutch(pricing="last_accepted")
    run.bid("a", 499_000, at(12), lots=60)
    run.bid("b", 498_000, at(25), lots=40)

    assert run.awards() == {"a": (60, 498_000), "b": (40, 498_000)}


def test_bad_takings_are_refused() -> None:
    run = a_dutch(max_share=60)
    cases = [
        ("off_clock", (499_000, at(0), 10)),
        ("off_lots", (500_000, at(0), 61)),
        ("off_tick", (500_050, at(0), 10)),
        ("early", (500_000, at(-1), 10)),
        ("late", (500_000, CLOSES, 10)),
    ]
    for code, (price, when, lots) in cases:
        with pytest.raises(RuleViolation) as caught:
            run.bid("a", price, when, lots=lots)
        assert caught.value.code == code

    run.bid("a", 500_000, at(1), lots=60)
    with pytest.raises(RuleViolation) as caught:
        run.bid("a", 500_000, at(2), lots=1)
    assert caught.value.code == "off_lots"


def test_a_pause_stops_the_clock() -> None:
    run = a_dutch()
    run.do(Pause("power cut"), at(15))
    assert clock_price(run.state, at(100)) == 499_000

    run.do(Resume(), at(100))

    assert clock_price(run.state, at(104)) == 499_000
    assert clock_price(run.state, at(105)) == 498_000


def test_everyone_sees_the_clock_and_what_is_left() -> None:
    run = a_dutch()
    run.bid("a", 500_000, at(1), lots=60)

    shown = view(run.state, Observer(), at(10))

    assert (shown["clock_minor"], shown["lots_left"]) == (499_000, 40)
