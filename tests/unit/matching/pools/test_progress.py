from matching.pools.progress import (
    Moved,
    Statement,
    Step,
    envelope,
    milestones,
    next_statement,
    step_of,
)

BREAKS = [(1, 500), (300, 490), (800, 480)]
NOTHING = Statement()


def moved(*lots: int) -> dict[str, Moved]:
    return {f"group {place}": Moved(figure, 0) for place, figure in enumerate(lots)}


def test_nothing_is_told_until_three_owner_groups_are_in() -> None:
    assert next_statement(moved(100, 200), BREAKS, NOTHING, is_anew=True) == NOTHING
    assert next_statement(moved(100, 200, 0), BREAKS, NOTHING, is_anew=True) == NOTHING
    assert next_statement(moved(100, 200, 100), BREAKS, NOTHING).is_shown


def test_a_statement_tells_the_step_and_no_more() -> None:
    told = {
        next_statement(moved(100, 200, 100, lots), BREAKS, NOTHING).least_lots for lots in (0, 79)
    }

    assert told == {400}
    assert step_of(400, BREAKS) == Step(800, 480, 50)


def test_who_stands_alone_cannot_have_it_told_anew() -> None:
    before = Statement(400, is_shown=True)
    groups = {"a": Moved(900, 100), "b": Moved(200, 200), "c": Moved(100, 100)}

    assert next_statement(groups, BREAKS, before) == before


def test_what_is_told_is_hidden_while_fewer_than_three_groups_stand() -> None:
    before = Statement(400, is_shown=True)
    groups = {"a": Moved(0, 100), "b": Moved(0, 200), "c": Moved(100, 100)}

    assert next_statement(groups, BREAKS, before) == Statement(400)


def test_the_last_break_is_complete() -> None:
    assert step_of(900, BREAKS) == Step(800, 480, 100)


def test_the_envelope_is_the_best_of_all_suppliers() -> None:
    assert envelope([tuple(BREAKS), ((200, 492), (700, 481))]) == [
        (1, 500),
        (200, 492),
        (300, 490),
        (700, 481),
        (800, 480),
    ]


def test_breaks_within_a_tenth_of_a_deeper_one_are_passed_over() -> None:
    assert milestones([(1, 500), (300, 490), (730, 481), (800, 480)]) == [
        (1, 500),
        (300, 490),
        (800, 480),
    ]
