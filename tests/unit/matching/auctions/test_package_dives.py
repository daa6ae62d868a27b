"""Sets of package bids that were dived for, against every set there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching.auctions.package_cliques import strengthened
from matching.auctions.package_dives import by_dives, dived
from matching.auctions.package_model import Problem, relax
from matching.auctions.package_search import Search
from tests.unit.matching.auctions.test_package_cliques import a_problem, best_of


def a_search(problem: Problem) -> Search:
    relaxation = relax(problem)
    assert relaxation is not None
    return Search(problem, relaxation)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("seed", range(10))
def test_a_dive_ends_with_a_lawful_set_and_always_the_same(seed: int, number: int) -> None:
    problem = a_problem(seed)
    strong = strengthened(problem)

    found = dived(strong, number)

    assert problem.is_lawful(found)
    assert list(found) == sorted(set(found))
    assert 0 < problem.total(found) <= best_of(problem)
    assert dived(strong, number) == found


def test_a_dive_takes_what_the_relaxation_gives_a_whole_share() -> None:
    problem = Problem(values=(5, 9, 4), rows=((0,), (0, 1), (2,)), row_count=3, must_cover=0)

    assert dived(problem, 0) == (1, 2)


@pytest.mark.parametrize("seed", range(20))
def test_searching_around_dives_finds_the_best_set_of_a_small_auction(seed: int) -> None:
    problem = a_problem(seed)

    found = by_dives(strengthened(problem), a_search(problem), (), 2)

    assert problem.is_lawful(found)
    assert problem.total(found) == best_of(problem)


def test_searching_around_dives_never_ends_worse_than_it_began() -> None:
    problem = a_problem(3)
    search = a_search(problem)
    best = by_dives(strengthened(problem), search, (), 2)

    again = by_dives(strengthened(problem), search, best, 0)

    assert problem.total(again) == problem.total(best)


@pytest.mark.parametrize("seed", range(3))
def test_a_dive_ends_higher_than_bids_taken_one_by_one(seed: int) -> None:
    problem = a_hard_problem(seed)
    search = a_search(problem)

    found = search.filled(dived(strengthened(problem), 0))

    assert problem.is_lawful(found)
    assert problem.total(found) > problem.total(search.greedy())


def test_dives_of_other_numbers_end_elsewhere() -> None:
    strong = strengthened(a_hard_problem(1))

    assert len({dived(strong, number) for number in range(4)}) > 1


def a_hard_problem(seed: int) -> Problem:
    """Amounts so large that moving them by thousandths leaves no two alike."""
    coarse = a_problem(seed, bids=400, rows=120)
    return replace(coarse, values=tuple(1000 * value for value in coarse.values))
