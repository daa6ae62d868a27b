from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aggregator.clock import Clock, SimulatedClock, SystemClock

START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(params=["real", "simulated"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return SystemClock() if request.param == "real" else SimulatedClock(START)


def test_every_clock_tells_utc_in_whole_milliseconds(clock: Clock) -> None:
    now = clock.now()

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_no_clock_goes_back(clock: Clock) -> None:
    readings = [clock.now() for _ in range(1000)]

    assert readings == sorted(readings)


async def test_a_sleep_to_the_past_returns_at_once_on_every_clock(clock: Clock) -> None:
    await asyncio.wait_for(clock.sleep_until(clock.now() - timedelta(hours=1)), 30)


async def test_a_sleeper_wakes_at_its_instant_and_not_before() -> None:
    clock = SystemClock()
    instant = clock.now() + timedelta(milliseconds=30)

    await clock.sleep_until(instant)

    assert clock.now() >= instant


def test_the_system_clock_agrees_with_the_wall() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=1)


async def test_an_anchored_clock_counts_on_from_what_it_was_told() -> None:
    async def ask() -> datetime:
        return START

    clock = await SystemClock.anchored(ask)

    # The wall is years away from there; an hour is more than any machine takes for this.
    assert START <= clock.now() < START + timedelta(hours=1)


async def test_a_slow_answer_is_asked_for_again_and_the_quickest_counts() -> None:
    asked = []

    async def ask() -> datetime:
        asked.append(START)
        await asyncio.sleep(0.2 if len(asked) == 1 else 0)
        return START if len(asked) > 1 else START - timedelta(days=1)

    clock = await SystemClock.anchored(ask)

    assert len(asked) > 1
    assert clock.now() >= START


def test_a_simulated_clock_stands_still_until_it_is_set() -> None:
    clock = SimulatedClock(START)

    clock.advance(timedelta(seconds=90))

    assert clock.now() == START + timedelta(seconds=90)


def test_a_simulated_clock_refuses_to_go_back() -> None:
    clock = SimulatedClock(START)

    with pytest.raises(ValueError, match="does not go back"):
        clock.set(START - timedelta(milliseconds=1))


def test_a_simulated_clock_keeps_utc_and_cuts_to_milliseconds() -> None:
    shanghai = timezone(timedelta(hours=8))
    clock = SimulatedClock(datetime(2027, 3, 1, 17, 0, 0, 1999, tzinfo=shanghai))

    assert clock.now() == START + timedelta(milliseconds=1)
    assert clock.now().tzinfo is UTC


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        SimulatedClock(START.replace(tzinfo=None))


async def test_sleepers_of_a_simulated_clock_wake_in_the_order_of_their_instants() -> None:
    clock = SimulatedClock(START)
    woken: list[int] = []

    async def sleeper(minutes: int) -> None:
        await clock.sleep_until(START + timedelta(minutes=minutes))
        woken.append(minutes)

    tasks = [asyncio.ensure_future(sleeper(minutes)) for minutes in (3, 1, 2, 9)]
    await asyncio.sleep(0)
    clock.advance(timedelta(minutes=3))
    await asyncio.gather(*tasks[:3])

    assert woken == [1, 2, 3]
    assert not tasks[3].done()
    tasks[3].cancel()
    await asyncio.gather(tasks[3], return_exceptions=True)
