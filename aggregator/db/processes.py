"""The server's processes, as its own record file and the machine's process table know them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """One server. `child` is set when this process started it and must bury it."""

    pid: int
    data_dir: Path | None = None
    socket_dir: Path | None = None
    ready: bool = False
    child: subprocess.Popen[bytes] | None = None

    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        if not _exists(self.pid):
            return False
        state = _state(self.pid)
        if state is None:
            return True
        # The number may have passed to a stranger since the record was written.
        return state not in "ZX" and (self.data_dir is None or _works_in(self.pid, self.data_dir))

    def send(self, number: signal.Signals) -> None:
        if self.child is not None:
            self.child.send_signal(number)
        elif self.alive():
            os.kill(self.pid, number)

    def gone_within(self, seconds: int) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


_PROCESSES = Path("/proc")
"""The process table as files; absent on some systems, where signals alone must tell."""


def recorded_server(data_dir: Path) -> ServerProcess | None:
    """Return the server that the data folder's record names, alive or not."""
    try:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    return ServerProcess(
        pid,
        data_dir=data_dir,
        socket_dir=Path(lines[4]) if len(lines) > 4 and lines[4] else None,
        ready=len(lines) > 7 and lines[7].strip() == "ready",
    )


def quit_orphans(data_dir: Path) -> None:
    """Tell the children of a server that is known to be dead to quit at once.

    They would go by themselves, but only after the statement that each is busy with.
    """
    if not _PROCESSES.is_dir():
        return
    for pid in sorted(int(entry.name) for entry in _PROCESSES.iterdir() if entry.name.isdigit()):
        if _state(pid) not in (None, "Z", "X") and _works_in(pid, data_dir):
            os.kill(pid, signal.SIGQUIT)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _state(pid: int) -> str | None:
    """Return the kernel's letter for a process, None where there is no process table to read."""
    if not _PROCESSES.is_dir():
        return None
    try:
        line = (_PROCESSES / str(pid) / "stat").read_text()
    except OSError:
        return "X"
    # The name in brackets may itself hold brackets and spaces.
    return line.rpartition(")")[2].split()[0]


def _works_in(pid: int, data_dir: Path) -> bool:
    """Whether the process is a `postgres` whose working folder is the data folder."""
    try:
        folder = (_PROCESSES / str(pid) / "cwd").readlink()
        name = (_PROCESSES / str(pid) / "comm").read_text()
    except OSError:
        return False
    return name.startswith("postgres") and folder == data_dir.resolve()
