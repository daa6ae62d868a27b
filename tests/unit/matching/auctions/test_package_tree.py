"""Branch and bound over package bids, against every set there is."""

from __future__ import annotations

import pytest

from matching.auctions.package_cliques import strengthened
from matching.auctions.package_tree import Tree
from tests.unit.matching.auctions.test_package_cliques import a_problem, best_of

EVER = 10_000


@pytest.mark.parametrize("seed", range(40))
def test_a_search_that_ends_has_the_best_set(seed: int) -> None:
    problem = a_problem(seed, bids=18, rows=10)

    found = Tree(strengthened(problem), ()).search(EVER)

    assert found.is_complete
    assert found.chosen is not None
    assert problem.is_lawful(found.chosen)
    assert problem.total(found.chosen) == found.bound == best_of(problem)
    assert found == Tree(strengthened(problem), ()).search(EVER)


@pytest.mark.parametrize("seed", range(12))
def test_a_search_that_is_broken_off_bounds_every_set_and_goes_on(seed: int) -> None:
    problem = a_problem(seed, bids=30, rows=10)
    tree = Tree(problem, ())
    found, best = tree.search(1), best_of(problem)

    while not found.is_complete:
        assert problem.total(tree.best) <= best <= found.bound
        assert tree.is_near(1) or found.bound > best
        found = tree.search(tree.nodes + 1)

    assert problem.total(tree.best) == best


def test_a_better_set_from_elsewhere_counts_and_a_worse_one_does_not() -> None:
    problem = a_problem(1)
    best = Tree(problem, ()).search(EVER).chosen
    assert best is not None
    tree = Tree(problem, ())

    for given in (best, ()):
        tree.improve(given)

    assert tree.best == best
    assert tree.search(EVER).bound == problem.total(best)
