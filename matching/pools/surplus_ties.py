"""Breaking ties of the objective `surplus` without writing the windows out.

Cuts between pools of one price can often move without changing the sum, so that there are
far more optimal windows than pledges. A window of a track is optimal when the value at its
start, less what lies before it on the track, is that at its end: equal keys. First the paths
with the earliest offers are kept: from each boundary on the smallest list of ranks, written as
one number with a digit for each pool. Then the lexicographically smallest list of pools is
narrowed down as in `matching.pools.ties`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

from matching.pools.cells import Cell, Formed
from matching.pools.ties import first_covered, narrowed
from matching.pools.tracks import Track

Passing = Sequence[Sequence[tuple[Track, int]]]
Window = tuple[Track, int, int]
Key = tuple[Track, int, int | None]


def first_of_tracks(cell: Cell, value: Sequence[int], ending: Passing) -> list[Formed]:
    """Return the pools of the first optimal path.

    `value` is the best of each boundary, `ending` the tracks with a window's end there.
    """
    paths = _Paths(cell, value, ending)
    chosen: list[Window] = []
    segments = [(0, len(cell.ids))]
    while segments:
        start, stop = segments.pop()
        if paths.pools_between(start, stop):
            window = _first_window(paths, start, stop)
            track, first, last = window
            chosen.append(window)
            segments += [(start, track.places[first]), (track.places[last - 1] + 1, stop)]
    chosen.sort(key=lambda window: window[0].places[window[1]])
    return [
        Formed(track.rank, track.price_minor, track.places[first:last], 1)
        for track, first, last in chosen
    ]


class _Ends:
    """The ends of one key on one track, from the right, and their smallest ranks in reach."""

    __slots__ = ("coming", "queue")

    def __init__(self) -> None:
        self.coming: deque[tuple[int, int]] = deque()
        self.queue: deque[tuple[int, int]] = deque()

    def smallest(self, first_end: int, stop: int) -> int | None:
        """Return the smallest ranks of ends in [first_end, stop]; both bounds only fall."""
        queue = self.queue
        while self.coming and self.coming[0][0] >= first_end:
            end, ranks = self.coming.popleft()
            while queue and queue[-1][1] >= ranks:
                queue.pop()
            queue.append((end, ranks))
        while queue and queue[0][0] > stop:
            queue.popleft()
        return queue[0][1] if queue else None


class _Paths:
    """The optimal paths with the earliest offers."""

    def __init__(self, cell: Cell, value: Sequence[int], ending: Passing) -> None:
        self.cell, self.value, self.ending = cell, value, ending
        self.starting: list[list[tuple[Track, int]]] = [[] for _ in value]
        for boundary, tracks in enumerate(ending):
            for track, end in tracks:
                self.starting[boundary - 1].append((track, end - 1))
        self._base = 1 + max((track.rank for track, _ in self._every()), default=0)
        self.ranks: list[int | None] = [None] * len(value)
        self._find_ranks()

    def pools_between(self, start: int, stop: int) -> int:
        """Return how many pools an optimal path has between two of its boundaries."""
        return (self.value[start] - self.value[stop]) % (len(self.cell.ids) + 1)

    def start_key(self, track: Track, start: int) -> Key:
        """Return what the start of a window shares with its ends."""
        boundary = track.places[start]
        return track, self.value[boundary] - track.worth[start], self.ranks[boundary]

    def end_key(self, track: Track, end: int) -> Key:
        boundary = track.places[end - 1] + 1
        before = self._before(track.rank, boundary)
        return track, self.value[boundary] - track.worth[end] + 1, before

    def passes(self, boundary: int) -> bool:
        """Tell whether a path of these may pass the pledge before a boundary by."""
        is_equal = self.value[boundary - 1] == self.value[boundary]
        return is_equal and self.ranks[boundary - 1] == self.ranks[boundary]

    def between(self, start: int, stop: int) -> list[int]:
        """Return the boundaries on the paths from `start` to `stop`, ascending."""
        return self._reaching(self._reached(start, stop), stop)

    def _every(self) -> Iterator[tuple[Track, int]]:
        for tracks in self.ending:
            yield from tracks

    def _before(self, rank: int, boundary: int) -> int | None:
        """Return the ranks of a path from a window of this rank that ends at a boundary."""
        rest = self.ranks[boundary]
        if rest is None:
            return None
        pools: int = self.pools_between(boundary, len(self.value) - 1)
        return rank * int(pow(self._base, pools)) + rest

    def _find_ranks(self) -> None:
        value, ranks = self.value, self.ranks
        ends: dict[tuple[Track, int], _Ends] = {}
        ranks[-1] = 0
        for boundary in range(len(value) - 1, -1, -1):
            best = ranks[boundary]
            if best is None:
                if value[boundary] == value[boundary + 1]:
                    best = ranks[boundary + 1]
                for track, start in self.starting[boundary]:
                    found = ends.get((track, value[boundary] - track.worth[start]))
                    if found is not None:
                        line = track.line
                        whole = found.smallest(line.first_end(start), line.stops[start])
                        if whole is not None and (best is None or whole < best):
                            best = whole
                ranks[boundary] = best
            if best is not None:
                for track, end in self.ending[boundary]:
                    key = (track, value[boundary] - track.worth[end] + 1)
                    before = self._before(track.rank, boundary)
                    if before is not None:
                        ends.setdefault(key, _Ends()).coming.append((end, before))

    def _reached(self, start: int, stop: int) -> list[int]:
        starts: dict[Key, list[int]] = {}
        reached: list[int] = []
        for boundary in range(start, stop + 1):
            if self.ranks[boundary] is None:
                continue
            is_reached = boundary == start
            if not is_reached and reached[-1] == boundary - 1:
                is_reached = self.passes(boundary)
            if not is_reached:
                is_reached = any(
                    _holds(
                        starts.get(self.end_key(track, end)),
                        track.line.first_start(end),
                        track.line.last_start(end),
                    )
                    for track, end in self.ending[boundary]
                )
            if is_reached:
                reached.append(boundary)
                for track, first in self.starting[boundary]:
                    starts.setdefault(self.start_key(track, first), []).append(first)
        return reached

    def _reaching(self, nodes: Sequence[int], stop: int) -> list[int]:
        ends: dict[Key, list[int]] = {}
        kept: list[int] = []
        for boundary in reversed(nodes):
            is_kept = boundary == stop
            if not is_kept and kept and kept[-1] == boundary + 1:
                is_kept = self.passes(boundary + 1)
            if not is_kept:
                is_kept = any(
                    _holds(
                        ends.get(self.start_key(track, start)),
                        -track.line.stops[start],
                        -track.line.first_end(start),
                    )
                    for track, start in self.starting[boundary]
                )
            if is_kept:
                kept.append(boundary)
                for track, end in self.ending[boundary]:
                    ends.setdefault(self.end_key(track, end), []).append(-end)
        return kept[::-1]


def _holds(ascending: Sequence[int] | None, low: int, high: int) -> bool:
    if ascending is None:
        return False
    place = bisect_left(ascending, low)
    return place < len(ascending) and ascending[place] <= high


def _first_window(paths: _Paths, start: int, stop: int) -> Window:
    """Return the window between two boundaries whose sorted list of ids is the smallest."""
    starts: dict[Track, list[int]] = {}
    ends: dict[Key, list[int]] = {}
    for boundary in paths.between(start, stop):
        for track, first in paths.starting[boundary]:
            if boundary < stop:
                starts.setdefault(track, []).append(first)
        for track, last in paths.ending[boundary]:
            if boundary > start:
                ends.setdefault(paths.end_key(track, last), []).append(last)
    found: list[tuple[list[str], Track, int, int]] = []
    for track, firsts in starts.items():
        window = _first_of_track(paths, track, firsts, ends)
        if window is not None:
            ids = sorted([paths.cell.ids[x] for x in track.places[window[0] : window[1]]])
            found.append((ids, track, *window))
    best = min(found, key=lambda entry: entry[0])
    return best[1:]


def _first_of_track(
    paths: _Paths,
    track: Track,
    starts: list[int],
    ends: dict[Key, list[int]],
) -> tuple[int, int] | None:
    line = track.line
    lasts = []
    for start in starts:
        after = ends.get(paths.start_key(track, start), ())
        place = bisect_right(after, line.stops[start])
        last = after[place - 1] if place else -1
        lasts.append(last if last >= line.first_end(start) else -1)
    ids = line.ids()
    least = first_covered(starts, lasts, ids)
    if least < 0:
        return None

    def is_window(first: int, last: int) -> bool:
        after = ends.get(paths.start_key(track, first), ())
        is_start = _holds(starts, first, first)
        is_lawful = line.first_end(first) <= last <= line.stops[first]
        return is_start and is_lawful and _holds(after, last, last)

    return narrowed(starts, lasts, least, ids, is_window)
