"""HiGHS by its own names, loaded when something first asks for one of them.

It proposes, and what it says is checked exactly by who asked. Most that runs a market never asks
it, and loading it takes longer than loading every mechanism.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import highspy

    return getattr(highspy, name)
