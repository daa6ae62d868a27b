"""Files and functions small enough to hold one idea, and named for it."""

from __future__ import annotations

import ast

from tests.architecture.source import sources

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
NAMELESS = {"utils", "util", "helpers", "helper", "services", "managers", "common", "misc", "base"}


def test_no_file_hides_a_second_idea() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in sources()}

    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function below its signature and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_hides_a_second_idea() -> None:
    found = {
        f"{source.at(node)} {node.name}": length
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := lines_of_code(node)) > LONGEST_FUNCTION
    }

    assert not found


def test_every_file_is_named_for_what_it_does() -> None:
    names = {source.path: source.module.rpartition(".")[2] for source in sources()}

    assert not [path for path, name in names.items() if name in NAMELESS]


def test_every_module_with_code_says_what_it_is_for() -> None:
    silent = [
        source.path
        for source in sources()
        if source.tree.body and ast.get_docstring(source.tree) is None
    ]

    assert not silent
