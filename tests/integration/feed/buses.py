"""Two processes' buses, and what every kind of them must do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from aggregator.bus.distant import DistantBus

Bus = TypeVar("Bus", bound=DistantBus)


@asynccontextmanager
async def both_hearing(here: Bus, there: Bus) -> AsyncIterator[tuple[Bus, Bus]]:
    """Lend two started buses that hear each other."""
    for bus in (here, there):
        await bus.start()
        await asyncio.wait_for(bus.hearing(), 30)
    yield here, there
    for bus in (here, there):
        await bus.stop()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def assert_a_wake_up_reaches_both_once(here: DistantBus, there: DistantBus) -> None:
    near, far = [], []
    here.listen(near.extend)
    there.listen(far.extend)

    await here.wake(["pool:1", "prices"])
    await until(lambda: far)
    await here.wake(["pool:2"])
    await until(lambda: "pool:2" in far)

    assert near == ["pool:1", "prices", "pool:2"]
    assert far == ["pool:1", "prices", "pool:2"]
