"""The numbering of views: a topic's stream folded, and what each audience saw of it.

The number of a view is derived, never stored: it grows by one with each entry that changes
what the audience sees. So every process and every restart agrees, and a hidden act leaves no
trace: no frame, no gap, no other digest. One frame may tell several of these changes at once:
it leads from the number that was told last to the newest.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, Protocol, Self

from aggregator.journal.facts import canonical
from aggregator.journal.reading import Entry
from aggregator.market import Audience
from aggregator.topics import Topic
from web.feed import frames
from web.feed.patches import View, bare, difference
from web.feed.protocol import Ending, Since

LARGEST_PIECE = 64 * 1024
_WINDOW_BYTES = 128 * 1024
ALL = 1 << 30
"""More tracks than a fold has."""
_EPOCH_DIGITS = 16
_VERSION = version("aggregator")


class Follower(Protocol):
    """Whoever gets the frames of a track; it must never wait."""

    tracks: dict[str, Track]
    line: int | None
    """The file number of a socket that takes whole frames now, with nothing to go first."""

    def follow(self, track: Track, frames: bytes) -> None:
        """Take the frames after those given before, joined."""

    def push(self, rest: bytes) -> None:
        """Send first of all what the line has not taken of a write."""

    def lose(self, track: Track) -> None:
        """Hear that frames of the track are gone for good."""

    def end(self, ending: Ending) -> None:
        """Take no more."""


class Track:
    """One topic as one audience sees it: the view, its number, and the frames before it."""

    def __init__(
        self,
        name: str,
        audience: Audience,
        first: View,
        *,
        epoch: str,
        is_state: bool,
        window: int,
        is_ticked: bool = False,
    ) -> None:
        self.name = name
        self.audience = audience
        self.is_state = is_state
        self.is_ticked = is_ticked
        self.epoch = epoch
        self.seq = 0
        self._own = bare(first)
        self._shown = first
        self._common: View = {}
        self.followers: dict[Follower, int] = {}
        """Who follows, and the number of the last frame given to each."""
        self.is_told = False
        """Whether its followers are being told, or will be at the next tick."""
        self.idle_ticks = 0
        self._max_frames = window
        self._window: deque[tuple[int, bytes]] = deque()
        """The newest frames, each with the number that it goes on from."""
        self._window_bytes = 0
        self._pieces: dict[int, bytes] = {}
        self._digest: str | None = None
        self._snapshot: bytes | None = None

    @property
    def view(self) -> View:
        return {**self._common, **self._own} if self._common else self._own

    @property
    def digest(self) -> str:
        if self._digest is None:
            self._digest = digest_of(self.view)
        return self._digest

    def show(self, view: View) -> bool:
        """Take the view after one more entry; return whether it differs.

        What a view holds is never changed later, so it may share with the view before.
        Followers are given the frame by `give`, soon.
        """
        patch = self.look(view)
        if not patch:
            return False
        seq = self.seq + 1
        self.go_on(seq, frames.delta(self.name, seq=seq, prev=self.seq, patch=patch))
        return True

    def look(self, own: View) -> View:
        """Take what the audience alone sees, all of it if nothing is common; return the change."""
        new = bare(own, before=self._shown, was=self._own)
        self._shown = own
        patch = difference(self._own, new)
        if patch:
            self._own = new
        return patch

    def go_on(self, seq: int, frame: bytes, *, common: View | None = None) -> None:
        """Stand at a later number, to which the frame leads from the one before."""
        self._window.append((self.seq, frame))
        self._window_bytes += len(frame)
        while len(self._window) > self._max_frames or (
            # Of events none is left out; of a state more than can be missed need not be kept.
            self.is_state and self._window_bytes > _WINDOW_BYTES and len(self._window) > 1
        ):
            self._window_bytes -= len(self._window.popleft()[1])
        self.seq = seq
        if common is not None:
            self._common = common
        self._digest = self._snapshot = None
        self._pieces.clear()

    def stand_at(self, seq: int, common: View) -> None:
        """Begin at a number, with what all of a kind see and what the audience alone does."""
        self.seq, self._common = seq, common

    def give(self, follower: Follower) -> None:
        """Give a follower every frame that it has not been given yet, in one piece."""
        has = self.followers.get(follower)
        if has is None or has == self.seq:
            return
        self.followers[follower] = self.seq
        if piece := self.piece(has):
            follower.follow(self, piece)
            return
        missed = self._after(has)
        if missed is None:
            follower.lose(self)
            return
        for frame in missed:
            follower.follow(self, frame)

    def piece(self, has: int) -> bytes:
        """Return all frames after a number; nothing where they are too many for one piece."""
        piece = self._pieces.get(has)
        if piece is None:
            found = b"".join(self._after(has) or ())
            piece = self._pieces[has] = found if len(found) <= LARGEST_PIECE else b""
        return piece

    def _after(self, seq: int) -> list[bytes] | None:
        """Return the frames that lead on from a number; None where none that is kept does."""
        if seq == self.seq:
            return []
        found = []
        for prev, frame in reversed(self._window):
            found.append(frame)
            if prev <= seq:
                return found[::-1] if prev == seq else None
        return None

    def snapshot(self) -> bytes:
        if self._snapshot is None:
            self._snapshot = frames.snapshot(
                self.name, epoch=self.epoch, seq=self.seq, view=self.view, digest=self.digest
            )
        return self._snapshot

    def missed(self, since: Since | None, *, max_bytes: int) -> Sequence[bytes] | None:
        """Return every frame after `since`, or None when only a snapshot can tell."""
        if since is None or since.epoch != self.epoch:
            return None
        if since.seq > self.seq:
            return None
        found = self._after(since.seq)
        return None if found is None or sum(map(len, found)) > max_bytes else found


class Fold:
    """One topic of this process: its state after the entries so far, and its tracks."""

    def __init__(
        self,
        name: str,
        topic_id: str,
        topic: Topic,
        stream: str,
        *,
        origin: str,
        window: int,
        is_ticked: bool = False,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.topic = topic
        self.stream = stream
        self.tracks: dict[Audience, Track] = {}
        self._window = window
        self._is_ticked = is_ticked
        self._origin = origin
        self._state: Any = topic.initial(topic_id)

    def take(self, entries: Iterable[Entry]) -> list[Track]:
        """Fold further entries and show them; return the tracks whose view has changed."""
        grown: dict[Track, None] = {}
        for entry in entries:
            grown.update(dict.fromkeys(self.note(entry)))
        grown.update(dict.fromkeys(self.show(ALL)))
        return list(grown)

    def note(self, entry: Entry) -> list[Track]:
        """Fold one more entry; return the tracks that show it already."""
        self._state = self.topic.evolve(self._state, entry)
        tracks = self.tracks.values()
        return [t for t in tracks if t.show(self.topic.view(self._state, t.audience))]

    @property
    def is_due(self) -> bool:
        """Whether something was noted that not all tracks have shown."""
        return False

    def show(self, most: int) -> list[Track]:  # noqa: ARG002 - what is noted is shown at once
        """Show what was noted, so many tracks at most; return which."""
        return []

    def number_of(self, track: Track) -> int:
        """Return the number of a track's view after all that was noted."""
        return track.seq

    def open(self, audience: Audience) -> Track:
        """Return the audience's track: its numbering starts before the stream's first entry.

        So this fold has taken nothing yet; one that has adopts the other, come as far.
        """
        return self._opened(audience, self.topic.view(self._state, audience))

    def join(self, audience: Audience) -> Track | None:  # noqa: ARG002 - of whom nothing is known
        """Return a new audience's track as it stands now; None where one must begin anew."""
        return None

    def adopt(self, other: Self) -> None:
        """Take the tracks over from a fold of this topic that has taken the same entries."""
        self.tracks |= other.tracks

    def forget(self, track: Track) -> None:
        """Let go of a track that nobody follows."""
        del self.tracks[track.audience]

    def _opened(self, audience: Audience, first: View) -> Track:
        track = self.tracks[audience] = Track(
            self.name,
            audience,
            first,
            epoch=self._epoch(audience),
            is_state=self.topic.is_state,
            is_ticked=self._is_ticked,
            window=self._window,
        )
        return track

    def _epoch(self, audience: Audience) -> str:
        # Numbers of another audience, journal or version of the views are not comparable.
        compared = [self._origin, _VERSION, self.name, self.stream]
        compared += [audience.kind, audience.organisation_id or ""]
        return hashlib.sha256(canonical(compared)).hexdigest()[:_EPOCH_DIGITS]


def digest_of(view: View) -> str:
    """Return SHA-256 over the canonical JSON (RFC 8785) of a bare view, in hex."""
    return hashlib.sha256(canonical(view)).hexdigest()
