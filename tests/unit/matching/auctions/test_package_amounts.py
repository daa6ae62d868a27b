"""Amounts beyond the solver's arithmetic: somebody still wins, and nothing is proved too soon."""

from __future__ import annotations

import random

import pytest

from matching.auctions.packages import PackageAuction, PackageBid, PackageResult, clear_packages


def cleared(seed: int, unit: int, *, items: int, bids: int, limit: int | None) -> PackageResult:
    """Return what comes of bids on 3 to 5 items, worth 900 to 1100 units each."""
    drawn = random.Random(seed)
    names = tuple(f"i{number:02}" for number in range(items))
    made = tuple(
        PackageBid(
            f"b{number:03}",
            f"f{number}",
            tuple(sorted(drawn.sample(names, drawn.randint(3, 5)))),
            unit * drawn.randint(900, 1100),
        )
        for number in range(bids)
    )
    return clear_packages(PackageAuction("sell", names, made, limit))


@pytest.mark.parametrize("seed", [0, 7])
def test_a_search_that_was_cut_off_proves_nothing_of_large_amounts(seed: int) -> None:
    best = cleared(seed, 1, items=12, bids=40, limit=None)

    cut_off = cleared(seed, 10**11, items=12, bids=40, limit=0)

    assert best.proved
    assert not cut_off.proved
    assert cut_off.value_minor < best.value_minor * 10**11 <= cut_off.bound_minor


def test_what_the_solver_gives_up_is_awarded_all_the_same() -> None:
    unit = 10**10
    small = cleared(1, 1, items=20, bids=100, limit=12)

    found = cleared(1, unit, items=20, bids=100, limit=12)

    assert found.value_minor >= small.value_minor * unit * 9 // 10
    assert found.bound_minor >= small.value_minor * unit
