"""Two processes' buses over the database itself; losing it costs wake-ups and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from aggregator.bus.postgres import CHANNEL, PostgresBus
from tests.integration.feed.buses import assert_a_wake_up_reaches_both_once, both_hearing, until


@pytest.fixture
async def pair(dsn: str) -> AsyncIterator[tuple[PostgresBus, PostgresBus]]:
    async with both_hearing(PostgresBus(dsn), PostgresBus(dsn)) as buses:
        yield buses


async def test_a_wake_up_reaches_both_processes_once(
    pair: tuple[PostgresBus, PostgresBus],
) -> None:
    await assert_a_wake_up_reaches_both_once(*pair)


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
