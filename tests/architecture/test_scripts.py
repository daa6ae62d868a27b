"""What scripts import exists: most of them run too long to be run by a test."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
BESIDE = {path.stem: path for path in SCRIPTS}
OURS = {"aggregator", "matching", "tests", "web"}


def named_in(path: Path) -> set[str]:
    """Return every name that a file of scripts gives to something."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((one.asname or one.name).partition(".")[0] for one in node.names)
    return found


def imported_by(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                yield node.module, one.name


def exists(module: str, name: str) -> bool:
    if module in BESIDE:
        return name in named_in(BESIDE[module])
    if module.partition(".")[0] not in OURS:
        return True
    found = importlib.import_module(module)
    return hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_script_imports_exists(path: Path) -> None:
    assert not [said for said in imported_by(path) if not exists(*said)]
