"""Turns: so many of a firm, so many of all, and each given back whatever comes of it."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest

from web.turns import FilesTooMany, Turns


def test_a_firm_has_so_many_turns_and_all_firms_have_so_many() -> None:
    turns = Turns(of_firm=2, of_all=3)
    with ExitStack() as taken:
        for firm in ("one", "one", "other"):
            taken.enter_context(turns.taking(firm))

        with pytest.raises(FilesTooMany) as of_all, turns.taking("third"):
            pass
        turns.of_all = 4
        with pytest.raises(FilesTooMany) as of_firm, turns.taking("one"):
            pass
        with turns.taking("other"):
            pass

    assert (of_all.value.of_firm, of_all.value.of_all) == (2, 3)
    assert (of_firm.value.of_firm, of_firm.value.of_all) == (2, 4)
    assert not turns.taken


def test_a_turn_is_given_back_where_the_reading_fails() -> None:
    turns = Turns(of_firm=1)

    with suppress(ValueError), turns.taking("one"):
        raise ValueError

    with turns.taking("one"):
        pass
