"""Money, prices and quantities are integers: no float and no `/` where they are computed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import Source, dotted, sources

# Time that passes and how busy a process is: measured, never money.
DURATIONS = (
    "aggregator.bus",
    "aggregator.cli",
    "aggregator.clock",
    "aggregator.db",
    "aggregator.market",
    "aggregator.tasks",
    "aggregator.workers",
)
# What a solver is told and says; the exact checker never sees it.
SOLVER = (
    "matching.forwards.branching",
    "matching.forwards.proposing",
    "matching.auctions.package_model",
    "matching.auctions.package_relaxed",
)

INEXACT_CALLS = {
    "float",
    "round",
    "complex",
    "math.sqrt",
    "math.exp",
    "math.log",
    "math.pow",
    "math.fsum",
}


def may_measure(source: Source) -> bool:
    return source.module.startswith((*DURATIONS, *SOLVER))


def inexact(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{source.at(node)} has the float {node.value}"
        elif isinstance(node, ast.Name) and node.id in {"float", "Decimal"}:
            yield f"{source.at(node)} names {node.id}"
        elif isinstance(node, ast.Call) and dotted(node.func) in INEXACT_CALLS:
            yield f"{source.at(node)} calls {dotted(node.func)}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and divides(node):
            yield f"{source.at(node)} divides with /"


def divides(node: ast.BinOp | ast.AugAssign) -> bool:
    return isinstance(node.op, ast.Div) and not joins_a_path(node)


def joins_a_path(node: ast.BinOp | ast.AugAssign) -> bool:
    """Whether the right side is text: pathlib's join, the only other meaning of `/`."""
    if isinstance(node, ast.AugAssign):
        return False
    text = isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)
    return text or isinstance(node.right, ast.JoinedStr)


def test_matching_and_aggregator_compute_exactly() -> None:
    found = [
        complaint
        for source in sources("matching", "aggregator")
        if not may_measure(source)
        for complaint in inexact(source)
    ]

    assert not found, "\n".join(found)


def test_web_makes_no_float_of_an_amount() -> None:
    found = [
        complaint
        for source in sources("web")
        if not source.module.startswith("web.feed")
        for complaint in inexact(source)
        if "names" in complaint or "calls" in complaint
    ]

    assert not found, "\n".join(found)
