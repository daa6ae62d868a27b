"""`aggregator serve`: pages, API and feed on one port."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from aggregator import logs
from aggregator.db.embedded import EmbeddedPostgres
from aggregator.settings import ClockKind, Settings, SettingsError, load_settings

_MOST_CONNECTIONS = 90


def add_commands(commands: Any) -> None:  # the type is private to argparse
    serve = commands.add_parser(
        "serve",
        help="serve pages, API and feed on one port",
        description="Start the database where none is named, apply the schema, serve until Ctrl-C.",
    )
    serve.add_argument("--host", help="the address to listen on (AGG_HOST)")
    serve.add_argument("--port", type=int, help="the port to listen on (AGG_PORT)")
    serve.add_argument("--workers", type=int, help="how many processes serve (AGG_WORKERS)")
    serve.add_argument(
        "--demo", action="store_true", help="load the demonstration market into an empty database"
    )
    serve.add_argument(
        "--fresh", action="store_true", help="set the embedded data aside and start empty"
    )
    serve.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    settings = load_settings(host=arguments.host, port=arguments.port, workers=arguments.workers)
    _refuse_unserved(settings)
    logs.configure(level=settings.log_level)
    if arguments.fresh:
        _set_aside(settings)
    # The edge is above this package; the command alone reaches up, and by name.
    serving = importlib.import_module("web.serving")
    is_demo = arguments.demo and not arguments.fresh
    return int(serving.serve(settings, demonstration=is_demo))


def _refuse_unserved(settings: Settings) -> None:
    """Say what a setting asks for and this command cannot do, before anything starts."""
    if settings.workers * settings.database_connections > _MOST_CONNECTIONS and (
        settings.database_url is None
    ):
        raise SettingsError(
            f"AGG_WORKERS: the database of our own takes {_MOST_CONNECTIONS} connections; ask for"
            " fewer workers or a lower AGG_DATABASE_CONNECTIONS"
        )
    if settings.clock is not ClockKind.REAL:
        raise SettingsError("AGG_CLOCK: a market is served in real time; `aggregator demo` is not")


def _set_aside(settings: Settings) -> None:
    """Move the embedded data aside, where it can be brought back from."""
    if settings.database_url is not None:
        return
    aside = EmbeddedPostgres(settings.embedded_database_dir).set_aside()
    if aside is not None:
        print(f"the market that was here is kept in {aside}")
