"""`aggregator demo`: a market of its own in a temporary folder, on a simulated clock."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from aggregator import logs
from aggregator.app import database, market_on
from aggregator.clock import SimulatedClock
from aggregator.ids import SeededIds
from aggregator.settings import load_settings
from web.demonstration.report import Report
from web.demonstration.stage import staged
from web.demonstration.story import play

BEGINS_AT = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)
DONE, MISUSED, VIOLATED = 0, 2, 3


def replay(*, speed: str, check: bool, as_json: bool, port: int = 0) -> int:
    """Replay the story; with `check`, return 3 if a check of it fails."""
    if speed != "max" and not (speed.isascii() and speed.isdigit() and int(speed) > 0):
        sys.stderr.write("aggregator demo: --speed is max or a whole number of seconds\n")
        return MISUSED
    logs.configure(level="warning")
    report = Report(is_quiet=as_json)
    asyncio.run(_replay(report, None if speed == "max" else int(speed), port))
    failed = report.failed
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    else:
        held = len(report.checks) - len(failed)
        sys.stdout.write(f"\n{held} of {len(report.checks)} checks hold\n")
    return VIOLATED if check and failed else DONE


async def _replay(report: Report, speed: int | None, port: int) -> None:
    with tempfile.TemporaryDirectory(prefix="market-demo-") as folder:
        settings = load_settings(data_dir=Path(folder), database_url=None)
        clock = SimulatedClock(BEGINS_AT)
        async with (
            database(settings) as found,
            market_on(found.dsn, clock=clock, ids=SeededIds(1, clock)) as market,
            staged(market, clock, report, run="demo", speed=speed, port=port) as stage,
        ):
            await play(stage)
