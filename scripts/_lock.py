"""Resolve the dependencies for every platform and write them with hashes, without addresses.

uv's own lock file names the hosts that served each package, so it is made in a folder that is
thrown away; only its exports, which hold versions and hashes, are kept.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    "run": ["--group", "build"],
    "dev": ["--group", "build", "--group", "dev"],
    "bench": ["--only-group", "bench"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = parser.parse_args().upgrade
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "pyproject.toml"
        shutil.copy(ROOT / "pyproject.toml", project)
        pins = [] if upgrade else sorted({pin for kind in KINDS for pin in pinned(kind)})
        resolve(folder, project, pins)
        for kind, groups in KINDS.items():
            uv(folder, "export", "--frozen", "--quiet", "--format", "requirements-txt",
               "--no-emit-project", "--no-header", *groups,
               "--output-file", str(folder / f"requirements-{kind}.lock"))  # fmt: skip
        for kind in KINDS:
            made = (folder / f"requirements-{kind}.lock").read_text()
            if "://" in made:
                sys.exit(f"requirements-{kind}.lock would name an address; nothing was written.")
            (ROOT / f"requirements-{kind}.lock").write_text(made)
            print(f"requirements-{kind}.lock: {len(re.findall('^[a-z]', made, re.M))} packages")
    return 0


def pinned(kind: str) -> list[str]:
    """Return what a lock file pins now, for the resolver to keep."""
    lock = ROOT / f"requirements-{kind}.lock"
    lines = lock.read_text().splitlines() if lock.exists() else []
    return [line.removesuffix("\\").strip() for line in lines if re.match("[a-z].*==", line)]


def resolve(folder: Path, project: Path, pins: list[str]) -> None:
    wanted = project.read_text()
    quoted = ", ".join(f'"{pin}"' for pin in pins)
    project.write_text(
        wanted.replace("[tool.uv]\n", f"[tool.uv]\nconstraint-dependencies = [{quoted}]\n", 1)
    )
    try:
        uv(folder, "lock", "--quiet")
    except subprocess.CalledProcessError:
        if not pins:
            raise
        print("The pins no longer fit; resolving afresh.")
        project.write_text(wanted)
        uv(folder, "lock", "--quiet")


def uv(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments, "--python", sys.executable]
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
