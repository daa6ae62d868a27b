"""Serving from the command line: the port first, then one process or several."""

from __future__ import annotations

import asyncio
import sys

from aggregator.settings import Settings
from web import alone, workers
from web.server import PortTaken, listen, loop_factory

REFUSED, INTERRUPTED = 1, 130


def serve(settings: Settings, *, demonstration: bool) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP and return the exit code."""
    try:
        listener = listen(settings.host, settings.port)
    except PortTaken as error:
        sys.stderr.write(f"aggregator: {error}\n")
        return REFUSED
    serving = alone.serve if settings.workers == 1 else workers.serve
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(serving(settings, listener, demonstration=demonstration))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    finally:
        listener.close()
