"""Several processes behind one address: a parent that keeps them, and what each of them runs.

The parent owns the socket and, where none is named, the database; it serves nothing itself. A
worker is a whole market over that database: any of them serves any auction and rings any timer.
One that dies is replaced. When the parent is gone, for whatever reason, its workers end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from aggregator import logs, vault
from aggregator.app import Database, database, keep_standing, market_on, running_market
from aggregator.settings import Settings, load_settings
from aggregator.tasks import Tasks
from web import server
from web.alone import DONE, server_of
from web.context import monotonic_ms

FAILED = 1

_READY = b"."
_START_S = 60
_STOP_S = 15
_LOOK_S = 0.2
_MOST_DEATHS = 5
_FORGOTTEN_AFTER_MS = 60_000


class WorkersFailed(Exception):
    """The processes that were to serve did not start, or die again and again."""


async def serve(settings: Settings, listener: socket.socket, *, demonstration: bool) -> int:
    """Serve from `settings.workers` processes until a signal; return the exit code."""
    # Few starts need it.
    from web.demonstration import loading

    server.give_up_on_signals()
    is_over = asyncio.Event()
    tasks = Tasks()
    async with database(settings) as found:
        # Made once here, so that workers that start together find the same keys.
        vault.install(settings.data_dir)
        if demonstration:
            await loading.loader()(found.dsn)
        log_ins = ""
        if demonstration:
            async with market_on(found.dsn):
                log_ins = await loading.log_ins()
        with Crew(settings, found, listener, has_guide=bool(log_ins)) as crew:
            try:
                await crew.start()
                server.on_signals(is_over.set)
                sys.stdout.write(f"The market is open at {server.address(settings, listener)}\n")
                sys.stdout.write(log_ins)
                sys.stdout.flush()
                if found.embedded is not None:
                    tasks.start(keep_standing(found.embedded), name="database")
                await crew.keep(is_over)
            except WorkersFailed as error:
                sys.stderr.write(f"aggregator: {error}\n")
                return FAILED
            finally:
                await tasks.stop()
                await crew.stop()
    return DONE


@dataclass(eq=False)
class Worker:
    """A process that serves, and the pipe on which it says that it does."""

    process: subprocess.Popen[bytes]
    says: int


@dataclass
class Crew:
    """The workers of one parent. Whoever leaves the block has none left."""

    settings: Settings
    database: Database
    listener: socket.socket
    has_guide: bool = False
    workers: list[Worker] = field(default_factory=list)
    _deaths: list[int] = field(default_factory=list)
    _exits: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Crew:
        # Its other end is read by every worker; it closes with us, however we end.
        self._lifeline, ours = os.pipe()
        self._exits.callback(os.close, self._lifeline)
        self._exits.callback(os.close, ours)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()
            os.close(worker.says)
        self.workers.clear()
        self._exits.close()

    async def start(self) -> None:
        """Start every worker and return when all of them serve.

        Raises:
            WorkersFailed: one did not come to serve.

        """
        self.workers += [self._started() for _ in range(self.settings.workers)]
        try:
            async with asyncio.timeout(_START_S):
                await asyncio.gather(*(_says_ready(worker) for worker in self.workers))
        except TimeoutError:
            raise WorkersFailed(f"a worker did not start within {_START_S} s") from None

    async def keep(self, is_over: asyncio.Event) -> None:
        """Replace workers that die, until `is_over`.

        Raises:
            WorkersFailed: too many died within a minute.

        """
        while not is_over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await is_over.wait()
            for place, worker in enumerate(self.workers):
                code = worker.process.poll()
                if code is None or is_over.is_set():
                    continue
                logs.logger().error("worker_died", exit_code=code)
                now_ms = monotonic_ms()
                recent = [at_ms for at_ms in self._deaths if now_ms - at_ms < _FORGOTTEN_AFTER_MS]
                self._deaths = [*recent, now_ms]
                if len(self._deaths) > _MOST_DEATHS * self.settings.workers:
                    raise WorkersFailed("its workers die again and again; see their last words")
                os.close(worker.says)
                self.workers[place] = self._started()

    async def stop(self) -> None:
        """Ask every worker to end, and wait; who does not is killed at the end of the block."""
        for worker in self.workers:
            worker.process.terminate()
        ends = (asyncio.to_thread(worker.process.wait, _STOP_S) for worker in self.workers)
        await asyncio.gather(*ends, return_exceptions=True)

    def _started(self) -> Worker:
        says, told = os.pipe()
        handed = (self.listener.fileno(), self._lifeline, told)
        numbers = (*handed, int(self.has_guide))
        process = subprocess.Popen(  # noqa: S603 - our own program, and numbers
            [sys.executable, "-m", "web.workers", *(str(number) for number in numbers)],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            pass_fds=handed,
            # The terminal's Ctrl-C is for the parent, who tells them.
            start_new_session=True,
        )
        os.close(told)
        os.set_blocking(says, False)
        return Worker(process, says)

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        given = {
            "AGG_DATABASE_URL": self.database.dsn,
            "AGG_DATA_DIR": str(settings.data_dir),
            "AGG_WORKERS": str(settings.workers),
            "AGG_HOST": settings.host,
            "AGG_PORT": str(settings.port),
        }
        return {**os.environ, **given}


def _say_ready(told: int) -> None:
    os.write(told, _READY)
    os.close(told)


async def _says_ready(worker: Worker) -> None:
    while True:
        with suppress(BlockingIOError):
            if os.read(worker.says, 1) == _READY:
                return
            raise WorkersFailed("a worker ended before it served")
        await asyncio.sleep(0.01)


async def work(
    listener: socket.socket, *, lifeline: int, told: int, demonstration: bool = False
) -> int:
    """Serve in this process until a signal, or until the parent is gone."""
    server.give_up_on_signals()
    settings = load_settings()
    logs.configure(level=settings.log_level)
    async with running_market(settings) as market:
        serving = server_of(market, settings, demonstration=demonstration)
        server.on_signals(serving.stop_soon)
        # Nothing is ever written to the lifeline, so it is readable only at its end.
        asyncio.get_running_loop().add_reader(lifeline, serving.stop_soon)
        serving.when_open = partial(_say_ready, told)
        await serving.serve(sockets=[listener])
        asyncio.get_running_loop().remove_reader(lifeline)
    return DONE


def main(handed: Sequence[str]) -> int:
    number, lifeline, told, has_guide = (int(text) for text in handed)
    listener = socket.socket(fileno=number)
    try:
        with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
            return runner.run(
                work(listener, lifeline=lifeline, told=told, demonstration=bool(has_guide))
            )
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 128 + signal.SIGINT


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
