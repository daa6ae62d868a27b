"""The objective `surplus`: the exact maximum of Σ (net limit − price) × firm lots over windows.

Rule. Disjoint stretches of the order of (size, seq, id); of each the pledges that accept its
price are a pool. The largest surplus of firm lots wins; among equals the most firm lots, so
that pledges without surplus join where they fit; then fewer pools, the earlier offers pool by
pool in the order of size, the lexicographically smallest list. Tolerance lots fill packs and
reach breaks as always, but do not count: a pool is not worth more for needing them.

Guarantees. The optimum, exactly. It is not promised to be core-stable, nor safe to tell
limits to: a deeper pool may be sacrificed for a larger sum.

How. A longest path over the boundaries of the order, with one monotone queue for each price:
O(pledges × prices) without packs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matching.pools.cells import Cell, Formed
from matching.pools.explicit_ties import Step, first_of_paths
from matching.pools.price_breaks import Level
from matching.pools.stretches import Shape, line_of
from matching.pools.surplus_ties import first_of_tracks
from matching.pools.tracks import Track
from matching.pools.windows import ranker_of

Passing = Sequence[Sequence[tuple[Track, int]]]


def most_surplus(cell: Cell, levels: Sequence[Level], shape: Shape) -> list[Formed]:
    """Return the pools of a cell under the objective `surplus`, capacities aside."""
    count = len(cell.ids)
    tracks = [*_tracks(cell, levels, shape)]
    ending: list[list[tuple[Track, int]]] = [[] for _ in range(count + 1)]
    for track in tracks:
        for end, place in enumerate(track.places, 1):
            ending[place + 1].append((track, end))
    value = [0]
    for boundary in range(1, count + 1):
        best = value[-1]
        for track, end in ending[boundary]:
            best = max(best, track.best(end, value))
        value.append(best)
    if all(level.is_plain for level in levels):
        return first_of_tracks(cell, value, ending)
    steps = _steps(value, ending)
    return [
        Formed(step.rank, levels[step.level].price_minor, step.members, 1)
        for step in first_of_paths(steps, count, cell.ids)
    ]


def _tracks(cell: Cell, levels: Sequence[Level], shape: Shape) -> Iterator[Track]:
    """Give the tracks: one for each offer's break, but one for a level where packs matter."""
    for number, level in enumerate(levels):
        places = [x for x, net in enumerate(cell.net_minor) if net >= level.price_minor]
        if len(places) < shape.min_members:
            continue
        line = line_of(cell, places, level.least_lots, shape)
        most, _ = line.widest()
        if level.is_plain:
            for option in level.options:
                if option.from_lots <= most:
                    own = line_of(cell, places, option.from_lots, shape)
                    yield Track(own, level.price_minor, option.rank, number)
        elif level.least_lots <= most:
            yield Track(line, level.price_minor, -1, number, ranker_of(line, level))


def _steps(value: Sequence[int], ending: Passing) -> dict[int, list[Step]]:
    """Return the edges of all optimal paths, by the boundary that they end at."""
    steps: dict[int, list[Step]] = {}
    useful = {len(value) - 1}
    for boundary in range(len(value) - 1, 0, -1):
        if boundary not in useful:
            continue
        found: list[Step] = []
        if value[boundary - 1] == value[boundary]:
            found.append(Step(boundary - 1, -1, ()))
        for track, end in ending[boundary]:
            for start, rank in track.starts(end):
                if track.value_of(start, end, value) == value[boundary]:
                    members = track.places[start:end]
                    found.append(Step(members[0], rank, members, track.number))
        steps[boundary] = found
        useful.update(step.start for step in found)
    return steps
