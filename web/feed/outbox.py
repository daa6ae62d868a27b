"""What waits to be sent on one socket: bounded in frames and in bytes.

A slow reader of a state topic loses its waiting changes and gets the newest snapshot instead.
Changes of event topics and acknowledgements are never left out: when they no longer fit, the
socket is ended and its client resumes by number.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from web.feed.folds import Track
from web.feed.limits import FeedLimits
from web.feed.protocol import Close, Ending

_AT_ONCE = frozenset({Close.SLOW, Close.SESSION_OVER, Close.BROKEN})


@dataclass(slots=True)
class _Waiting:
    """A frame; without text, the snapshot that its track will have when its turn comes."""

    text: str | None
    track: Track | None = None
    is_heartbeat: bool = False

    @property
    def size(self) -> int:
        return 0 if self.text is None else size_of(self.text)


def size_of(text: str) -> int:
    """Return the bytes of a frame's text."""
    return len(text) if text.isascii() else len(text.encode())


class Outbox:
    """Frames in the order they go out. Nothing here waits but `next`."""

    def __init__(self, limits: FeedLimits) -> None:
        self._limits = limits
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._stale: set[Track] = set()
        self._has_more = asyncio.Event()
        self._is_cut = asyncio.Event()
        self.ending: Ending | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def send(self, text: str) -> None:
        """Append a frame that must arrive, or end the socket."""
        self._append(_Waiting(text))

    def send_all(self, texts: Iterable[str]) -> None:
        """Append frames that belong together; within the bytes, their count does not matter."""
        found = list(texts)
        if self._bytes + sum(map(size_of, found)) > self._limits.queue_bytes:
            self._overflow()
            return
        for text in found:
            self._put(_Waiting(text))

    def follow(self, track: Track, text: str) -> None:
        """Append a change of `track`, unless a newer snapshot of it is to come anyway."""
        if track not in self._stale:
            self._append(_Waiting(text, track))

    def refresh(self, track: Track) -> None:
        """Append the snapshot that `track` will have when its turn comes.

        It is made once for all sockets, so it does not count in this one's bytes.
        """
        if track not in self._stale:
            self.forget(track)
            self._append(_Waiting(None, track))
            self._stale.add(track)

    def beat(self, text: str) -> None:
        """Append a heartbeat in place of one that still waits."""
        self._drop(lambda waiting: waiting.is_heartbeat)
        self._append(_Waiting(text, is_heartbeat=True))

    def is_stale(self, track: Track) -> bool:
        """Whether a snapshot of the track waits, so that its number is not yet known."""
        return track in self._stale

    def forget(self, track: Track) -> None:
        """Leave out what still waits of a track that is no longer followed."""
        self._stale.discard(track)
        self._drop(lambda waiting: waiting.track is track)

    def end(self, ending: Ending) -> None:
        """Take no more frames; the first reason given counts.

        What waits is still sent, unless the reader is too slow for it or may no longer see it.
        """
        if self.ending is not None:
            return
        self.ending = ending
        if ending.code in _AT_ONCE:
            self._waiting.clear()
            self._bytes = 0
            self._is_cut.set()
        self._has_more.set()

    async def next(self) -> str | Ending:
        """Return the next frame, or why the socket ends."""
        while not self._waiting:
            if self.ending is not None:
                return self.ending
            self._has_more.clear()
            await self._has_more.wait()
        return self._take()

    async def cut(self) -> Ending:
        """Return once the socket must end without sending what waits."""
        await self._is_cut.wait()
        assert self.ending is not None
        return self.ending

    def _take(self) -> str:
        waiting = self._waiting.popleft()
        self._bytes -= waiting.size
        if waiting.text is not None:
            return waiting.text
        assert waiting.track is not None
        self._stale.discard(waiting.track)
        return waiting.track.snapshot()

    def _append(self, waiting: _Waiting) -> None:
        if not self._fits(waiting):
            self._conflate()
            if waiting.is_heartbeat or (waiting.text and waiting.track in self._stale):
                # The snapshots to come say it all, and newer than this.
                return
        if self._fits(waiting):
            self._put(waiting)
        elif waiting.text is not None and waiting.track is not None and waiting.track.is_state:
            self.refresh(waiting.track)
        else:
            self._overflow()

    def _fits(self, waiting: _Waiting) -> bool:
        return (
            len(self._waiting) < self._limits.queue_frames
            and self._bytes + waiting.size <= self._limits.queue_bytes
        )

    def _put(self, waiting: _Waiting) -> None:
        if self.ending is None:
            self._waiting.append(waiting)
            self._bytes += waiting.size
            self._has_more.set()

    def _conflate(self) -> None:
        """Put one snapshot in place of all waiting changes of each state topic."""
        tracks = dict.fromkeys(
            waiting.track
            for waiting in self._waiting
            if waiting.track is not None and waiting.track.is_state and waiting.text is not None
        )
        # A heartbeat that stood between them would tell numbers the client cannot have yet.
        self._drop(lambda waiting: waiting.is_heartbeat or waiting.track in tracks)
        for track in tracks:
            self._stale.add(track)
            self._put(_Waiting(None, track))

    def _drop(self, is_dropped: Callable[[_Waiting], bool]) -> None:
        kept = [waiting for waiting in self._waiting if not is_dropped(waiting)]
        if len(kept) != len(self._waiting):
            self._waiting = deque(kept)
            self._bytes = sum(waiting.size for waiting in kept)

    def _overflow(self) -> None:
        self.end(Ending(Close.SLOW, "the reader is too slow; resume by number"))
