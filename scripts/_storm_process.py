"""A web process that starts at once: forked from one that has imported the program already.

It is the real command in a process of its own; only the imports are shared. Its wall clock can
be off from the start, and jumps when it is told to: `aggregator.clock` is the one reader of it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from itertools import cycle
from multiprocessing.context import ForkServerContext
from pathlib import Path

from aggregator.cli import main
from aggregator.db.processes import recorded_server
from aggregator.market import points
from tests.e2e.processes import environment

# What the command imports when it is asked to serve: the fork has it.
from web import api
from web import serving as _serving  # noqa: F401
from web.demonstration import loading as _loading  # noqa: F401

api.load()

JUMPS_S = (3_600, -3_600, 86_400 * 400, -86_400 * 30, 90, -90)


def forking() -> ForkServerContext:
    """Return what forks processes that hold this module."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def serve(
    port: int,
    data_dir: Path,
    output: Path,
    settings: dict[str, str],
    off_s: int,
    struck: Path | None,
) -> None:
    """Serve until killed; what is said goes to a file.

    At its named point the process dies, or kills the database server of the folder `struck`.
    """
    os.setsid()
    with output.open("wb") as said:
        os.dup2(said.fileno(), sys.stdout.fileno())
        os.dup2(said.fileno(), sys.stderr.fileno())
    variables = environment(data_dir, **settings)
    os.environ.clear()
    os.environ.update(variables)
    points.arm()
    if struck is not None:
        points.strike_with(lambda: kill_the_server(struck))
    put_the_wall_clock_off(off_s)
    sys.exit(main(["serve", "--port", str(port)]))


def kill_the_server(data_dir: Path) -> None:
    """Kill a database server, if one runs there."""
    server = recorded_server(data_dir)
    if server is not None and server.alive():
        os.kill(server.pid, signal.SIGKILL)


def put_the_wall_clock_off(off_s: int) -> None:
    """Let the wall clock be off by so much, and by another amount after each SIGUSR1."""
    true_ns, off = time.time_ns, [off_s]
    time.time_ns = lambda: true_ns() + off[0] * 1_000_000_000
    time.time = lambda: time.time_ns() / 1_000_000_000
    jumps = cycle(JUMPS_S)

    def jump(*_: object) -> None:
        off[0] = next(jumps)

    signal.signal(signal.SIGUSR1, jump)
