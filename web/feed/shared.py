"""Views that have much in common, folded by the burst.

Of a burst of bids each is numbered by itself, from who sees it alone, and no view is made for it.
Then every audience's view is shown once, as it stands after all of them: what is common to a
kind is made and written once, and what is an audience's own only where it has changed. So the
numbers are those of one bid at a time, while the work is that of the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aggregator.journal.reading import Entry
from aggregator.market import Audience, MaySee
from aggregator.topics import SharedTopic, Topic
from web.feed import frames
from web.feed.folds import ALL, Fold, Track
from web.feed.patches import View, bare, difference


class Common:
    """What all audiences of a kind see alike."""

    __slots__ = ("_shown", "patch", "view", "written")

    def __init__(self, first: View) -> None:
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
    """A fold of a topic whose views share a part; see `Fold`.

    It counts for audiences that nobody follows too, so that one that joins need not begin with
    the stream's first entry.
    """

    def __init__(self, name: str, topic_id: str, topic: SharedTopic, stream: str, **more: Any):
        super().__init__(name, topic_id, topic, stream, **more)
        self._shared = topic
        self._counts = dict.fromkeys(topic.kinds, 0)
        """How many entries have changed what is common to a kind."""
        self._alone: dict[str, int] = {}
        """How many have changed a firm's own part and nothing that is common to its kind."""
        self._strangers = 0
        """The same for a firm that is not named there."""
        self._commons: dict[str, Common] = {}
        self._of_firm: dict[str, Track] = {}
        self._noted: dict[str, None] = {}
        self._made: dict[str, None] = {}
        """Which followed kinds have seen something, and for which of them it is made."""
        self._touched: dict[Track, None] = {}
        self._due: list[Track] = []
        self._frames: dict[tuple[str, int, int], bytes] = {}

    def note(self, entry: Entry) -> list[Track]:
        if self._made or self._due:
            # Whoever stopped half-way left views of another state to be shown.
            return [*self.show(ALL), *self.note(entry)]
        before = self._state
        after, seen = self._shared.follow(before, entry)
        if isinstance(seen, MaySee):
            shown = self.show(ALL)
            self._state = after
            return shown + self._look(before, seen)
        self._state = after
        for kind in seen.kinds:
            self._counts[kind] += 1
            if kind in self._commons:
                self._noted[kind] = None
        is_alone = self._shared.own_kind not in seen.kinds
        for firm in seen.firms:
            if is_alone:
                self._count(firm)
            if track := self._of_firm.get(firm):
                self._touched[track] = None
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
            made, touched = self._made, self._touched
            known = self.tracks.values() if made else touched
            self._due = [t for t in known if t.audience.kind in made or t in touched]
        due, self._due = self._due[:most], self._due[most:]
        for track in due:
            self._go_on(track, self._own_change(track) if track in self._touched else {})
        if not self._due:
            self._rest()
        return due

    def number_of(self, track: Track) -> int:
        audience = track.audience
        count = self._counts[audience.kind]
        if (firm := self._firm_of(audience)) is not None:
            count += self._alone.get(firm, self._strangers)
        return count

    def open(self, audience: Audience) -> Track:
        kind, firm = audience.kind, self._firm_of(audience)
        if kind not in self._commons:
            self._commons[kind] = Common(self._shared.common(self._state, kind))
        own = {} if firm is None else self._shared.own(self._state, firm)
        track = self._opened(audience, own)
        if firm is not None:
            self._of_firm[firm] = track
        track.stand_at(self.number_of(track), self._commons[kind].view)
        return track

    def join(self, audience: Audience) -> Track:
        assert not self.is_due, "who joins comes after all that was noted has been shown"
        return self.open(audience)

    def forget(self, track: Track) -> None:
        super().forget(track)
        kind, firm = track.audience.kind, self._firm_of(track.audience)
        if firm is not None:
            del self._of_firm[firm]
        if all(one.kind != kind for one in self.tracks):
            del self._commons[kind]

    def _firm_of(self, audience: Audience) -> str | None:
        """Return whose own part the audience sees."""
        return audience.organisation_id if audience.kind == self._shared.own_kind else None

    def _count(self, firm: str) -> None:
        self._alone[firm] = self._alone.get(firm, self._strangers) + 1

    def _own_change(self, track: Track) -> View:
        firm = self._firm_of(track.audience)
        return {} if firm is None else track.look(self._shared.own(self._state, firm))

    def _make(self, kind: str) -> None:
        """Make what a kind has in common as it stands now."""
        del self._noted[kind]
        if common := self._commons.get(kind):
            common.look(self._shared.common(self._state, kind))
            self._made[kind] = None

    def _look(self, before: Any, seen: MaySee) -> list[Track]:
        """Show an entry of which only the views can tell who sees it."""
        changed = {kind for kind in self._shared.kinds if self._has_common_change(before, kind)}
        for kind in changed:
            self._counts[kind] += 1
        own = {t: self._own_change(t) for t in self.tracks.values() if _may_see(seen, t)}
        if self._shared.own_kind not in changed:
            self._count_alone(before, seen, own)
        grown = [t for t in self.tracks.values() if t.audience.kind in changed or own.get(t)]
        for track in grown:
            self._go_on(track, own.get(track, {}))
        self._rest()
        return grown

    def _count_alone(self, before: Any, seen: MaySee, own: Mapping[Track, View]) -> None:
        """Count whose own part has changed, whether or not somebody follows."""
        if seen.firms is None:
            for firm in (*self._shared.firms(before), *self._shared.firms(self._state)):
                self._alone.setdefault(firm, self._strangers)
            firms: Iterable[str] = list(self._alone)
            # Of nobody's name: whoever has not acted sees the same as all who have not.
            self._strangers += self._has_own_change(before, "")
        else:
            firms = seen.firms
        for firm in firms:
            track = self._of_firm.get(firm)
            if own[track] if track else self._has_own_change(before, firm):
                self._count(firm)

    def _has_common_change(self, before: Any, kind: str) -> bool:
        after = self._shared.common(self._state, kind)
        if common := self._commons.get(kind):
            return bool(common.look(after))
        return bool(difference(bare(self._shared.common(before, kind)), bare(after)))

    def _has_own_change(self, before: Any, firm: str) -> bool:
        was, now = (bare(self._shared.own(state, firm)) for state in (before, self._state))
        return bool(difference(was, now))

    def _go_on(self, track: Track, patch: View) -> None:
        """Give a track the frame to its newest number."""
        audience = track.audience
        if self.tracks.get(audience) is not track:
            return
        common, seq = self._commons[audience.kind], self.number_of(track)
        key = audience.kind, track.seq, seq
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


def _may_see(seen: MaySee, track: Track) -> bool:
    return seen.firms is None or track.audience.organisation_id in seen.firms


def fold_of(name: str, topic_id: str, topic: Topic, stream: str, **more: Any) -> Fold:
    """Return a fold that makes the most of what a topic's views share."""
    if isinstance(topic, SharedTopic):
        return SharedFold(name, topic_id, topic, stream, **more)
    return Fold(name, topic_id, topic, stream, **more)
