"""The three packages as parsed files, for the tests of the code's shape."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("matching", "aggregator", "web")


@dataclass(frozen=True)
class Source:
    """One file: its path from the root, its dotted module name, its tree."""

    path: str
    module: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Yield each imported module, and each imported name as if it were a module too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                yield node, node.module or ""
                for alias in node.names:
                    yield node, f"{node.module}.{alias.name}"

    def strings(self) -> Iterator[tuple[ast.Constant, str]]:
        """Yield each piece of text that is not a docstring."""
        prose = {
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(self.tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in prose:
                yield node, node.value


@cache
def sources(*packages: str) -> tuple[Source, ...]:
    """Return the files of the packages in the order of their paths."""
    found = []
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text()
            relative = path.relative_to(ROOT)
            module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            found.append(Source(str(relative), module, text, ast.parse(text)))
    return tuple(found)


@cache
def layers() -> tuple[tuple[str, ...], ...]:
    """Return the capabilities of `aggregator`, top to bottom, as pyproject.toml orders them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = (item for item in contracts if item["id"] == "capabilities")
    return tuple(tuple(re.findall(r"\w+", layer)) for layer in contract["layers"])


def rank(capability: str) -> int:
    """Return how high a capability stands; 0 is the ground."""
    for height, names in enumerate(reversed(layers())):
        if capability in names:
            return height
    raise AssertionError(f"{capability} is not in the layer list of pyproject.toml")


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a chain of attributes, and nothing for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
