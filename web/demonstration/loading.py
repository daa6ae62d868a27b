"""Loading the demonstration market into an empty database, before the doors open."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from aggregator.app import MarketInUse, beside, market_on
from aggregator.clock import SimulatedClock, SystemClock
from aggregator.parties.queries import organisations
from web.demonstration.leaving import leave_open
from web.demonstration.report import Report
from web.demonstration.stage import staged
from web.demonstration.story import play
from web.demonstration.trading import trade_on
from web.demonstration.world import (
    AUDITOR_LOGIN,
    COLLEAGUE_LOGIN,
    FACTORIES,
    FIRMS,
    FURTHER_BUYERS,
    OPERATOR_LOGIN,
    PASSWORD,
)

_BEGINS_BEFORE = timedelta(days=10)


def loader() -> Callable[[str], Awaitable[None]]:
    """Return what fills an empty database with the story, told as it goes.

    The story is told in a database beside, which takes the empty one's place when it is
    whole: a start that is killed on the way leaves nothing half told.
    """

    async def load(dsn: str) -> None:
        if await _firms(dsn):
            return
        try:
            async with beside(dsn) as whole:
                # Another start may have told the story while this one waited for its turn.
                if await _firms(dsn):
                    raise MarketInUse
                with _logging_little():
                    await _load(whole)
        except MarketInUse:
            sys.stdout.write("Another process has opened this market; nothing was loaded here.\n")

    return load


async def log_ins() -> str:
    """Return the log-ins of the demonstration, nothing where it is not loaded."""
    names = {view.name for view in await organisations()}
    if FIRMS[0].name not in names:
        return ""
    some = ", ".join(firm.key for firm in (*FACTORIES[:2], FURTHER_BUYERS[0]))
    return (
        f"Log in as a factory ({some}), a mill (chongzuo, laibin, baise), a trader (nanning),\n"
        f"their finance (guinan.pay, laibin.pay, …), the {OPERATOR_LOGIN} and {COLLEAGUE_LOGIN}"
        f" (to stop an auction\ntakes both) or the {AUDITOR_LOGIN};"
        f" the password is {PASSWORD}\n"
    )


async def _firms(dsn: str) -> int:
    async with market_on(dsn):
        return len(await organisations())


@contextmanager
def _logging_little() -> Iterator[None]:
    """Keep the story's hundreds of requests out of the log of a market that is not open yet."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        root.setLevel(level)


async def _load(dsn: str) -> None:
    real = SystemClock()
    began = real.now()
    clock = SimulatedClock(_morning(began - _BEGINS_BEFORE))
    report = _Progress(is_quiet=True)
    sys.stdout.write("Loading the demonstration market, once ")
    async with (
        market_on(dsn, clock=clock) as market,
        staged(market, clock, report, run="load") as stage,
    ):
        await trade_on(stage, await play(stage))
        await stage.pass_time(real.now())
        await leave_open(stage)
    elapsed = (real.now() - began) // timedelta(seconds=1)
    sys.stdout.write(f" {elapsed} s\n")
    if report.failed:
        sys.stdout.write("Something of the story did not hold; `aggregator demo` tells what.\n")


class _Progress(Report):
    """A dot for each line of the story."""

    def tell(self, text: str) -> None:
        super().tell(text)
        sys.stdout.write(".")
        sys.stdout.flush()


def _morning(instant: datetime) -> datetime:
    return instant.replace(hour=1, minute=0, second=0, microsecond=0)
