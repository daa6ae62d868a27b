"""A small search tree over a relaxed model that is nearly whole already.

The best bound comes first. At every node the yes-or-no columns are rounded and the rest is
solved for them, which gives a guess; then the most undecided column is tried as no and as
yes. With a relaxation close to the hull a few nodes do what cutting planes take long for.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MAX_NODES = 60


@dataclass(frozen=True, slots=True)
class Solved:
    """Values, objective and bound as a solver has them, with its duals."""

    values: Sequence[Any]
    objective: Any
    bound: Any
    column_duals: Sequence[Any]
    row_duals: Sequence[Any]


class Relaxation(Protocol):
    """A model to maximise; `whole` tells its yes-or-no columns."""

    whole: list[bool]

    def solved(self, fixed: Mapping[int, int]) -> Solved | None:
        """Solve with these columns fixed, or return nothing where that is impossible."""


def branched(relaxation: Relaxation, root: Solved, gap_ppm: int) -> tuple[Solved | None, Any]:
    """Return the best guess found, if any, and a bound on all."""
    guess: Solved | None = None
    waiting: list[tuple[Any, int, dict[int, int], Solved | None]] = [(-root.bound, 0, {}, root)]
    opened = 0
    for _ in range(MAX_NODES):
        if not waiting or is_close(-waiting[0][0], guess, gap_ppm):
            break
        _, _, fixed, known = heapq.heappop(waiting)
        node = known or relaxation.solved(fixed)
        if node is None or (guess is not None and node.objective <= guess.objective):
            continue
        column = _undecided(relaxation.whole, node)
        found: Solved | None = node
        if column is not None:
            found = relaxation.solved(rounded(relaxation.whole, node.values))
        if found and (guess is None or found.objective > guess.objective):
            guess = found
        if column is not None:
            nearer = 1 if 2 * node.values[column] > 1 else 0
            for value in (nearer, 1 - nearer):
                opened += 1
                heapq.heappush(waiting, (-node.objective, opened, fixed | {column: value}, None))
    left = max((-bound for bound, *_ in waiting), default=guess.objective if guess else root.bound)
    return guess, max(left, guess.objective) if guess else left


def rounded(whole: Sequence[bool], values: Sequence[Any]) -> dict[int, int]:
    """Return each yes-or-no column at the nearer of its two values, no where halfway."""
    return {
        column: 1 if 2 * values[column] > 1 else 0
        for column, is_whole in enumerate(whole)
        if is_whole
    }


def is_close(bound: Any, guess: Solved | None, gap_ppm: int) -> bool:
    """Tell whether a guess is within the gap, or within half a unit, of a bound."""
    if guess is None:
        return False
    short = bound - guess.objective
    return bool(2 * short <= 1 or 1_000_000 * short <= gap_ppm * abs(bound))


def _undecided(whole: Sequence[bool], node: Solved) -> int | None:
    """Return the column farthest from yes and no, the first among equals."""
    best, farthest = None, 0
    for column, is_whole in enumerate(whole):
        if is_whole:
            value = node.values[column]
            away = round(1_000_000 * min(value, 1 - value))
            if away > farthest:
                best, farthest = column, away
    return best
