from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.forwards.lexmin import Row, lexmin

factors = st.lists(st.integers(-4, 4), min_size=3, max_size=3)
rows = st.lists(st.tuples(factors, st.integers(-12, 12)), max_size=5)


def a_row(found: tuple[list[int], int]) -> Row:
    return Row(tuple((i, factor) for i, factor in enumerate(found[0]) if factor), found[1])


@given(rows)
def test_it_is_the_first_of_all_whole_points(found: list[tuple[list[int], int]]):
    box = [Row(((i, -1),), 6) for i in range(3)]
    lawful = [
        point
        for point in product(range(7), repeat=3)
        if all(sum(f * x for f, x in zip(fs, point, strict=True)) + c >= 0 for fs, c in found)
    ]

    least = lexmin(3, [*map(a_row, found), *box], range(3))

    assert (None if least is None else least.point) == min(lawful, default=None)
    assert least is None or least.is_proved


def test_a_coin_problem_is_solved_where_fractions_mislead():
    value = Row(((0, 1), (1, -6), (2, -10), (3, -15)), 0)
    enough = Row(((1, 6), (2, 10), (3, 15)), -29)

    least = lexmin(4, [value, enough], range(1, 4))

    assert least is not None
    assert least.point == (30, 0, 0, 2)


def test_a_search_that_stops_says_that_it_proved_nothing():
    value = Row(((0, 1), (1, -6), (2, -10), (3, -15)), 0)
    enough = Row(((1, 6), (2, 10), (3, 15)), -29)

    least = lexmin(4, [value, enough], range(1, 4), max_nodes=3)

    assert least is None or not least.is_proved


@pytest.mark.parametrize("seed", [*range(60), 416, 631, 892, 949, 1102, 1160, 1474])
def test_the_least_of_two_ranks_is_that_of_all_points(seed: int) -> None:
    """Where the sum has to grow for a whole point, the greatest coordinate may be less."""
    draw = Random(seed)
    weights = [draw.randint(1, 4) for _ in range(3)]
    wanted = [
        (draw.randint(-15, 3), [draw.choice([0, 0, -3, -2, 2, 3, 5]) for _ in range(3)])
        for _ in range(3)
    ]
    rows = [Row(((0, 1), *((2 + i, -weight) for i, weight in enumerate(weights))), 0)]
    rows += [Row(((1, 1), (place, -1)), 0) for place in (2, 3, 4)]
    rows += [Row(((place, -1),), 6) for place in (2, 3, 4)]
    rows += [
        Row(tuple((2 + i, factor) for i, factor in enumerate(factors) if factor), const)
        for const, factors in wanted
    ]

    least = lexmin(5, rows, range(2, 5))

    points = [
        (sum(w * x for w, x in zip(weights, point, strict=True)), max(point), *point)
        for point in product(range(7), repeat=3)
        if all(
            const + sum(f * x for f, x in zip(factors, point, strict=True)) >= 0
            for const, factors in wanted
        )
    ]
    assert (least.point if least else None) == min(points, default=None)
