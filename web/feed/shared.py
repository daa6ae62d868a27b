"""Views that have much in common, folded by the burst.

Of a burst of bids each is numbered by itself, from who sees it alone, and no view is made for it.
Then every audience's view is shown once, as it stands after all of them: what is common to a
kind is made and written once, and what is an audience's own only where it has changed. So the
numbers are those of one bid at a time, while the work is that of the last.
"""

from __future__ import annotations

from typing import Any, Self

from aggregator.journal.reading import Entry
from aggregator.market import Audience
from aggregator.topics import SharedTopic, Topic
from web.feed import frames
from web.feed.folds import ALL, Fold, Track
from web.feed.patches import View, bare, difference


class Common:
    """What all audiences of a kind see alike, and how many entries have changed it."""

    __slots__ = ("_shown", "count", "kind", "patch", "view", "written")

    def __init__(self, kind: str, first: View) -> None:
        self.kind = kind
        self.count = 0
        self.view = bare(first)
        self._shown = first
        self.patch: View = {}
        """What was changed last, until all have shown it."""
        self.written: View = {}
        """The same, its values written as JSON."""

    def look(self, view: View) -> View:
        """Take the view as it is now; return the change."""
        new = bare(view, before=self._shown, was=self.view)
        self._shown = view
        self.patch = difference(self.view, new)
        self.written = frames.written(self.patch)
        if self.patch:
            self.view = new
        return self.patch

    def rest(self) -> None:
        self.patch, self.written = {}, {}


class SharedFold(Fold):
    """A fold of a topic whose views share a part; see `Fold`."""

    def __init__(self, name: str, topic_id: str, topic: SharedTopic, stream: str, **more: Any):
        super().__init__(name, topic_id, topic, stream, **more)
        self._shared = topic
        self._commons: dict[str, Common] = {}
        self._of_firm: dict[str, Track] = {}
        """The tracks with a part of their own."""
        self._alone: dict[Track, int] = {}
        """How many entries changed a track's own part and nothing that is common."""
        self._noted: dict[str, None] = {}
        self._made: dict[str, None] = {}
        """Which kinds have seen something, and for which of them it is made."""
        self._touched: dict[Track, None] = {}
        self._due: list[Track] = []
        self._frames: dict[tuple[str, int, int], bytes] = {}

    def note(self, entry: Entry) -> list[Track]:
        if self._made or self._due:
            # Whoever stopped half-way left views of another state to be shown.
            return [*self.show(ALL), *self.note(entry)]
        after, seen = self._shared.follow(self._state, entry)
        if seen is None:
            shown = self.show(ALL)
            self._state = after
            return shown + self._look()
        self._state = after
        for kind in seen.kinds:
            if common := self._commons.get(kind):
                common.count += 1
                self._noted[kind] = None
        is_common = self._shared.own_kind in seen.kinds
        for firm in seen.firms:
            if track := self._of_firm.get(firm):
                self._touched[track] = None
                self._alone[track] += not is_common
        return []

    @property
    def is_due(self) -> bool:
        return bool(self._noted or self._made or self._touched)

    def show(self, most: int) -> list[Track]:
        if self._noted and most < ALL:
            # Of a large auction one of these takes as long as a number of tracks.
            self._make(next(iter(self._noted)))
            return []
        for kind in list(self._noted):
            self._make(kind)
        if not self._due:
            self._gather()
        due, self._due = self._due[:most], self._due[most:]
        for track in due:
            patch: View = {}
            if track in self._touched:
                patch = track.look(self._shared.own(self._state, track.audience))
            self._go_on(track, patch)
        if not self._due:
            self._rest()
        return due

    def number_of(self, track: Track) -> int:
        return self._commons[track.audience.kind].count + self._alone[track]

    def open(self, audience: Audience) -> Track:
        kind = audience.kind
        if kind not in self._commons:
            self._commons[kind] = Common(kind, self._shared.common(self._state, kind))
        track = self._opened(audience, self._shared.own(self._state, audience))
        self._join(track, alone=0)
        track.stand_on(self._commons[kind].view)
        return track

    def adopt(self, other: Self) -> None:
        super().adopt(other)
        for track in other.tracks.values():
            kind = track.audience.kind
            self._commons.setdefault(kind, other._commons[kind])
            self._join(track, alone=other._alone[track])

    def forget(self, track: Track) -> None:
        super().forget(track)
        kind, firm = track.audience.kind, track.audience.organisation_id
        del self._alone[track]
        if firm is not None and self._of_firm.get(firm) is track:
            del self._of_firm[firm]
        if all(one.kind != kind for one in self.tracks):
            # Its next audience counts from the beginning.
            del self._commons[kind]

    def _join(self, track: Track, *, alone: int) -> None:
        self._alone[track] = alone
        audience = track.audience
        if audience.kind == self._shared.own_kind and audience.organisation_id is not None:
            self._of_firm[audience.organisation_id] = track

    def _make(self, kind: str) -> None:
        """Make what a kind has in common as it stands now."""
        del self._noted[kind]
        if common := self._commons.get(kind):
            common.look(self._shared.common(self._state, kind))
            self._made[kind] = None

    def _gather(self) -> None:
        """Find who has something to show."""
        made, touched = self._made, self._touched
        if made:
            tracks = self.tracks.values()
            self._due = [t for t in tracks if t.audience.kind in made or t in touched]
        else:
            self._due = [track for track in touched if track in self._alone]

    def _look(self) -> list[Track]:
        """Show an entry of which only the views can tell who sees it."""
        for kind, common in self._commons.items():
            common.count += bool(common.look(self._shared.common(self._state, kind)))
        grown = []
        for track in self.tracks.values():
            patch = track.look(self._shared.own(self._state, track.audience))
            if self._commons[track.audience.kind].patch or patch:
                self._alone[track] += not self._commons[track.audience.kind].patch
                self._go_on(track, patch)
                grown.append(track)
        self._rest()
        return grown

    def _go_on(self, track: Track, patch: View) -> None:
        """Give a track the frame to its newest number."""
        if track not in self._alone:
            return
        common = self._commons[track.audience.kind]
        seq = self.number_of(track)
        key = common.kind, track.seq, seq
        frame = None if patch else self._frames.get(key)
        if frame is None:
            whole = {**common.written, **patch} if patch else common.written
            frame = frames.delta(self.name, seq=seq, prev=track.seq, patch=whole)
            if not patch:
                # The same for everybody of whom nothing of his own has changed.
                self._frames[key] = frame
        track.go_on(seq, frame, common=common.view)

    def _rest(self) -> None:
        for common in self._commons.values():
            common.rest()
        self._noted.clear()
        self._made.clear()
        self._touched.clear()
        self._frames.clear()


def fold_of(name: str, topic_id: str, topic: Topic, stream: str, **more: Any) -> Fold:
    """Return a fold that makes the most of what a topic's views share."""
    if isinstance(topic, SharedTopic):
        return SharedFold(name, topic_id, topic, stream, **more)
    return Fold(name, topic_id, topic, stream, **more)
