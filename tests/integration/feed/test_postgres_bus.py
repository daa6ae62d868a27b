"""Two processes' buses over the database itself; losing it costs wake-ups and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from aggregator.bus.postgres import CHANNEL, PostgresBus


@pytest.fixture
async def pair(dsn: str) -> AsyncIterator[tuple[PostgresBus, PostgresBus]]:
    here, there = PostgresBus(dsn), PostgresBus(dsn)
    for bus in (here, there):
        await bus.start()
        await asyncio.wait_for(bus.hearing(), 5)
    yield here, there
    for bus in (here, there):
        await bus.stop()


async def until(condition, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_wake_up_reaches_both_processes_once(
    pair: tuple[PostgresBus, PostgresBus],
) -> None:
    here, there = pair
    near, far = [], []
    here.listen(near.extend)
    there.listen(far.extend)

    await here.wake(["pool:1", "prices"])
    await until(lambda: far)
    await here.wake(["pool:2"])
    await until(lambda: "pool:2" in far)

    assert near == ["pool:1", "prices", "pool:2"]
    assert far == ["pool:1", "prices", "pool:2"]


async def test_many_long_names_go_in_several_payloads(
    pair: tuple[PostgresBus, PostgresBus],
) -> None:
    here, there = pair
    far = []
    there.listen(far.extend)
    names = [f"auction:{number:03d}{'x' * 189}" for number in range(200)]

    await here.wake(names)
    await until(lambda: len(far) == len(names))

    assert sorted(far) == names


async def test_a_cut_connection_breaks_no_wake_up_here_and_comes_back(
    dsn: str, pair: tuple[PostgresBus, PostgresBus]
) -> None:
    here, there = pair
    near, far = [], []
    here.listen(near.extend)
    there.listen(far.extend)

    admin = await asyncpg.connect(dsn)
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await here.wake(["pool:1"])
    async with asyncio.timeout(30):
        while "pool:2" not in far:
            await here.wake(["pool:2"])
            await asyncio.sleep(0.05)
    await admin.execute("select pg_notify($1, 'no message of ours')", CHANNEL)
    await here.wake(["pool:3"])
    await until(lambda: "pool:3" in far)
    await admin.close()

    assert near[0] == "pool:1"
