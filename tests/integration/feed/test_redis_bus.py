"""Two processes' buses over a real Valkey; losing it costs wake-ups and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from aggregator.bus.redis import CHANNEL, RedisBus
from tests.integration.feed.buses import assert_a_wake_up_reaches_both_once, both_hearing, until
from tests.integration.feed.valkey import Valkey, a_free_port


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    server = Valkey(a_free_port())
    await server.start()
    yield server
    server.stop()


@pytest.fixture
async def pair(valkey: Valkey) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    async with both_hearing(RedisBus(valkey.url), RedisBus(valkey.url)) as buses:
        yield buses


async def test_a_wake_up_reaches_both_processes_once(pair: tuple[RedisBus, RedisBus]) -> None:
    await assert_a_wake_up_reaches_both_once(*pair)


async def test_a_lost_server_breaks_no_wake_up_here_and_comes_back(
    valkey: Valkey, pair: tuple[RedisBus, RedisBus]
) -> None:
    here, there = pair
    near, far = [], []
    here.listen(near.extend)
    there.listen(far.extend)

    valkey.stop()
    await here.wake(["pool:1"])
    assert near == ["pool:1"]
    await until(lambda: not there._is_hearing.is_set())
    await valkey.start()
    await asyncio.wait_for(there.hearing(), 30)
    while "pool:2" not in far:
        await here.wake(["pool:2"])
        await asyncio.sleep(0.05)

    assert "pool:1" not in far


async def test_a_bus_starts_while_its_server_is_away() -> None:
    server = Valkey(a_free_port())
    bus = RedisBus(server.url)
    await bus.start()
    await bus.wake(["pool:1"])

    await server.start()
    await asyncio.wait_for(bus.hearing(), 30)

    await bus.stop()
    server.stop()


async def test_a_message_of_somebody_else_is_passed_over(
    valkey: Valkey, pair: tuple[RedisBus, RedisBus]
) -> None:
    here, there = pair
    far = []
    there.listen(far.extend)

    for text in ("no json", "[]", '{"from": "x"}', "7"):
        await here._clients[0].publish(CHANNEL, text)
    await here.wake(["pool:1"])
    await until(lambda: far)

    assert far == ["pool:1"]


async def test_a_listener_that_ended_hears_nothing(pair: tuple[RedisBus, RedisBus]) -> None:
    here, _ = pair
    near: list[str] = []
    end = here.listen(near.extend)

    end()
    await here.wake(["pool:1"])

    assert near == []
