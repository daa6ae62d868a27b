"""The numbering of views: a topic's stream folded, and what each audience saw of it.

The number of a view is derived, never stored: it grows by one with each entry that changes
what the audience sees. So every process and every restart agrees, and a hidden act leaves no
trace: no frame, no gap, no other digest.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import islice
from typing import Any, Protocol

from aggregator.journal.facts import canonical
from aggregator.journal.reading import Entry
from aggregator.market import Audience
from aggregator.topics import Topic
from web.feed import frames
from web.feed.patches import View, bare, difference
from web.feed.protocol import Ending, Since

LARGEST_PIECE = 64 * 1024
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
        self.view = bare(first)
        self._shown = first
        self.followers: dict[Follower, int] = {}
        """Who follows, and the number of the last frame given to each."""
        self.is_told = False
        """Whether its followers are being told, or will be at the next tick."""
        self.idle_ticks = 0
        self._window: deque[bytes] = deque(maxlen=window)
        self._pieces: dict[int, bytes] = {}
        self._digest: str | None = None
        self._snapshot: bytes | None = None

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
        new = bare(view, before=self._shown, was=self.view)
        self._shown = view
        patch = difference(self.view, new)
        if not patch:
            return False
        self.seq += 1
        self.view, self._digest, self._snapshot = new, None, None
        self._pieces.clear()
        self._window.append(frames.delta(self.name, seq=self.seq, patch=patch))
        return True

    def give(self, follower: Follower) -> None:
        """Give a follower every frame that it has not been given yet, in one piece."""
        has = self.followers.get(follower)
        if has is None or has == self.seq:
            return
        self.followers[follower] = self.seq
        if piece := self.piece(has):
            follower.follow(self, piece)
        elif self.seq - has > len(self._window):
            follower.lose(self)
        else:
            for frame in self._after(has):
                follower.follow(self, frame)

    def piece(self, has: int) -> bytes:
        """Return all frames after a number; nothing where they are too many for one piece."""
        piece = self._pieces.get(has)
        if piece is None:
            count = self.seq - has
            found = b"".join(self._after(has)) if 0 < count <= len(self._window) else b""
            piece = self._pieces[has] = found if len(found) <= LARGEST_PIECE else b""
        return piece

    def _after(self, seq: int) -> list[bytes]:
        return list(islice(reversed(self._window), self.seq - seq))[::-1]

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
        count = self.seq - since.seq
        if not 0 <= count <= len(self._window):
            return None
        found = self._after(since.seq)
        return found if sum(map(len, found)) <= max_bytes else None


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
        """Fold further entries; return the tracks whose view has changed."""
        grown: dict[Track, None] = {}
        for entry in entries:
            self._state = self.topic.evolve(self._state, entry)
            for track in self.tracks.values():
                if track.show(self.topic.view(self._state, track.audience)):
                    grown[track] = None
        return list(grown)

    def open(self, audience: Audience) -> Track:
        """Return the audience's track: its numbering starts before the stream's first entry.

        So this fold has taken nothing yet; one that has adopts the other, come as far.
        """
        track = self.tracks[audience] = Track(
            self.name,
            audience,
            self.topic.view(self._state, audience),
            epoch=self._epoch(audience),
            is_state=self.topic.is_state,
            is_ticked=self._is_ticked,
            window=self._window,
        )
        return track

    def adopt(self, other: Fold) -> None:
        """Take the tracks over from a fold of this topic that has taken the same entries."""
        self.tracks |= other.tracks

    def _epoch(self, audience: Audience) -> str:
        # Numbers of another audience, journal or version of the views are not comparable.
        compared = [self._origin, _VERSION, self.name, self.stream]
        compared += [audience.kind, audience.organisation_id or ""]
        return hashlib.sha256(canonical(compared)).hexdigest()[:_EPOCH_DIGITS]


def digest_of(view: View) -> str:
    """Return SHA-256 over the canonical JSON (RFC 8785) of a bare view, in hex."""
    return hashlib.sha256(canonical(view)).hexdigest()
