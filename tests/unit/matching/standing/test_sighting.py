"""In which order the tiers see what opened with early sight."""

from datetime import timedelta

from matching.standing.sighting import sights

HOUR = timedelta(hours=1)


def test_who_may_look_earliest_sees_it_at_once_and_all_in_the_end() -> None:
    assert sights((0, 0, 12, 24)) == [(0 * HOUR, 3), (12 * HOUR, 2), (24 * HOUR, 0)]


def test_tiers_that_may_look_equally_early_see_it_together() -> None:
    assert sights((5, 5)) == [(0 * HOUR, 0)]
    assert sights((0, 8, 8)) == [(0 * HOUR, 1), (8 * HOUR, 0)]
    assert sights(()) == []
