"""Packages with scored terms: the best set by prices and their worth, against every other set."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import pytest

from matching.auctions.commands import PlacePackage
from matching.auctions.events import PackagePlaced
from matching.auctions.refusals import BadAttributes, NotPositive, TotalTooLarge
from matching.auctions.rules import Criterion, Item
from tests.unit.matching.auctions.auction_cases import OPENS, Run, some_rules

ITEMS = tuple(Item(name, lots, 500_000) for name, lots in zip("abcd", (3, 1, 4, 2), strict=True))
DAYS = Criterion("days", 700, -5, 5)


def a_run(side: str, **more: Any) -> Run:
    rules = {"items": ITEMS, "lots": 10, "start_minor": None, "criteria": (DAYS,), **more}
    return Run(some_rules(side=side, format="packages", **rules))


def place(run: Run, number: int, items: str, price_minor: int, **terms: int) -> None:
    command = PlacePackage(
        f"b{number}", f"f{number}", tuple(items), price_minor, attributes=tuple(terms.items())
    )
    run.do(command, OPENS)


def worth(bid: PackagePlaced) -> int:
    return bid.lots * (bid.price_minor + 700 * dict(bid.attributes)["days"])


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("seed", range(12))
def test_no_other_set_is_worth_more_with_its_terms(side: str, seed: int) -> None:
    drawn, run = random.Random(seed), a_run(side)
    sign = 1 if side == "sell" else -1
    for number in range(9):
        items = "".join(sorted(drawn.sample("abcd", drawn.randint(1, 3))))
        price = 500_000 + sign * 100 * drawn.randint(0, 30)
        place(run, number, items, price, days=drawn.randint(-5, 5))

    run.close()

    found, bids = run.state.proof, run.state.packages
    assert found is not None
    assert found.proved
    sets = [
        chosen
        for count in range(len(bids) + 1)
        for chosen in combinations(bids, count)
        if len(used := [item for bid in chosen for item in bid.items]) == len(set(used))
        and (side == "sell" or len(used) == len(ITEMS))
    ]
    best = max((sum(sign * worth(bid) for bid in chosen) for chosen in sets), default=0)
    assert sign * found.value_minor == best
    won = {bid.bid_id: bid.price_minor for bid in bids if bid.bid_id in found.winners}
    assert run.state.result is not None
    assert {one.bid_id: one.price_minor for one in run.state.result.awards} == won


def test_goods_are_not_sold_for_a_worth_of_nothing_but_may_be_bought_for_it() -> None:
    late = Criterion("days", -100_000, 0, 9)
    sold, bought = a_run("sell", criteria=(late,)), a_run("buy", criteria=(late,))

    with pytest.raises(NotPositive) as refused:
        place(sold, 1, "ab", 500_000, days=5)
    place(bought, 1, "abcd", 500_000, days=9)
    bought.close()

    assert refused.value.price_minor == 0
    assert bought.state.proof is not None
    assert bought.state.proof.value_minor == -4_000_000
    assert bought.awards() == {"f1": (2, 500_000)}


def test_terms_that_are_missing_unknown_or_too_large_are_refused() -> None:
    run = a_run("sell", criteria=(Criterion("days", 10**14, 0, 9),))

    with pytest.raises(BadAttributes):
        place(run, 1, "ab", 500_000)
    with pytest.raises(BadAttributes):
        place(run, 1, "ab", 500_000, days=1, weeks=1)
    with pytest.raises(TotalTooLarge):
        place(run, 1, "ab", 500_000, days=9)
