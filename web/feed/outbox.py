"""What waits to be sent on one socket: bounded in frames and in bytes.

Where frames can be written without waiting, they are, and nothing waits here. A slow reader of
a state topic loses its waiting changes and gets the newest snapshot instead. Changes of event
topics and acknowledgements are never left out: when they no longer fit, the socket is ended
and its client resumes by number.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from web.feed.folds import Track
from web.feed.limits import FeedLimits
from web.feed.lines import write
from web.feed.protocol import Close, Ending

_AT_ONCE = frozenset({Close.SLOW, Close.SESSION_OVER, Close.BROKEN})


class Wire(Protocol):
    """Takes frames without waiting, and says when it has too many and when it has few again."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """What writes whole frames without waiting, until the wire pauses for good."""

    def fileno(self) -> int:
        """Return what may be written to past `write` while the wire is not paused, or -1."""

    def close(self, code: int, reason: str) -> None:
        """Send what was written and a close frame; end even if nobody reads them."""


@dataclass(slots=True)
class _Waiting:
    """Frames; without any, the snapshot that the track will have when its turn comes."""

    frames: bytes | None
    track: Track | None = None
    is_heartbeat: bool = False

    @property
    def size(self) -> int:
        return 0 if self.frames is None else len(self.frames)


class Outbox:
    """Frames in the order they go out. Nothing here waits but `next`, which is for no wire."""

    # A round over thousands of them is as fast as what it touches of each is small.
    __slots__ = (
        "_bytes", "_fileno", "_has_more", "_is_cut", "_is_writable", "_limits", "_stale",
        "_waiting", "_wire", "_write", "ending", "line", "tracks",
    )  # fmt: skip

    def __init__(self, limits: FeedLimits) -> None:
        self._limits = limits
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._stale: set[Track] = set()
        self._wire: Wire | None = None
        self._write: Callable[[bytes], None] = _unwritten
        self._is_writable = False
        self._fileno = -1
        self.line: int | None = None  # writable, with nothing to go first: the common case
        self._has_more = asyncio.Event()
        self._is_cut = asyncio.Event()
        self.tracks: dict[str, Track] = {}
        self.ending: Ending | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def attach(self, wire: Wire) -> None:
        """From now on write to `wire` whenever it takes more."""
        self._wire, self._write, self._fileno = wire, wire.write, wire.fileno()
        self.resume()

    def pause(self) -> None:
        """Keep what comes: the wire has enough."""
        self._is_writable = False
        self.line = None

    def resume(self) -> None:
        """Write what waits: the wire takes more."""
        self._is_writable = True
        while self._waiting and self._is_writable:
            self._write(self._take())
        if self._waiting:
            return
        if self.ending is not None:
            self._close(self.ending)
        elif self._is_writable:
            self.line = self._fileno

    def push(self, rest: bytes) -> None:
        """Write what the line has not taken: nothing waits that could go before it."""
        self._write(rest)

    def send(self, frame: bytes) -> None:
        """Append a frame that must arrive, or end the socket."""
        if self.line is None:
            self._append(_Waiting(frame))
        else:
            write(self, self.line, frame)

    def send_all(self, frames: Iterable[bytes]) -> None:
        """Append frames that belong together; within the bytes, their count does not matter."""
        found = list(frames)
        if self._bytes + sum(map(len, found)) > self._limits.queue_bytes:
            self._overflow()
            return
        for frame in found:
            self._put(_Waiting(frame))

    def follow(self, track: Track, frames: bytes) -> None:
        """Append changes of `track`, unless a newer snapshot of it is to come anyway."""
        if self.line is not None:
            self._write(frames)
        elif track not in self._stale:
            self._append(_Waiting(frames, track))

    def lose(self, track: Track) -> None:
        """Make good for changes that are gone: by a snapshot, or by resuming elsewhere."""
        if track.is_state:
            self.refresh(track)
        else:
            self._overflow()

    def refresh(self, track: Track) -> None:
        """Append the snapshot that `track` will have when its turn comes.

        It is made once for all sockets, so it does not count in this one's bytes.
        """
        if track not in self._stale:
            self.forget(track)
            self._stale.add(track)
            self._append(_Waiting(None, track))

    def beat(self, frame: bytes) -> None:
        """Append a heartbeat in place of one that still waits."""
        if self._waiting:
            self._drop(lambda waiting: waiting.is_heartbeat)
        self._append(_Waiting(frame, is_heartbeat=True))

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
        if ending.code in _AT_ONCE:
            self.give_up(ending)
            return
        self.ending = ending
        self.line = None
        self._has_more.set()
        if not self._waiting:
            self._close(ending)

    def give_up(self, ending: Ending) -> None:
        """End without sending what waits, even if the socket was ending already."""
        self.ending = self.ending or ending
        self.line = None
        self._waiting.clear()
        self._bytes = 0
        self._is_cut.set()
        self._has_more.set()
        self._close(self.ending)

    async def next(self) -> bytes | Ending:
        """Return the next frames, or why the socket ends."""
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

    def _close(self, ending: Ending) -> None:
        if self._wire is not None:
            self._wire.close(ending.code, ending.reason)

    def _take(self) -> bytes:
        waiting = self._waiting.popleft()
        self._bytes -= waiting.size
        return self._content(waiting)

    def _content(self, waiting: _Waiting) -> bytes:
        if waiting.frames is not None:
            return waiting.frames
        track = waiting.track
        assert track is not None
        self._stale.discard(track)
        if self in track.followers:
            track.followers[self] = track.seq
        return track.snapshot()

    def _append(self, waiting: _Waiting) -> None:
        if not self._fits(waiting):
            self._conflate()
            if waiting.is_heartbeat or (waiting.frames and waiting.track in self._stale):
                # The snapshots to come say it all, and newer than this.
                return
        if self._fits(waiting):
            self._put(waiting)
        elif waiting.frames is not None and waiting.track is not None and waiting.track.is_state:
            self.refresh(waiting.track)
        else:
            self._overflow()

    def _fits(self, waiting: _Waiting) -> bool:
        return (
            len(self._waiting) < self._limits.queue_frames
            and self._bytes + waiting.size <= self._limits.queue_bytes
        )

    def _put(self, waiting: _Waiting) -> None:
        if self.ending is not None:
            return
        if self.line is not None:
            self._write(self._content(waiting))
            return
        self._waiting.append(waiting)
        self._bytes += waiting.size
        self._has_more.set()

    def _conflate(self) -> None:
        """Put one snapshot in place of all waiting changes of each state topic."""
        tracks = dict.fromkeys(
            waiting.track
            for waiting in self._waiting
            if waiting.track is not None and waiting.track.is_state and waiting.frames is not None
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


def _unwritten(frames: bytes) -> None:
    raise AssertionError(f"{len(frames)} bytes are written without a wire")
