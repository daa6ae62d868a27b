"""Time and chance are arguments: one file reads the clock, and nothing draws but tokens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import ROOT, Source, dotted, sources

CLOCK = "aggregator.clock"
READINGS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime"),
}
SQL_READINGS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\bcurrent_(timestamp|date|time)\b|\blocaltime(stamp)?\b",
    re.IGNORECASE,
)
# When a schema file was applied is the machine's time, not the market's.
ABOUT_THE_MACHINE = ("aggregator/db/migrating.py",)


def readings(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func) in READINGS:
            yield f"{source.at(node)} reads the clock with {dotted(node.func)}"
    for text, value in source.strings():
        if SQL_READINGS.search(value):
            yield f"{source.at(text)} reads the database's clock"


def test_only_the_clock_reads_the_clock() -> None:
    found = [
        complaint
        for source in sources()
        if source.module != CLOCK and source.path not in ABOUT_THE_MACHINE
        for complaint in readings(source)
    ]

    assert not found, "\n".join(found)


def test_no_schema_file_reads_the_clock() -> None:
    found = []
    for path in sorted((ROOT / "aggregator/db/schema").glob("*.sql")):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if SQL_READINGS.search(line.partition("--")[0]):
                found.append(f"{path.name}:{number}: {line.strip()}")

    assert not found, "\n".join(found)


def test_nothing_draws_at_random_and_only_outside_mechanisms_are_tokens_made() -> None:
    found = [
        f"{source.at(node)} imports {name}"
        for source in sources()
        for node, name in source.imports()
        if name.partition(".")[0] in {"random", "uuid"}
        or (name.partition(".")[0] == "secrets" and source.module.startswith("matching"))
    ]

    assert not found, "\n".join(found)


def test_background_work_is_started_in_one_place() -> None:
    # A task group is not named here: it waits for its tasks and hears them fail.
    starters = {"asyncio.create_task", "asyncio.ensure_future"}
    found = [
        f"{source.at(node)} starts a task"
        for source in sources()
        if source.module != "aggregator.tasks"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and (dotted(node.func) in starters or dotted(node.func).endswith("loop.create_task"))
    ]

    assert not found, "\n".join(found)
