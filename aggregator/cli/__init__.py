"""The command line. Exit codes: 0 done, 1 a refused input, 2 a misuse, 3 a violated invariant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from aggregator.app import DatabaseAway
from aggregator.cli import (
    auditing,
    demonstrating,
    importing,
    laboratory,
    maintaining,
    people,
    saving,
    serving,
)
from aggregator.db.embedded import EmbeddedError
from aggregator.db.migrating import SchemaError
from aggregator.settings import SettingsError
from aggregator.vault import KeysAway

DONE, REFUSED, MISUSED, VIOLATED = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        parsed = _parser().parse_args(arguments)
        return int(parsed.run(parsed))
    except (SettingsError, EmbeddedError, SchemaError, DatabaseAway, KeysAway) as error:
        print(f"aggregator: {error}", file=sys.stderr)
        return REFUSED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aggregator",
        description="A market that gathers: group buys, auctions, forward orders, live prices.",
        epilog="Exit codes: 0 done, 1 a refused input, 2 a misuse, 3 a violated invariant.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (
        serving,
        demonstrating,
        people,
        importing,
        laboratory,
        auditing,
        maintaining,
        saving,
    ):
        module.add_commands(commands)
    return parser
