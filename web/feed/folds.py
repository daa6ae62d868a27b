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
from typing import Any, Protocol

from aggregator.journal.facts import canonical
from aggregator.journal.reading import Entry
from aggregator.market import Audience
from aggregator.topics import Topic
from web.feed import frames
from web.feed.patches import View, bare, difference
from web.feed.protocol import Since

_EPOCH_DIGITS = 16
_VERSION = version("aggregator")


class Follower(Protocol):
    """Whoever gets the frames of a track; it must never wait."""

    def follow(self, track: Track, text: str) -> None: ...


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
    ) -> None:
        self.name = name
        self.audience = audience
        self.is_state = is_state
        self.epoch = epoch
        self.seq = 0
        self.view = bare(first)
        self.followers: dict[Follower, None] = {}
        self.idle_ticks = 0
        self._window: deque[str] = deque(maxlen=window)
        self._digest: str | None = None
        self._snapshot: str | None = None

    @property
    def digest(self) -> str:
        if self._digest is None:
            self._digest = digest_of(self.view)
        return self._digest

    def show(self, view: View) -> None:
        """Take the view after one more entry, and tell the followers if it differs."""
        new = bare(view)
        patch = difference(self.view, new)
        if not patch:
            return
        self.seq += 1
        self.view, self._digest, self._snapshot = new, None, None
        text = frames.delta(self.name, seq=self.seq, patch=patch)
        self._window.append(text)
        for follower in list(self.followers):
            follower.follow(self, text)

    def snapshot(self) -> str:
        if self._snapshot is None:
            self._snapshot = frames.snapshot(
                self.name, epoch=self.epoch, seq=self.seq, view=self.view, digest=self.digest
            )
        return self._snapshot

    def missed(self, since: Since | None, *, max_bytes: int) -> Sequence[str] | None:
        """Return every frame after `since`, or None when only a snapshot can tell."""
        if since is None or since.epoch != self.epoch:
            return None
        count = self.seq - since.seq
        if not 0 <= count <= len(self._window):
            return None
        found = list(self._window)[len(self._window) - count :]
        return found if sum(map(len, found)) <= max_bytes else None


class Fold:
    """One topic of this process: its state after the entries so far, and its tracks."""

    def __init__(
        self, name: str, topic_id: str, topic: Topic, stream: str, *, origin: str, window: int
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.topic = topic
        self.stream = stream
        self.tracks: dict[Audience, Track] = {}
        self._window = window
        self._origin = origin
        self._state: Any = topic.initial(topic_id)

    def take(self, entries: Iterable[Entry]) -> None:
        """Fold further entries and show what each changes."""
        for entry in entries:
            self._state = self.topic.evolve(self._state, entry)
            for track in self.tracks.values():
                track.show(self.topic.view(self._state, track.audience))

    def open(self, audience: Audience, history: Iterable[Entry]) -> Track:
        """Return the audience's track; its numbering starts before the stream's first entry.

        `history` is everything this fold has taken so far.
        """
        state = self.topic.initial(self.topic_id)
        track = Track(
            self.name,
            audience,
            self.topic.view(state, audience),
            epoch=self._epoch(audience),
            is_state=self.topic.is_state,
            window=self._window,
        )
        for entry in history:
            state = self.topic.evolve(state, entry)
            track.show(self.topic.view(state, audience))
        self._state = state
        self.tracks[audience] = track
        return track

    def _epoch(self, audience: Audience) -> str:
        # Numbers of another audience, journal or version of the views are not comparable.
        compared = [self._origin, _VERSION, self.name, self.stream]
        compared += [audience.kind, audience.organisation_id or ""]
        return hashlib.sha256(canonical(compared)).hexdigest()[:_EPOCH_DIGITS]


def digest_of(view: View) -> str:
    """Return SHA-256 over the canonical JSON (RFC 8785) of a bare view, in hex."""
    return hashlib.sha256(canonical(view)).hexdigest()
