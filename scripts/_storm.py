"""Run the storms of scripts/storm.d: real processes, real kills, and then the books are checked.

A storm is a module with `async def storm(seconds, seed)`, or with `requests` too, that returns
`(figures, violations)`: what was done, by name, and a sentence for each guarantee that did not
hold. Exit code 3 when one did not.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import sys
import time
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    known = sorted(path.stem for path in ROOT.glob("scripts/storm.d/*.py"))
    parser = argparse.ArgumentParser(
        prog="scripts/storm", description=f"Storms: {', '.join(known)}. Without a name, all."
    )
    parser.add_argument("name", nargs="?", choices=known, metavar="NAME", help="which to run")
    parser.add_argument("--seconds", type=int, default=60, help="how long each storm lasts")
    parser.add_argument("--seed", type=int, default=1, help="what the storm's choices start from")
    parser.add_argument("--requests", type=int, default=0, help="of Schemathesis, as each role")
    asked = parser.parse_args()
    if asked.seconds < 1:
        parser.error("--seconds must be at least 1")
    sys.path.insert(0, str(ROOT))
    from scripts._lent import loaded

    broken = False
    for name in [asked.name] if asked.name else known:
        module = loaded("storm", name)
        title = (module.__doc__ or "").strip().splitlines()[0]
        print(f"\n{name}: {title} ({asked.seconds} s, seed {asked.seed})", flush=True)
        began = time.monotonic()
        more = {"requests": asked.requests} if takes_requests(module) else {}
        figures, violations = asyncio.run(module.storm(asked.seconds, asked.seed, **more))
        for figure, value in figures.items():
            print(f"  {figure}: {value:,}")
        print(f"  seconds: {time.monotonic() - began:.0f}")
        for violation in violations:
            print(f"  VIOLATED: {violation}")
        broken = broken or bool(violations)
    print("\nA guarantee was broken." if broken else "\nEvery guarantee held.")
    return 3 if broken else 0


def takes_requests(module: ModuleType) -> bool:
    return "requests" in inspect.signature(module.storm).parameters


if __name__ == "__main__":
    sys.exit(main())
