"""The words of one page: those that its scripts can say, and no others.

A script says a word by its whole key, or by the beginning of one that it completes with a value
from the market: every key with that beginning is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePosixPath

STATIC = Path(__file__).parents[1] / "static"
LOCALE = Path(__file__).parents[1] / "locale"
_IMPORT = re.compile(r'(?:from|import\()\s*["`](\.[^"`$]+)["`]')
_SAID = re.compile(r'["`]([a-z]+(?:\.[A-Za-z0-9_]+)+)["`]')
_BEGUN = re.compile(r"`([a-z]+\.[a-z_.]*)\$\{")
_WORDED = re.compile(r'worded\("([a-z_.]+)"')


def words_of(page: str, language: str) -> bytes:
    """Return the words of a page as JSON."""
    said: set[str] = set()
    begun: set[str] = set()
    for script in scripts_of(page):
        text = (STATIC / script).read_text()
        said.update(_SAID.findall(text))
        begun.update(_BEGUN.findall(text))
        begun.update(f"{prefix}." for prefix in _WORDED.findall(text))
    beginnings = tuple(sorted(begun))
    found = json.loads((LOCALE / f"{language}.json").read_bytes())
    kept = {key: text for key, text in found.items() if key in said or key.startswith(beginnings)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def scripts_of(page: str) -> Iterable[str]:
    """Return every script that a page may run, those it asks for later included."""
    found: dict[str, None] = {}
    waiting = ["js/start.js", f"js/pages/{page}.js"]
    while waiting:
        script = waiting.pop()
        if script not in found:
            found[script] = None
            waiting += _imported(script)
    return sorted(found)


@cache
def _imported(script: str) -> tuple[str, ...]:
    folder = (STATIC / script).parent
    named = _IMPORT.findall((STATIC / script).read_text())
    paths = ((folder / name).resolve().relative_to(STATIC.resolve()) for name in named)
    return tuple(PurePosixPath(path).as_posix() for path in paths)
