"""`aggregator demo`: the sugar story, replayed through the public API on a simulated clock."""

from __future__ import annotations

import argparse
import importlib
from typing import Any


def add_commands(commands: Any) -> None:  # the type is private to argparse
    demo = commands.add_parser(
        "demo",
        help="replay the sugar story through the public API",
        description="Runs a market of its own in a temporary folder and prints the story a to g.",
    )
    demo.add_argument(
        "--speed", default="max", help="market seconds for one real second, or max (default)"
    )
    demo.add_argument("--check", action="store_true", help="exit 3 if any check of the story fails")
    demo.add_argument(
        "--port",
        type=int,
        default=0,
        help="serve the demonstration's pages, API and feed on this port of loopback",
    )
    demo.add_argument("--json", action="store_true", help="print one JSON document")
    demo.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    story = importlib.import_module("web.demonstration.replaying")
    return int(
        story.replay(
            speed=arguments.speed,
            check=arguments.check,
            as_json=arguments.json,
            port=arguments.port,
        )
    )
