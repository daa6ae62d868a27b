"""Scarce lots: branch and bound, sets and the checker agree on which supplier serves which pool."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.clearing import pool_rationing
from matching.clearing.form import GuaranteeBroken
from matching.clearing.pools import check_values
from matching.pools import assignment
from matching.pools.clearing import Offer, Pledge, Result, Rules
from tests.properties.pool_worlds import CELL, World, a_world

seeds = st.integers(0, 2**32)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seeds, st.booleans())
def test_branch_and_bound_ends_with_what_trying_all_sets_gives(
    monkeypatch: pytest.MonkeyPatch, seed: int, packs: bool
) -> None:
    world = a_scarce_world(Random(seed), packs=packs)
    by_sets = world.cleared()

    monkeypatch.setattr(assignment, "EXACT_POOLS", 0)
    by_branching = world.cleared()
    monkeypatch.setattr(pool_rationing, "TRIED_POOLS", 0)
    check_values(world.pledges, world.offers, world.rules, by_branching)
    monkeypatch.undo()

    assert by_branching == by_sets
    check_values(world.pledges, world.offers, world.rules, by_branching)


@pytest.mark.parametrize("count", [9, 13])
def test_what_moving_one_pool_does_not_better_is_not_believed_to_be_exact(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    refused = 0
    monkeypatch.setattr(assignment, "MAX_STEPS", 2_000)
    monkeypatch.setattr(pool_rationing, "MAX_BRANCHES", 2_000)
    for seed in range(8):
        world = a_world_of_pools(Random(seed), count)
        best = world.cleared()
        with monkeypatch.context() as stopping:
            stopping.setattr(assignment, "EXACT_POOLS", 0)
            stopping.setattr(assignment, "MAX_STEPS", 0)
            stopped = world.cleared()
        if stopped.pools != best.pools:
            cell = replace(stopped.rationed[0], is_exact=True, bound_lots=stopped.rationed[0].lots)
            with pytest.raises(GuaranteeBroken, match="assignment"):
                check_values(
                    world.pledges, world.offers, world.rules, replace(stopped, rationed=(cell,))
                )
            refused += 1

    assert refused > 0


def test_what_nothing_proves_to_be_exact_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_rationing, "TRIED_POOLS", 0)
    monkeypatch.setattr(pool_rationing, "MAX_BRANCHES", 1)
    refused = 0
    for seed in range(40):
        world = a_scarce_world(Random(seed))
        result = world.cleared()
        if result.rationed and len(result.rationed[0].formed) > 1:
            with pytest.raises(GuaranteeBroken, match="nothing proves"):
                check_values(world.pledges, world.offers, world.rules, result)
            refused += 1

    assert refused > 10


def test_a_search_that_had_to_stop_says_so_and_gives_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = 0
    for seed in range(60):
        world = a_scarce_world(Random(seed))
        exact = world.cleared()
        monkeypatch.setattr(assignment, "EXACT_POOLS", 0)
        monkeypatch.setattr(assignment, "MAX_STEPS", 6)
        cut = world.cleared()
        monkeypatch.setattr(pool_rationing, "TRIED_POOLS", 0)

        for cell, best in zip(cut.rationed, exact.rationed, strict=True):
            assert cell.lots <= best.lots <= cell.bound_lots
        check_values(world.pledges, world.offers, world.rules, cut)
        if any(not cell.is_exact for cell in cut.rationed):
            stopped += 1
            emptied = _emptied(world, cut)
            with pytest.raises(GuaranteeBroken, match="assignment"):
                check_values(world.pledges, world.offers, world.rules, emptied)
        monkeypatch.undo()

    assert stopped > 5


def test_a_worse_assignment_is_refused() -> None:
    refused = 0
    for seed in range(80):
        world = a_scarce_world(Random(seed))
        best = world.cleared()
        for other in _with_less(world):
            if other.pools != best.pools and other.rationed:
                with pytest.raises(GuaranteeBroken):
                    check_values(world.pledges, world.offers, world.rules, other)
                refused += 1

    assert refused > 20


def _emptied(world: World, cut: Result) -> Result:
    """Return a claim that the search stopped before it served anybody."""
    reasons = dict(cut.unmatched)
    names = [pledge.id for pledge in world.pledges]
    return replace(
        cut,
        pools=(),
        left=tuple(sorted(names)),
        reasons=tuple(reasons.get(name, "capacity") for name in sorted(names)),
        surplus_minor=0,
        rationed=tuple(replace(cell, lots=0) for cell in cut.rationed),
    )


def _with_less(world: World) -> list[Result]:
    """Return what would be if an offer that the cell has were not considered for some pools."""
    found = []
    result = world.cleared()
    for k, pool in enumerate(result.pools):
        pools = result.pools[:k] + result.pools[k + 1 :]
        lots = sum(each.lots for each in pools)
        rationed = tuple(replace(cell, lots=lots, bound_lots=lots) for cell in result.rationed)
        left = sorted([*result.unmatched, *[(name, "capacity") for name in pool.pledges]])
        lost = sum(
            (pledge.limit_minor - landed) * lots
            for name, lots, landed, _ in pool.members
            for pledge in world.pledges
            if pledge.id == name
        )
        found.append(
            replace(
                result,
                pools=pools,
                left=tuple(name for name, _ in left),
                reasons=tuple(reason for _, reason in left),
                surplus_minor=result.surplus_minor - lost,
                rationed=rationed,
            )
        )
    return found


def a_scarce_world(random: Random, *, packs: bool = False) -> World:
    """A cell of several pools whose offers have too little."""
    world = a_world(random, most=16, packs=packs, tolerance=True, scarce=True, min_members=1)
    pledges = tuple(
        replace(pledge, size=pledge.size * random.choice([1, 3, 9]), cell=CELL)
        for pledge in world.pledges
    )
    return replace(world, pledges=pledges)


def a_world_of_pools(random: Random, count: int) -> World:
    """A cell where each pledge is a pool of its own and two offers have too little."""
    pledges = tuple(
        Pledge(
            id=f"p{k:02}",
            owner=f"w{k}",
            cell=CELL,
            size=3**k,
            lots=random.randrange(5, 12),
            limit_minor=500 + random.randrange(20),
            seq=k,
        )
        for k in range(count)
    )
    offers = tuple(
        Offer(f"o{k}", f"O{k}", CELL, random.randrange(15, 40), 1, ((5, 490), (10, 480)), k)
        for k in range(2)
    )
    return World(pledges, offers, Rules((2, 1), 1))
