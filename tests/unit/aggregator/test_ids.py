from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.clock import SimulatedClock
from aggregator.ids import Ids, RandomIds, SeededIds, new_id

START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture(params=["random", "seeded"])
def ids(request: pytest.FixtureRequest, clock: SimulatedClock) -> Ids:
    return RandomIds(clock) if request.param == "random" else SeededIds(7, clock)


def test_a_name_says_what_it_is_and_fits_in_a_path(ids: Ids) -> None:
    assert re.fullmatch(r"auc_[0-9A-HJKMNP-TV-Z]{26}", ids.new("auc"))


def test_names_sort_by_when_they_were_made(ids: Ids, clock: SimulatedClock) -> None:
    names = []
    for _ in range(50):
        names.append(ids.new("deal"))
        clock.advance(timedelta(milliseconds=1))

    assert names == sorted(names)


def test_no_name_comes_twice_in_one_instant(ids: Ids) -> None:
    assert len({ids.new("bid") for _ in range(10_000)}) == 10_000


def test_threads_are_given_names_of_their_own() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [new_id("bid") for _ in range(1_000)], range(16)))

    assert len({name for names in made for name in names}) == 16_000


def test_a_process_that_was_forked_gives_other_names() -> None:
    new_id("bid")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "\n".join(new_id("bid")[-16:] for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        theirs = set(told.read().split("\n"))
    ours = {new_id("bid")[-16:] for _ in range(1_000)}

    assert len(theirs) == 50
    assert not theirs & ours


def test_the_same_seed_gives_the_same_names() -> None:
    first, second = (SeededIds(7, SimulatedClock(START)) for _ in range(2))
    other = SeededIds(8, SimulatedClock(START))

    assert [first.new("a") for _ in range(5)] == [second.new("a") for _ in range(5)]
    assert first.new("a") != other.new("a")


def test_a_name_starts_with_its_milliseconds() -> None:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    name = SeededIds(7, SimulatedClock(START)).new("x")

    number = 0
    for digit in name[2:12]:
        number = number * 32 + alphabet.index(digit)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number) == START


def test_a_name_can_be_had_without_a_market() -> None:
    assert new_id("cmd") != new_id("cmd")
