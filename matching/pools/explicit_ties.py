"""Breaking ties among optimal paths that are written out edge by edge.

Used where an offer's place or a price belongs to each window: several offers at one price,
packs, and the objective `surplus`. Each step ends at a boundary of the order and starts at an
earlier one; it is a pool with members, or (rank -1) passes a stretch by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """An edge into a boundary: where it starts, the offer's rank, members' places, the level."""

    start: int
    rank: int
    members: Sequence[int]
    level: int = 0


class _Edge(NamedTuple):
    start: int
    end: int
    step: Step


def first_of_paths(steps: Mapping[int, Sequence[Step]], end: int, ids: Sequence[str]) -> list[Step]:
    """Return the pools of the first path from 0 to `end`, in the order of size.

    Every path of `steps` has the same number of pools. First are the earlier offers, pool by
    pool; then the lexicographically smallest list of pools.
    """
    ranks = _earliest_offers(steps, end)
    edges = _edges(steps, ranks, end)
    chosen: list[_Edge] = []
    segments = [(0, end)]
    while segments:
        start, stop = segments.pop()
        inside = _between(edges, start, stop)
        windows = [edge for edge in inside if edge.step.rank >= 0]
        if windows:
            best = _first_window(windows, ids)
            chosen.append(best)
            segments += [(start, best.start), (best.end, stop)]
    chosen.sort(key=_order)
    return [edge.step for edge in chosen]


def _earliest_offers(steps: Mapping[int, Sequence[Step]], end: int) -> dict[int, tuple[int, ...]]:
    """Return, for each boundary, the smallest list of offers of a path from it to the end."""
    ranks: dict[int, tuple[int, ...]] = {end: ()}
    for boundary in sorted(steps, reverse=True):
        if boundary not in ranks:
            continue
        for step in steps[boundary]:
            found = _with(step, ranks[boundary])
            if step.start not in ranks or found < ranks[step.start]:
                ranks[step.start] = found
    return ranks


def _with(step: Step, rest: tuple[int, ...]) -> tuple[int, ...]:
    return rest if step.rank < 0 else (step.rank, *rest)


def _edges(
    steps: Mapping[int, Sequence[Step]], ranks: Mapping[int, tuple[int, ...]], end: int
) -> list[_Edge]:
    """Return the edges of the paths with the earliest offers, by their start."""
    kept = [
        _Edge(step.start, boundary, step)
        for boundary, found in steps.items()
        if boundary in ranks
        for step in found
        if ranks[step.start] == _with(step, ranks[boundary])
    ]
    return _between(sorted(kept, key=_order), 0, end)


def _between(edges: Sequence[_Edge], start: int, stop: int) -> list[_Edge]:
    """Return the edges that lie on a path from `start` to `stop`."""
    reached = {start}
    forward = []
    for edge in edges:
        if edge.start in reached and edge.end <= stop:
            reached.add(edge.end)
            forward.append(edge)
    reaching = {stop}
    kept = []
    for edge in sorted(forward, key=lambda edge: (-edge.end, edge.start)):
        if edge.end in reaching:
            reaching.add(edge.start)
            kept.append(edge)
    return sorted(kept, key=_order)


def _order(edge: _Edge) -> tuple[int, int, int, int]:
    return (edge.start, edge.end, edge.step.rank, edge.step.level)


def _first_window(windows: Sequence[_Edge], ids: Sequence[str]) -> _Edge:
    """Return the window whose sorted list of ids is the smallest."""
    standing = list(windows)
    places = {place for edge in _longest(windows) for place in edge.step.members}
    held = _held(standing)
    taken = 0
    for place in sorted(places, key=ids.__getitem__):
        if taken == held.least:
            break
        if place in held.by_all:
            taken += 1
        elif place in held.by_any:
            holding = [edge for edge in standing if place in edge.step.members]
            if holding:
                standing, held = holding, _held(holding)
                taken += 1
    return next(edge for edge in standing if len(edge.step.members) == held.least)


def _longest(windows: Sequence[_Edge]) -> list[_Edge]:
    """Return windows that together hold all members: of those with one start the longest."""
    longest: dict[tuple[int, int], _Edge] = {}
    for edge in windows:
        key = (edge.start, edge.step.level)
        if key not in longest or longest[key].end < edge.end:
            longest[key] = edge
    return [*longest.values()]


class _Held(NamedTuple):
    """Places that every window holds, places that one may hold, and the least of members."""

    by_all: range
    by_any: range
    least: int


def _held(windows: Sequence[_Edge]) -> _Held:
    members = [edge.step.members for edge in windows]
    firsts, lasts = [held[0] for held in members], [held[-1] for held in members]
    is_plain = all(isinstance(held, range) for held in members)
    by_all = range(max(firsts), min(lasts) + 1) if is_plain else range(0)
    return _Held(by_all, range(min(firsts), max(lasts) + 1), min(map(len, members)))
