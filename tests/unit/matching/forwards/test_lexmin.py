from itertools import product

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
