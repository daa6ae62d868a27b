"""Rows that package bids imply: they forbid no lawful set, and bound the best one closer."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from matching.auctions.package_cliques import strengthened
from matching.auctions.package_model import Problem, relax


def a_problem(seed: int, *, bids: int = 14, rows: int = 9) -> Problem:
    random = Random(seed)
    return Problem(
        values=tuple(random.randint(5, 30) for _ in range(bids)),
        rows=tuple(
            tuple(sorted(random.sample(range(rows), random.randint(2, 4)))) for _ in range(bids)
        ),
        row_count=rows,
        must_cover=0,
    )


def best_of(problem: Problem) -> int:
    """Try every set."""
    bids = range(len(problem.values))
    sets = (chosen for size in range(6) for chosen in combinations(bids, size))
    return max(problem.total(chosen) for chosen in sets if problem.is_lawful(chosen))


@pytest.mark.parametrize("seed", range(12))
def test_the_same_sets_are_lawful_and_the_bound_is_no_worse(seed: int) -> None:
    problem = a_problem(seed)

    strong = strengthened(problem)

    for row in range(problem.row_count, strong.row_count):
        bids = [bid for bid, rows in enumerate(strong.rows) if row in rows]
        pairs = combinations(bids, 2)
        assert all(set(problem.rows[one]) & set(problem.rows[two]) for one, two in pairs)
    plain, tight = relax(problem), relax(strong)
    assert plain is not None
    assert tight is not None
    assert best_of(problem) == best_of(strong) <= tight.bound <= plain.bound
    assert strengthened(problem) == strong


def test_three_bids_that_meet_two_by_two_are_bound_to_one() -> None:
    triangle = Problem(
        values=(10, 10, 10), rows=((0, 1), (1, 2), (0, 2)), row_count=3, must_cover=0
    )

    strong = strengthened(triangle)

    relaxed = [relax(problem) for problem in (triangle, strong)]
    assert [one.bound for one in relaxed if one is not None] == [15, 10]
    assert strong.rows == ((0, 1, 3), (1, 2, 3), (0, 2, 3))
